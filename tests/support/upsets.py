"""Random catalogues, changes of them, and histories made for trouble, for the comparison with the reference."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final
from zlib import crc32

from hypothesis import strategies as st

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from schemas.event import Event
from support.builders import DAY_MS, HOUR_MS
from support.troubled import FIRST_DAY, at_ms, catalogue, make_event

ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York")
FEED_SETS: Final = (
    ["purchase", "login", "ticket", "email"], ["purchase"], ["purchase", "login"], ["ticket", "email"], ["login"],
    ["purchase", "ticket", "email"],
)  # fmt: skip
SECONDS: Final = (0, 1, 1_800, 3_599, 3_600, 43_200, 82_800, 86_399)
BEHIND_S: Final = (0, 0, 0, 0, 0, 0, 1, 600, 3_600, 5_000, 90_000, 3 * 86_400, 7 * 86_400, 8 * 86_400, 30 * 86_400)
"""By how much an event arrives behind its time."""
FAR_DAYS: Final = (0, 0, -250, -20, -9, 9, 200)
"""How far off an event may lie in a feed that is not declared, which holds no boundary back."""
CONTACT_DAYS: Final = st.sampled_from((0, 1, 2, 7, 30))
CLOCK: Final = "clock"
"""A customer who does something in every feed every few days, so that the watermark moves and others can be late."""

EXTRA: Final[Mapping[str, dict[str, Any]]] = {
    "below_usual": {
        "when": "usual(logins, 14d) > 0.5 and logins(14d) <= 0.6 * usual(logins, 14d)",
        "ends": "logins(since start) >= 2 or logins(14d) > 0.9 * usual(logins, 14d)",
        "score": "logins(14d) - usual(logins, 14d)", "severity": "error",
    },
    "small_baskets": {
        "when": "spend(30d) / items(30d) < 0.8 * spend(90d before 30d) / items(90d before 30d) or items(30d) == 0",
        "ends": "(spend(since start) + 1) * 2 > 80 or (days_since_activity > 40 and stage != new)",
        "score": "(spend(30d) + 1) / (spend(90d before 30d) + 1)",
    },
    "sliding": {
        "when": "slope_change < -0.55 and (slope_z < -0.4 or engagement(7d) < 0)",
        "ends": "slope_change > -0.2 or slope_z > 0.3", "score": "slope_change",
    },
    "in_between": {
        "when": "stage == lapsed or stage == active and days_since_purchase >= 9",
        "ends": "stage != lapsed and (stage != active or active_days(since start) >= 3)",
        "score": "days_since_first - days_since_login", "severity": "error",
    },
    "mail_refused": {
        "announced": True, "when": "unsubscribes(7d) >= 2 or (unsubscribes(40d) >= 2 and clicks(30d before 7d) == 0)",
        "ends": "unsubscribes(9d) == 0", "score": "unsubscribes(40d)", "severity": "error",
    },
    "reads_no_mail": {
        "when": "clicks(20d) == 0 and days_since_activity >= 2", "severity": "error",
        "ends": "clicks(since start) > 0 or (-2 * days_since_login >= -1 * median_gap and dormant != stage) "
        "or 0.2 >= (tickets(30d) + 1) / (logins(30d) + 1) or active == stage and items(4d) - logins(4d) > 1",
        "score": "days_since_activity",
    },
    "many_channels": {
        "announced": True, "when": "ticket_channels(20d) >= 2 or tickets(3d) >= 2 and days_since_first_ticket >= 3",
        "ends": "tickets(since start) - tickets_resolved(since start) <= 0", "score": "tickets(20d)",
        "severity": "error",
    },
}  # fmt: skip
"""Signals that use what the default catalogue does not."""


def extra_signal(when: str, ends: str, score: str, severity: str = "warning", **more: Any) -> dict[str, Any]:
    """A signal as a catalogue writes it."""
    return {
        "when": when, "ends": ends, "severity": severity, "owner": "Support", "respond_hours": 5,
        "intervention": "Ask.", "score": {"is": score, "threshold": "1", "worse": "lower", "margin": 0.5},
        "values": {"level": score},
        "summary": "At {level|point|points}[, that is {level} {currency}].", "clears_when": "{level} gone",
        "drivers": [{"text": "level", "value": "level"}],
    } | more  # fmt: skip


@st.composite
def catalogues(draw: st.DrawFn) -> dict[str, Any]:
    """The default catalogue, changed at random."""
    own = catalogue() | {"feeds": draw(st.sampled_from(FEED_SETS))}
    own["signals"] |= {name: extra_signal(**body) for name, body in EXTRA.items()}
    own["experiment"], own["outage"] = draw(experiments()), draw(outages())
    own["attention"] = {"contact_days": draw(CONTACT_DAYS)}
    if draw(st.booleans()):
        dormant = draw(st.sampled_from((2, 9, 31, 60)))
        own["lifecycle"] = {
            "silence": draw(st.sampled_from(("purchase", "activity"))), "dormant_days": dormant,
            "churned_days": dormant + draw(st.sampled_from((0, 1, 60))), "gap_factor": draw(st.sampled_from((0, 2))),
            **{days: draw(st.sampled_from((1, 7, 30, 90))) for days in ("new_days", "reactivated_days", "active_days")},
        }  # fmt: skip
    return draw(changed(own, 8))


def experiments() -> st.SearchStrategy[Any]:
    """Nobody, few or half of the customers are held out."""
    some = st.fixed_dictionaries({"holdout": st.sampled_from((0.05, 0.5)), "salt": st.sampled_from(("one", "other"))})
    return st.one_of(st.just({"holdout": 0}), some)


def outages() -> st.SearchStrategy[Any]:
    """No feed is ever down, or one is soon: two weeks of a few customers say what is usual.

    Whose its alert is, and how bad, and how soon it is escalated, may be any.
    """
    said: dict[str, st.SearchStrategy[Any]] = {
        "chance": st.sampled_from((1e-6, 0.01, 0.2, 0.5)),
        "weeks": st.sampled_from((2, 3, 8)),
        "owner": st.sampled_from(("Platform", "Support", "Somebody else")),
        "severity": st.sampled_from(("info", "warning", "error", "critical")),
        "respond_hours": st.sampled_from((0, 4, 30, 200)),
    }
    return st.one_of(st.just("off"), st.fixed_dictionaries(said))


@st.composite
def changed(draw: st.DrawFn, own: dict[str, Any], most: int) -> dict[str, Any]:
    """Some signals with other settings."""
    own = deepcopy(own)
    for name in draw(st.lists(st.sampled_from(sorted(own["signals"])), max_size=most, unique=True)):
        signal = own["signals"][name]
        signal["cooldown_days"] = draw(st.sampled_from((0, 1, 7, 60)))
        signal["score"]["margin"] = draw(st.sampled_from((0, 0.5, 1, 3)))
        signal["severity"] = draw(st.sampled_from(("warning", "error")))
        signal["priority"] = draw(st.sampled_from((0, 50, 90)))
        signal["contacts_customer"] = draw(st.booleans())
        if not signal.get("announced"):
            signal["persistence"] = draw(st.sampled_from((1, 2, 5)))
        signal["expires_days"] = draw(st.sampled_from((None, 1, 3, 20)))
        if draw(st.booleans()):
            signal["ends_as"] = draw(st.sampled_from(("came_back", "solved", "over")))
    return own


@st.composite
def successors(draw: st.DrawFn, own: dict[str, Any]) -> dict[str, Any]:
    """A catalogue that follows: other thresholds, owners, severities, feeds and points; signals dropped and added."""
    own = draw(changed(own, 4))
    signals = own["signals"]
    for name in draw(st.lists(st.sampled_from(sorted(signals)), max_size=4, unique=True)):
        change = draw(st.sampled_from(("owner", "threshold", "drop", "add")))
        if change == "owner":
            signals[name]["owner"] = "Somebody else"
        elif change == "threshold":
            signals[name]["when"] = signals[name]["when"].replace("2", "3").replace("0.", "0.1")
        elif change == "drop":
            del signals[name]
        else:
            signals[f"{name}_again"] = deepcopy(signals[name])
    if draw(st.booleans()):
        own["feeds"] = draw(st.sampled_from(FEED_SETS))
    for section, drawn in (
        ("experiment", experiments()),
        ("attention", st.fixed_dictionaries({"contact_days": CONTACT_DAYS})),
        ("outage", outages()),
        ("model", st.fixed_dictionaries({"horizon_days": st.sampled_from((10, 60, 90))})),
    ):
        if draw(st.booleans()):
            own[section] = draw(drawn)
    if draw(st.booleans()):
        own["engagement"]["login"] = {"points": draw(st.sampled_from((0, 2, -1))), "cap": 2}
    return own


@st.composite
def troubled_arrivals(draw: st.DrawFn, rules: Rules) -> list[Event]:
    """Some customers and a clock, in the order of arrival: late events, duplicates, ids used again for other content.

    Tickets and e-mails come in bursts. There may be a long pause, and before it other kinds of events than behind it.
    The clock may jump by weeks. Purchases and logins may lag behind the other feeds, so that announcements run ahead of
    the reviews. What is of a feed that is not declared may lie anywhere.
    """
    basis, days = rules.basis, draw(st.integers(20, 120))
    row = st.tuples(
        st.integers(0, 3), st.integers(0, 4), st.integers(0, days - 1), st.integers(0, 7), st.integers(0, 59),
        st.sampled_from(BEHIND_S), st.sampled_from(("once",) * 9 + ("twice", "id used before", "id used again")),
    )  # fmt: skip
    pause, early = draw(st.sampled_from((0, 0, 70, 130))), draw(st.sampled_from(((0, 1, 2, 3), (1,), (2, 3))))
    arriving: list[tuple[int, Event]] = []
    for number, (later, who, day, second, choice, behind, fate) in enumerate(
        draw(st.lists(row, min_size=draw(st.sampled_from((1, 40, 60))), max_size=100))
    ):
        is_early = day < days // 3
        kind = early[later % len(early)] if is_early else later
        far = 0 if kind in basis.feeds else FAR_DAYS[choice % len(FAR_DAYS)]
        for burst in range(1 + choice % 3 if kind >= 2 else 1):
            on = FIRST_DAY + day + (0 if is_early else pause)
            arrives = at_ms(on, SECONDS[second - burst], basis.calendar)
            at = at_ms(on + far, SECONDS[second - burst], basis.calendar)
            event = make_event(kind, f"c{who}", at, number + 1000 * burst, choice + burst)
            arriving += _fate_of(event, fate, arrives + 1000 * behind, choice)
    for day in range(0, days + pause, draw(st.sampled_from((1, 2, 2, 9, 40)))):
        at = at_ms(FIRST_DAY + day, 43_000, basis.calendar)
        arriving += [(at, make_event(feed, CLOCK, at, 10_000 + 4 * day + feed, 3)) for feed in range(4)]
    lag_ms = DAY_MS * draw(st.sampled_from((0, 0, 0, 2, 50)))
    arriving = [(at + lag_ms if event.feed < 2 else at, event) for at, event in arriving]
    return [event for _, event in sorted(arriving, key=lambda row: row[0])]


def _fate_of(event: Event, fate: str, arrives_ms: int, choice: int) -> list[tuple[int, Event]]:
    """When it arrives, and what arrives with its id besides."""
    if fate == "twice":
        return [(arrives_ms, event), (arrives_ms + 3 * HOUR_MS, event)]
    if fate == "id used before":
        return [(arrives_ms, event), (arrives_ms, _other(event, -(choice % 8), choice))]
    if fate == "id used again":
        other = _other(event, choice % 20, choice)
        return [(arrives_ms, event), (other.time_ms, other)]
    return [(arrives_ms, event)]


def _other(event: Event, days: int, choice: int) -> Event:
    """Another event with the id of this one, some days later."""
    return make_event(event.feed, event.customer_id, event.time_ms + days * DAY_MS, int(event.id[1:]), choice + 1)


@st.composite
def upset_runs(draw: st.DrawFn) -> tuple[dict[int, Rules], list[Event]]:
    """Catalogues by the number of the event from which they are in force, and the events."""
    zone, own = draw(st.sampled_from(ZONES)), draw(catalogues())
    rules = build_rules(own, zone=zone)
    arrivals = draw(troubled_arrivals(rules))
    changes = {0: rules}
    for _ in range(draw(st.sampled_from((0, 1, 2)))):
        own = draw(successors(own))
        changes[max(changes) + draw(st.integers(1, len(arrivals)))] = build_rules(own, zone=zone)
    return changes, arrivals


def some_risk(customer_id: str, boundary: int) -> tuple[float, float | None] | None:
    """A score that is the same each time; now and then none, or one without a rank."""
    dice = random.Random(crc32(f"{customer_id}/{boundary}".encode()))
    return None if dice.random() < 0.1 else (dice.random(), dice.choice((None, 0.01, 0.04, 0.08, 0.2, 0.7)))


def end_of(arrivals: Sequence[Event], days: int) -> int:
    """The instant so many days behind the last event that is not far ahead of all others."""
    return max(event.time_ms for event in arrivals if event.customer_id == CLOCK) + days * DAY_MS
