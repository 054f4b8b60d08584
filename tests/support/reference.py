"""The reference: what a run must publish and know, customer by customer, by the plainest way there is.

It is a witness for the engine: written from the specification, it shares no code with what it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from msgspec import to_builtins

from models.calendar import DAY_MS
from models.config import Basis
from models.signals.catalogue import Rules
from reference.happened import facts, happened
from reference.life import Life, Risks
from schemas.alert import AlertV1
from schemas.event import FEEDS, Event, EventData
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
        boundary = moments[-1].boundary if moments else -1
        everybody = sorted({m.event.customer_id for m in moments if m.event is not None and m.verdict != "no"})
        lives = [self._live(customer_id, moments) for customer_id in everybody]
        return Outcome(
            [alert for life in lives for alert in life.alerts],
            [stage for life in lives for stage in life.stages],
            {life.customer_id: self._state(life, boundary) for life in lives},
        )

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
                first = min(one.day for one in life.seen)
                for midnight in range(max(passed, first) + 1, boundary + 1):
                    life.review(midnight)
            passed = boundary
        return life

    def _state(self, life: Life, boundary: int) -> dict[str, Any]:
        basis = self.rules.basis
        verdict = {
            "stage": life.stage,
            "stage_since": life.stage_since if life.stage else None,
            "episodes": dict(sorted(life.episodes.items())),
            "announced": {name: sorted(days) for name, days in sorted(life.announced.items())},
        }
        return {
            "customer_id": life.customer_id,
            "boundary": boundary,
            "facts": facts(life.seen, boundary - basis.keep_days),
            "verdict": to_builtins(verdict),
        }


def moments_of(arrivals: Sequence[Event], basis: Basis, until_ms: int | None) -> Iterator[Moment]:
    """What becomes of each event, how far the clocks are then, and the boundaries that the watermark passes."""
    known: dict[tuple[int, str, str], list[tuple[int, int, EventData]]] = {}
    clocks, boundary = (-1,) * len(FEEDS), -1
    for event in arrivals:
        verdict: Literal["applied", "applied late", "no"] = "applied"
        if boundary >= 0 and event.feed in basis.feeds:
            behind_ms = basis.calendar.start_of(boundary) - event.time_ms
            verdict = "applied" if behind_ms <= 0 else "applied late" if behind_ms <= basis.lateness_ms else "no"
        is_conflict = False
        if verdict != "no":
            day = basis.calendar.day_of(event.time_ms)
            same = known.setdefault((event.feed, event.customer_id, event.id), [])
            near = [one for one in same if abs(one[0] - day) <= -(-basis.lateness_ms // DAY_MS)]
            if near:
                verdict, is_conflict = "no", near[0][1:] != (event.time_ms, event.data)
            else:
                same.append((day, event.time_ms, event.data))
        if not is_conflict:
            clocks = tuple(
                max(clock, event.time_ms) if feed == event.feed else clock for feed, clock in enumerate(clocks)
            )
        boundary = max(boundary, _reached(clocks, basis))
        yield Moment(event, verdict, clocks, boundary)
    if until_ms is not None:
        clocks = tuple(max(clock, until_ms) for clock in clocks)
        yield Moment(None, "no", clocks, max(boundary, _reached(clocks, basis)))


def _reached(clocks: Sequence[int], basis: Basis) -> int:
    """The boundary that the watermark has reached; none before every declared feed has shown an event."""
    least = min(clocks[feed] for feed in basis.feeds)
    return -1 if least < 0 else basis.calendar.day_of(least - basis.disorder_ms)
