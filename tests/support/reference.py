"""The reference: what a run must publish and know, customer by customer, by the plainest way there is.

It is a witness for the engine: written from the specification, it shares no code with what it is compared with.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from models.signals.catalogue import Rules
from msgspec import to_builtins

from models.calendar import DAY_MS
from models.config import Basis
from reference.life import Life, Risks
from reference.past import Happened, channels_of, happened, notes_of
from schemas.alert import AlertV1
from schemas.event import EMAIL, FEEDS, LOGIN, PURCHASE, TICKET, Event
from schemas.stage import StageChangeV1


@dataclass(frozen=True)
class Outcome:
    """What a run published, every revision, and what it knows at its end."""

    alerts: list[AlertV1]
    stages: list[StageChangeV1]
    states: dict[str, dict[str, Any]]


class Moment(NamedTuple):
    """An event as it is taken (None: the clock alone), the feeds' clocks behind it, and the boundary they reach."""

    event: Event | None
    verdict: Literal["applied", "applied late", "no"]
    clocks: tuple[int, ...]
    boundary: int


class Reference:
    """The rules, for one customer at a time."""

    def __init__(self, rules: Rules, *, alerts_from_ms: int = 0, risks: Risks | None = None) -> None:
        self.rules, self.alerts_from_ms, self.risks = rules, alerts_from_ms, risks

    def run(self, arrivals: Sequence[Event], until_ms: int | None = None) -> Outcome:
        """Take the events of one partition in this order; at the end all feeds' clocks are lifted to an instant."""
        moments = list(moments_of(arrivals, self.rules.basis, until_ms))
        everybody = sorted({one.event.customer_id for one in moments if one.event and one.verdict != "no"})
        lives = [self._live(customer_id, moments) for customer_id in everybody]
        alerts, stages = [one for life in lives for one in life.alerts], [one for life in lives for one in life.stages]
        return Outcome(alerts, stages, {life.customer_id: self._state(life, moments[-1].boundary) for life in lives})

    def _live(self, customer_id: str, moments: Sequence[Moment]) -> Life:
        life = Life(self.rules, customer_id, self.alerts_from_ms, self.risks)
        passed = -1
        for event, verdict, clocks, boundary in moments:
            life.release(clocks)
            if event is not None and event.customer_id == customer_id and verdict != "no":
                life.boundary = passed
                life.take(happened(event, self.rules.basis), is_late=verdict == "applied late")
                life.release(clocks)
            if life.seen and boundary > passed:
                for midnight in range(max(passed, min(one.day for one in life.seen)) + 1, boundary + 1):
                    life.review(midnight)
            passed = boundary
        return life

    def _state(self, life: Life, boundary: int) -> dict[str, Any]:
        floor, since = boundary - self.rules.basis.keep_days, life.stage_since if life.stage else None
        episodes, announced = (
            dict(sorted(life.episodes.items())),
            {name: sorted(d) for name, d in life.announced.items()},
        )
        verdict = {"stage": life.stage, "stage_since": since, "episodes": episodes, "announced": announced}
        facts = facts_of(life.seen, floor)
        return {"customer_id": life.customer_id, "boundary": boundary, "facts": facts, "verdict": to_builtins(verdict)}


def facts_of(seen: Sequence[Happened], floor: int) -> dict[str, Any]:
    """What was observed, open days too; of days before `floor` only the totals and the first activity are kept."""

    def sums(of: Sequence[Happened], names: str) -> list[int]:
        return [sum(one.adds.get(name, 0) for one in of) for name in names.split()]

    def by_day(feed: int, row: Callable[[list[Happened]], Any]) -> dict[str, Any]:
        kept = [one for one in seen if one.event.feed == feed and one.day >= floor and one.adds]
        return {str(day): row([one for one in kept if one.day == day]) for day in sorted({one.day for one in kept})}

    def notes(feed: int, of: list[Happened]) -> list[list[Any]]:
        texts = ("action", "category", "channel")
        events = [one.event for one in notes_of(of, feed, of[0].day)]
        return [[one.time_ms, one.id, *(getattr(one.data, text, None) or "" for text in texts)] for one in events]

    active = [
        [one.event.time_ms for one in seen if one.is_activity and one.event.feed == at] for at in range(len(FEEDS))
    ]
    return {
        "first": [min(times, default=-1) for times in active],
        "totals": sums(seen, "purchases spend unrated"),
        "purchases": by_day(PURCHASE, lambda of: sums(of, "purchases spend items")),
        "logins": by_day(LOGIN, len),
        "tickets": by_day(TICKET, lambda of: [
            sums(of, "complaint billing delivery return other"), *sums(of, "tickets_reopened tickets_resolved"),
            channels_of(of, of[0].day), notes(TICKET, of)]),
        "emails": by_day(EMAIL, lambda of: [
            sums(of, "sent opened clicked unsubscribed complained bounced"), notes(EMAIL, of)]),
    }  # fmt: skip


def moments_of(arrivals: Sequence[Event], basis: Basis, until_ms: int | None) -> Iterator[Moment]:
    """What becomes of each event, how far the clocks are then, and the boundaries that the watermark passes."""
    known: dict[tuple[int, str, str], list[tuple[int, Event]]] = {}
    clocks, boundary = (-1,) * len(FEEDS), -1
    for event in arrivals:
        behind_ms = (
            basis.calendar.start_of(boundary) - event.time_ms if boundary >= 0 and event.feed in basis.feeds else 0
        )
        verdict: Literal["applied", "applied late", "no"] = "applied late" if behind_ms > 0 else "applied"
        day, same = (
            basis.calendar.day_of(event.time_ms),
            known.setdefault((event.feed, event.customer_id, event.id), []),
        )
        near = [one for on, one in same if abs(on - day) <= -(-basis.lateness_ms // DAY_MS)]
        is_too_late = behind_ms > basis.lateness_ms
        is_conflict = bool(near) and not is_too_late and (near[0].time_ms, near[0].data) != (event.time_ms, event.data)
        if is_too_late or near:
            verdict = "no"
        else:
            same.append((day, event))
        if not is_conflict:
            clocks = tuple(max(at, event.time_ms) if feed == event.feed else at for feed, at in enumerate(clocks))
        boundary = max(boundary, _reached(clocks, basis))
        yield Moment(event, verdict, clocks, boundary)
    if until_ms is not None:
        clocks = tuple(max(at, until_ms) for at in clocks)
        yield Moment(None, "no", clocks, max(boundary, _reached(clocks, basis)))


def _reached(clocks: Sequence[int], basis: Basis) -> int:
    """The boundary that the watermark has reached; none before every declared feed has shown an event."""
    least = min(clocks[feed] for feed in basis.feeds)
    return -1 if least < 0 else basis.calendar.day_of(least - basis.disorder_ms)
