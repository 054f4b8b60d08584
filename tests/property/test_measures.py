"""Measures against a recount by brute force over the events, and the slope against plain weighted least squares."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import isnan, sqrt
from statistics import median

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.customers.cells import Cells
from models.customers.pulse import PULSE_LAYOUT
from models.customers.rhythm import slopes
from models.measures.daily import DAILY
from schemas.event import Email, Event, Login, Purchase, Ticket
from support.standing import Standing
from support.tries import tries
from support.troubled import FIRST_DAY, default_rules, make_event

RULES = default_rules()
BASIS = RULES.basis
CALENDAR = BASIS.calendar
quick = settings(max_examples=tries(40), derandomize=True, suppress_health_check=[HealthCheck.too_slow])


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


ACTIVITY = {"purchases", "logins", "tickets", "email_activity"}


@quick
@given(events=pasts(), ahead=st.integers(1, 130), length=st.integers(1, 120), skip=st.integers(0, 60))
def test_windows_equal_a_recount(events: list[Event], ahead: int, length: int, skip: int) -> None:
    boundary = FIRST_DAY + ahead
    standing = Standing(BASIS, events, boundary)

    def count(name: str) -> object:
        return standing.value(f"{name}({length}d before {skip}d)" if skip else f"{name}({length}d)")

    inside = [event for event in events if boundary - skip - length <= CALENDAR.day_of(event.time_ms) < boundary - skip]
    expected = Counter(name for event in inside for name in names_counting(event))
    for name in DAILY.keys() - {"spend", "items", "active_days", "engagement"}:
        assert count(name) == expected[name], name
    bought = [event.data for event in inside if isinstance(event.data, Purchase)]
    assert count("items") == sum(data.items for data in bought)
    assert count("spend") == pytest.approx(sum(data.amount for data in bought), abs=0.005)
    active = {CALENDAR.day_of(event.time_ms) for event in inside if set(names_counting(event)) & ACTIVITY}
    assert count("active_days") == len(active)
    asked = [event.data for event in inside if isinstance(event.data, Ticket) and event.data.action == "opened"]
    if skip == 0:
        assert standing.value(f"ticket_channels({length}d)") == len({data.channel for data in asked if data.channel})


@quick
@given(events=pasts(), ahead=st.integers(1, 130), since=st.integers(0, 130))
def test_windows_since_the_start_equal_a_recount(events: list[Event], ahead: int, since: int) -> None:
    boundary, start = FIRST_DAY + ahead, FIRST_DAY + min(ahead, since)
    standing = Standing(BASIS, events, boundary, since=start)
    inside = [event for event in events if start <= CALENDAR.day_of(event.time_ms) < boundary]
    expected = Counter(name for event in inside for name in names_counting(event))
    for name in ("purchases", "logins", "tickets", "tickets_resolved", "unsubscribes"):
        assert standing.value(f"{name}(since start)") == expected[name], name


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_clocks_and_totals_equal_a_recount(events: list[Event], ahead: int) -> None:
    boundary = FIRST_DAY + ahead
    standing = Standing(BASIS, events, boundary)
    known = [event for event in events if CALENDAR.day_of(event.time_ms) < boundary]

    def silent(names: set[str], pick: object = max) -> int | None:
        days = [CALENDAR.day_of(event.time_ms) for event in known if set(names_counting(event)) & names]
        return boundary - 1 - pick(days) if days else None  # type: ignore[operator] # min or max

    assert standing.value("days_since_purchase") == silent({"purchases"})
    assert standing.value("days_since_activity") == silent(ACTIVITY)
    assert standing.value("days_since_first") == silent(ACTIVITY, min)
    assert standing.value("days_since_first_ticket") == silent({"tickets"}, min)
    logged_in = silent({"logins"})
    assert standing.value("days_since_login") == (silent(ACTIVITY, min) if logged_in is None else logged_in)
    bought = [event for event in known if isinstance(event.data, Purchase)]
    assert standing.value("purchases_total") == len(bought)
    spent = sum(event.data.amount for event in bought if isinstance(event.data, Purchase))
    assert standing.value("spend_total") == pytest.approx(spent, abs=0.005)
    days = sorted({CALENDAR.day_of(event.time_ms) for event in bought})
    gaps = [later - earlier for earlier, later in pairwise(days)]
    assert standing.value("median_gap") == (median(gaps) if len(gaps) >= 3 else None)
    assert standing.value("longest_gap") == max(gaps, default=0)


@quick
@given(events=pasts(), ahead=st.integers(1, 130), threshold=st.integers(0, 300_000))
def test_a_window_compared_with_a_constant_is_the_comparison_of_its_value(
    events: list[Event], ahead: int, threshold: int
) -> None:
    standing = Standing(BASIS, events, FIRST_DAY + ahead)
    spend = standing.value("spend(30d)")
    assert isinstance(spend, float)
    for limit in (threshold / 100, spend):
        for op, truth in ((">=", spend >= limit), ("<", spend < limit), ("==", spend == limit)):
            assert standing.holds(f"spend(30d) {op} {limit:.2f}") is truth


@settings(quick, max_examples=tries(80))
@given(
    rows=st.dictionaries(st.integers(0, 120), st.integers(-60, 200), min_size=1, max_size=60),
    history=st.integers(3, 121),
)
def test_the_slope_equals_weighted_least_squares_by_brute_force(rows: dict[int, int], history: int) -> None:
    last = 120
    pulse = Cells(PULSE_LAYOUT)
    for day in range(last + 1):
        here = np.array([2] if day in rows else [], np.int32)
        pulse.append(
            day, here, {"active": np.ones(len(here), int), "points": np.array([rows.get(day, 0)])[: len(here)]}
        )
    first_days = np.array([0, 0, last + 1 - history], np.int32)
    fitted = slopes(pulse, np.array([2], np.int32), first_days, 3, last + 1, BASIS)
    change, z, at_last, per_day = (float(values[0]) for values in fitted)
    lam = 2 ** (-1 / BASIS.engagement.half_life_days)
    ages = range(history)
    weights = [lam**age for age in ages]
    values = [rows.get(last - age, 0) / 10 for age in ages]
    total = sum(weights)
    level = sum(w * y for w, y in zip(weights, values, strict=True)) / total
    if level <= 1e-12:
        assert isnan(change) or level > -1e-12
        return
    centre = sum(w * -age for w, age in zip(weights, ages, strict=True)) / total
    spread = sum(w * (-age - centre) ** 2 for w, age in zip(weights, ages, strict=True))
    rise = sum(w * (-age - centre) * y for w, age, y in zip(weights, ages, values, strict=True))
    n_eff = total**2 / sum(w * w for w in weights)
    variance = sum(w * (y - level) ** 2 for w, y in zip(weights, values, strict=True)) / total
    noise = max(variance * n_eff / (n_eff - 1), level / 2)
    error = sqrt(noise * sum((w * (-age - centre)) ** 2 for w, age in zip(weights, ages, strict=True)))
    assert z == pytest.approx(rise / error, rel=1e-9, abs=1e-9)
    assert change == pytest.approx(28 * rise / spread / level, rel=1e-9, abs=1e-9)
    assert per_day == pytest.approx(rise / spread, rel=1e-9, abs=1e-9)
    assert at_last == pytest.approx(level - rise / spread * centre, rel=1e-9, abs=1e-9)
