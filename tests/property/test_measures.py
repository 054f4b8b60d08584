"""Measures against a recount by brute force, the slope against plain weighted least squares, and honest silence."""

from __future__ import annotations

from collections import Counter
from math import sqrt

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models.activity import fold, forget
from models.customer import NEVER, Customer
from models.engagement import slope
from models.signals.measures import FEED_OF, SCALARS, View, standing

from models.catalogue.language import compile_condition, compile_term
from schemas.event import Email, Event, Login, Purchase, Ticket
from support.troubled import FIRST_DAY, default_rules, make_event

RULES = default_rules()
BASIS = RULES.basis
CALENDAR = BASIS.calendar
quick = settings(max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def pasts(draw: st.DrawFn, days: int = 120) -> list[Event]:
    """Events of one customer within some days, any order."""
    rows = draw(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, days - 1), st.integers(0, 59)), min_size=1, max_size=60)
    )
    return [
        make_event(kind, "c1", CALENDAR.start_of(FIRST_DAY + day) + number, number, choice)
        for number, (kind, day, choice) in enumerate(rows)
    ]


def record_of(events: list[Event]) -> Customer:
    customer = Customer()
    for event in events:
        fold(customer, event, CALENDAR.day_of(event.time_ms), BASIS.rates)
    return customer


def names_counting(event: Event) -> list[str]:  # noqa: PLR0911 - one case a line
    """The daily measures that an event adds one to, read off the contract and not off the code."""
    match event.data:
        case Purchase():
            return ["purchases"]
        case Login():
            return ["logins"]
        case Ticket(action="opened", category=category):
            own = {"complaint": ["complaints"], "other": []}.get(category, [f"{category}_tickets"])
            return ["tickets", *own]
        case Ticket(action="reopened"):
            return ["tickets", "tickets_reopened"]
        case Ticket():
            return ["tickets_resolved"]
        case Email(action="clicked"):
            return ["clicks", "email_activity"]
        case Email(action="unsubscribed" | "complained"):
            return ["unsubscribes", "email_activity"]
    return []


@quick
@given(events=pasts(), ahead=st.integers(1, 130), length=st.integers(1, 120), skip=st.integers(0, 60))
def test_windows_equal_a_recount(events: list[Event], ahead: int, length: int, skip: int) -> None:
    boundary = FIRST_DAY + ahead
    view = View(record_of(events), boundary, BASIS)
    inside = [event for event in events if boundary - skip - length <= CALENDAR.day_of(event.time_ms) < boundary - skip]
    expected = Counter(name for event in inside for name in names_counting(event))
    for name in set(FEED_OF) - {"spend", "items", "active_days", "engagement"}:
        assert view.count(name, length, skip)[0] == expected[name], name
    bought = [event.data for event in inside if isinstance(event.data, Purchase)]
    assert view.count("items", length, skip)[0] == sum(data.items for data in bought)
    assert view.count("spend", length, skip)[0] == pytest.approx(sum(data.amount for data in bought), abs=0.005)
    active = {
        CALENDAR.day_of(event.time_ms)
        for event in inside
        if set(names_counting(event)) & {"purchases", "logins", "tickets", "email_activity"}
    }
    assert view.count("active_days", length, skip)[0] == len(active)
    asked = [event.data for event in inside if isinstance(event.data, Ticket) and event.data.action == "opened"]
    if skip == 0:
        assert view.channels(length)[0] == len({data.channel for data in asked if data.channel})


@quick
@given(events=pasts(), ahead=st.integers(1, 130), threshold=st.integers(0, 300_000))
def test_a_window_compared_with_a_constant_is_the_comparison_of_its_value(
    events: list[Event], ahead: int, threshold: int
) -> None:
    view = View(record_of(events), FIRST_DAY + ahead, BASIS)
    spend = view.count("spend", 30, 0)[0]
    assert isinstance(spend, float)
    for limit in (threshold / 100, spend):
        for op, truth in ((">=", spend >= limit), ("<", spend < limit), ("==", spend == limit)):
            assert compile_condition(f"spend(30d) {op} {limit:.2f}", {}).holds(view)[0] is truth


@quick
@given(
    rows=st.dictionaries(st.integers(0, 120), st.integers(-60, 200), min_size=1, max_size=60),
    history=st.integers(3, 121),
)
def test_the_slope_equals_weighted_least_squares_by_brute_force(rows: dict[int, int], history: int) -> None:
    last = 120
    found = slope(sorted(rows.items()), last, history, BASIS.engagement)
    lam = 2 ** (-1 / BASIS.engagement.half_life_days)
    ages = range(history)
    weights = [lam**age for age in ages]
    values = [rows.get(last - age, 0) / 10 for age in ages]
    total = sum(weights)
    level = sum(w * y for w, y in zip(weights, values, strict=True)) / total
    if level <= 1e-12:
        assert found is None or level > -1e-12
        return
    centre = sum(w * -age for w, age in zip(weights, ages, strict=True)) / total
    spread = sum(w * (-age - centre) ** 2 for w, age in zip(weights, ages, strict=True))
    rise = sum(w * (-age - centre) * y for w, age, y in zip(weights, ages, values, strict=True))
    n_eff = total**2 / sum(w * w for w in weights)
    variance = sum(w * (y - level) ** 2 for w, y in zip(weights, values, strict=True)) / total
    noise = max(variance * n_eff / (n_eff - 1), level / 2)
    error = sqrt(noise * sum((w * (-age - centre)) ** 2 for w, age in zip(weights, ages, strict=True)))
    assert found is not None
    assert found.z == pytest.approx(rise / error, rel=1e-9, abs=1e-9)
    assert found.change == pytest.approx(28 * rise / spread / level, rel=1e-9, abs=1e-9)
    assert found.per_day == pytest.approx(rise / spread, rel=1e-9, abs=1e-9)
    assert found.last == pytest.approx(level - rise / spread * centre, rel=1e-9, abs=1e-9)


WINDOWED = ("purchases", "spend", "tickets", "logins", "unsubscribes", "active_days", "engagement")
TERMS = (
    *(f"{name}({window})" for name in WINDOWED
      for window in ("7d", "30d before 14d", "400d", "200d before 200d", "since start")),
    "ticket_channels(7d)", "usual(engagement, 14d)", "usual(spend, 344d)", "purchases(30d) / purchases(30d before 30d)",
    *(name for name in SCALARS if name != "stage"),
)  # fmt: skip
CONDITIONS = (
    *(signal.when.text for signal in RULES.signals),
    *(signal.ends.text for signal in RULES.signals),
    "days_since_login == 20", "days_since_purchase != 17.5", "purchases(60d before 20d) < 2 or stage == lapsed",
    "10 < days_since_activity", "logins(since start) >= 2", "2 * tickets(30d) > tickets(90d)",
    "days_since_first == 7.5", "days_since_purchase > days_since_login",
    "purchases(400d) == 0", "tickets(10d before 390d) >= 1",
)  # fmt: skip


@settings(quick, max_examples=30)
@given(events=pasts(150), ahead=st.integers(1, 160), since=st.integers(0, 150))
def test_until_is_honest_nothing_changes_by_silence_before(events: list[Event], ahead: int, since: int) -> None:
    boundary = FIRST_DAY + ahead
    silent = record_of([event for event in events if CALENDAR.day_of(event.time_ms) < boundary])

    def view_at(later: int) -> View:
        customer = msgspec.msgpack.decode(msgspec.msgpack.encode(silent), type=Customer)
        forget(customer, later - BASIS.keep_days)
        view = View(customer, later, BASIS)
        view.since = min(boundary, FIRST_DAY + since)
        return view

    views = [view_at(boundary + step) for step in (*range(1, 70), 99, 130, 180, 250, 331, 400, 401, 402, 450, 560)]
    terms = [compile_term(text, BASIS.constants) for text in TERMS]
    for term in terms:
        value, until = term.term.read(view_at(boundary))
        assert until > boundary, term.text
        changed = [v.boundary for v in views if v.boundary < until and term.term.read(v)[0] != value]
        assert changed == [], (term.text, value, until)
    for text in CONDITIONS:
        holds = compile_condition(text, BASIS.constants).holds
        truth, until = holds(view_at(boundary))[:2]
        assert until > boundary, text
        changed = [v.boundary for v in views if v.boundary < until and (holds(v)[0] is True) != (truth is True)]
        assert changed == [], (text, truth, until)
    stage = standing(view_at(boundary))
    if stage is not None:
        assert stage.until > boundary
        later = [(v.boundary, found.stage) for v in views if v.boundary < stage.until and (found := standing(v))]
        assert {name for _, name in later} <= {stage.stage}, (stage, later)


@settings(quick, max_examples=60)
@given(events=pasts(120), ahead=st.integers(1, 90), since=st.integers(0, 90))
def test_deafness_is_honest_no_news_makes_true_what_is_not(events: list[Event], ahead: int, since: int) -> None:
    boundary = FIRST_DAY + ahead
    past = [event for event in events if CALENDAR.day_of(event.time_ms) < boundary]
    news = [event for event in events if CALENDAR.day_of(event.time_ms) >= boundary]

    def view_at(later: int, heard: list[Event]) -> View:
        view = View(record_of(past + heard), later, BASIS)
        view.since = min(boundary, FIRST_DAY + since)
        return view

    if view_at(boundary, []).first_day is None:  # then nothing is judged at all
        return
    for text in CONDITIONS:
        holds = compile_condition(text, BASIS.constants).holds
        truth, until, deaf, feeds = holds(view_at(boundary, []))
        if truth is True or "stage" in text:  # a change of the stage has every signal that reads it judged anew
            continue
        unheard = [event for event in news if not feeds >> event.feed & 1]
        for later in range(boundary + 1, min(until, boundary + 60)):
            assert holds(view_at(later, unheard))[0] is not True, (text, later, until, feeds)
            if later < deaf:
                assert holds(view_at(later, news))[0] is not True, (text, later, deaf)


def test_never_is_further_than_any_boundary() -> None:
    assert CALENDAR.day_of(4_102_444_800_000) < NEVER
