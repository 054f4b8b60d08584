"""An opt-out ends what was fired at once: what fires again behind it does so however far the reviews are."""

from __future__ import annotations

import pytest

from models.engine.replay import Replay
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.event import Event
from support.builders import DAY_MS, HOUR_MS, login, ticket
from support.troubled import FIRST_DAY, default_rules


def at(day: int, hour: int = 9) -> int:
    return (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS


def complaints(day: int) -> list[Event]:
    """Two of them: the same trouble again."""
    return [ticket("c", at(day, hour), "opened", category="complaint", id=f"{day}/{hour}") for hour in (9, 10)]


FIRST, AGAIN, END_MS = 2, 14, at(20)
EVENTS = [login("somebody", at(0)), *complaints(FIRST), *complaints(AGAIN)]
OUT, BACK = Command("out", "opt_out", "c", at(4), "Ann"), Command("back", "opt_in", "c", at(8), "Ann")


def told(said: list[Command], *, is_ticked: bool) -> list[AlertV1]:
    replay = Replay(default_rules(), 1)
    timed: list[tuple[int, Event | Command]] = [(one.time_ms, one) for one in EVENTS]
    timed += [(one.at_ms, one) for one in said]
    for time_ms, one in sorted(timed, key=lambda row: row[0]):
        if is_ticked:
            replay.until(time_ms)
        replay.take(one)
    replay.until(END_MS)
    alerts = [one for one in replay.drain() if isinstance(one, AlertV1) and one.signal == "repeated_complaints"]
    return sorted(alerts, key=lambda one: (one.starts_at, one.revision))


SNOOZE = Command("snooze", "snooze", "c", at(3), "Ann", told([], is_ticked=False)[0].alert_id, until_ms=at(6))


@pytest.mark.parametrize("is_ticked", [False, True])
@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([OUT, BACK], {FIRST: "opted_out", AGAIN: None}),
        ([SNOOZE, OUT, BACK], {FIRST: "opted_out", AGAIN: None}),
        ([OUT], {FIRST: "opted_out"}),
        ([BACK], {FIRST: None}),
    ],
)
def test_what_an_opt_out_ends_may_fire_again_whether_or_not_that_was_decided_by_then(
    said: list[Command], ends: dict[int, str | None], *, is_ticked: bool
) -> None:
    alerts = told(said, is_ticked=is_ticked)
    text_of = default_rules().basis.calendar.text_of
    assert {one.starts_at: one.ended_because for one in alerts} == {text_of(FIRST_DAY + day): ends[day] for day in ends}
    assert [one.stage for one in alerts if one.revision == 1] == [None] * len(ends), "each was told at once"
