"""Commands about the alerts of a history, among its events: in time, late, twice, of no alert, of another customer."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from schemas.alert import AlertV1
from schemas.command import Action, Command
from schemas.event import Event
from schemas.instant import from_rfc3339
from support.builders import DAY_MS, HOUR_MS

AFTER_MS: Final = (0, 1, 9 * HOUR_MS, DAY_MS, 30 * HOUR_MS, 3 * DAY_MS, 12 * DAY_MS, -DAY_MS)
"""When, counted from the alert's first day, something is said of it."""
BEHIND_MS: Final = (0, 0, 0, 0, 600_000, 2 * DAY_MS, 6 * DAY_MS, 12 * DAY_MS)
"""By how much that arrives behind its time."""
FATES: Final = ("once",) * 6 + ("twice", "id used again", "no alert", "another customer")
NO_ALERT: Final = "0" * 32
ACTIONS: Final[tuple[Mapping[str, Any], ...]] = (
    {"action": "acknowledge"},
    {"action": "outcome", "outcome": "kept"},
    {"action": "outcome", "outcome": "lost", "note_id": "n-1"},
    {"action": "outcome", "outcome": "false_alarm"},
    {"action": "snooze", "lasts_ms": HOUR_MS},
    {"action": "snooze", "lasts_ms": 4 * DAY_MS},
    {"action": "snooze", "lasts_ms": 15 * DAY_MS},
    {"action": "opt_out"},
    {"action": "opt_in"},
)
"""`lasts_ms`: of a snooze, until so long after it was said."""


OF_CUSTOMERS: Final = ("opt_out", "opt_in", "erase")
"""What is said of a customer, and of no alert."""
ERASING: Final[tuple[Mapping[str, Any], ...]] = (*ACTIONS, {"action": "erase"})
"""The same, and that customers are to be erased."""


def command(
    alert: AlertV1, at_ms: int, name: str, action: Action = "acknowledge", by: str = "Ann", **more: Any
) -> Command:
    """A command about an alert."""
    told: dict[str, Any] = {"customer_id": alert.customer_id, "alert_id": alert.alert_id, **more}
    if (lasts_ms := told.pop("lasts_ms", None)) is not None:
        told["until_ms"] = at_ms + lasts_ms
    if action in OF_CUSTOMERS:
        told["alert_id"] = None
    return Command(id=name, action=action, at_ms=at_ms, by=by, **told)


@st.composite
def with_commands(
    draw: st.DrawFn, alerts: Sequence[AlertV1], events: Sequence[Event], actions: Sequence[Mapping[str, Any]] = ACTIONS
) -> list[Event | Command]:
    """Events in their order, and between them what is said of the alerts that come of them."""
    row = st.tuples(
        st.integers(0, 10_000), st.sampled_from(actions), st.sampled_from(AFTER_MS), st.sampled_from(BEHIND_MS),
        st.sampled_from(FATES),
    )  # fmt: skip
    rows = draw(st.lists(row, min_size=8, max_size=30)) if alerts else []
    return _among(events, [one for number, given in enumerate(rows) for one in _said(alerts, number, *given)])


def spoken_of(
    alerts: Sequence[AlertV1],
    events: Sequence[Event],
    dice: random.Random,
    actions: Sequence[Mapping[str, Any]] = ACTIONS,
) -> list[Event | Command]:
    """The same of every second revision."""
    said = [
        one
        for number, alert in enumerate(alerts)
        if dice.random() < 0.5
        for one in _said(
            [alert], number, 0, dice.choice(actions), dice.choice(AFTER_MS), dice.choice(BEHIND_MS), dice.choice(FATES)
        )
    ]
    return _among(events, said)


def _said(
    alerts: Sequence[AlertV1], number: int, chosen: int, action: Mapping[str, Any], after_ms: int, behind_ms: int,
    fate: str,
) -> list[tuple[int, Command]]:  # fmt: skip
    """A command and when it arrives; perhaps another one with its id."""
    alert = alerts[chosen % len(alerts)]
    if alert.is_of_feed and action["action"] in OF_CUSTOMERS:
        action = {"action": "acknowledge"}
    at_ms = max(0, from_rfc3339(alert.starts_at) + after_ms)
    more = {"alert_id": NO_ALERT} if fate == "no alert" else {}
    more |= {"customer_id": "somebody"} if fate == "another customer" else {}
    first = command(alert, at_ms, f"k{number}", **{**action, **more})
    found = [(at_ms + behind_ms, first)]
    if fate == "twice":
        found.append((at_ms + behind_ms + 3 * HOUR_MS, first))
    elif fate == "id used again":
        found.append((at_ms + behind_ms + 3 * HOUR_MS, command(alert, at_ms + 1, f"k{number}", by="Bob")))
    return found


def _among(events: Sequence[Event], said: Iterable[tuple[int, Command]]) -> list[Event | Command]:
    """Each command before the first event that is newer than its arrival."""
    newest, rows = 0, list[tuple[int, int, Event | Command]]()
    for place, event in enumerate(events):
        newest = max(newest, event.time_ms)
        rows.append((newest, place, event))
    rows += [(at_ms, -1, one) for at_ms, one in said]
    return [one for _, _, one in sorted(rows, key=lambda row: row[:2])]
