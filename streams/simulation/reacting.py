"""Synthetic customers who react to being told: an experiment whose effect is known.

The engine runs beside the lives. At each midnight it decides what is told of whom; a share of the customers who are
tried and told then buy once more, on some day within the horizon. Who would do so is drawn for each trial whether or
not it is held out, so that it is known of everybody what telling would have changed. An alert that another rule holds
back is reacted to once it is sent. What is decided at a midnight rests on events before it, and reactions come after
it: a replay of all events decides the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import NamedTuple

from models.catalogue.constants import HORIZON
from models.catalogue.rules import Rules, without_model
from models.engine.replay import Replay
from models.engine.review import Message
from schemas.alert import AlertV1, Arm
from schemas.event import Event
from schemas.outcome import OutcomeV1
from schemas.suppressed import SuppressedV1
from schemas.topics import DAY_MS
from streams.simulation.lives import order, to_events
from streams.simulation.population import World

BASKET = 40.0
"""What a reaction is worth about, in the currency of the simulation."""


class Trial(NamedTuple):
    """A trial that began: its alert, its arm, the days from `start` to `end` that its horizon holds (day numbers).

    `reacts`: whether the customer would buy because of being told; of who is held out it never comes to that.
    """

    alert_id: str
    customer_id: str
    signal: str
    arm: Arm
    start: int
    end: int
    reacts: bool


@dataclass(slots=True)
class Reacted:
    """All events in order of time, the trials that began, what came of them, and every message that was decided."""

    events: list[Event] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    decided: list[Message] = field(default_factory=list)
    reactions: dict[str, list[Event]] = field(default_factory=dict)
    """By the id of the alert that caused them."""

    @property
    def outcomes(self) -> list[OutcomeV1]:
        """What came of the trials whose horizon is over."""
        return [one for one in self.decided if isinstance(one, OutcomeV1)]


def react(world: World, events: Sequence[Event], rules: Rules, effect: float) -> Reacted:
    """Let customers react: of those tried and told a share of `effect` comes back, whoever would have anyway included.

    `events`: of the world, in order of time. The model says nothing here: it is learned from what came of all of it.
    """
    return _Loop(world, rules, effect).run(events)


class _Loop:
    """The engine and the customers, day by day."""

    def __init__(self, world: World, rules: Rules, effect: float) -> None:
        self._world, self._effect, self._basis = world, effect, rules.basis
        self._horizon = int(rules.basis.constants[HORIZON])
        self._engine = Replay(without_model(rules), 1)
        self._coming: list[tuple[int, int, int, Event]] = []
        self._number = count()
        self._midnight = 0
        self._tried: set[tuple[str, str]] = set()
        self._rngs: dict[str, Random] = {}
        """By the id of an alert that is not sent yet, the dice of a customer who will react to it."""
        self._found = Reacted()

    def run(self, events: Sequence[Event]) -> Reacted:
        """Go through the days; those behind the last one are not lived."""
        for one in events:
            self._come(one)
        calendar = self._basis.calendar
        first, last = calendar.day_of(self._world.start_ms), calendar.day_of(self._world.end_ms)
        for day in range(first, last + 1):
            self._midnight = day + 1
            until_ms = min(calendar.start_of(day + 1), self._world.end_ms)
            for one in self._before(until_ms):
                self._engine.take(one)
                self._found.events.append(one)
            self._engine.until(until_ms + self._basis.disorder_ms)
            self._hear(self._engine.drain())
        return self._found

    def _come(self, one: Event) -> None:
        heapq.heappush(self._coming, (one.time_ms, one.feed, next(self._number), one))

    def _before(self, time_ms: int) -> Iterator[Event]:
        while self._coming and self._coming[0][0] < time_ms:
            yield heapq.heappop(self._coming)[-1]

    def _hear(self, decided: Iterable[Message]) -> None:
        """End trials, begin others, and let who is told react."""
        messages = [*decided]
        self._found.decided += messages
        self._tried -= {(one.customer_id, one.signal) for one in messages if isinstance(one, OutcomeV1)}
        for one in messages:
            alert = one.alert if isinstance(one, SuppressedV1) else one
            if isinstance(alert, AlertV1) and alert.status == "firing" and alert.arm is not None:
                self._begin(alert, alert.arm)
                if alert is one:
                    self._tell(alert)

    def _begin(self, alert: AlertV1, arm: Arm) -> None:
        """Begin a trial, unless the alert belongs to one."""
        if (alert.customer_id, alert.signal) in self._tried:
            return
        self._tried.add((alert.customer_id, alert.signal))
        start = self._basis.calendar.day_of_text(alert.starts_at)
        self._rngs[alert.alert_id] = rng = Random(f"{self._world.seed}:{alert.alert_id}")  # noqa: S311 - a simulation, no secret
        reacts = rng.random() < self._effect and self._room(alert) >= 1
        self._found.trials.append(
            Trial(alert.alert_id, alert.customer_id, alert.signal, arm, start, start + self._horizon, reacts)
        )
        if not reacts or arm == "holdout":
            del self._rngs[alert.alert_id]

    def _room(self, alert: AlertV1) -> int:
        """On how many days a customer who is told now may react within the horizon."""
        return self._basis.calendar.day_of_text(alert.starts_at) + self._horizon - self._midnight - 2

    def _tell(self, alert: AlertV1) -> None:
        """Let a customer react whose trial began with this alert, if that is what the customer does, and in time."""
        rng, room = self._rngs.pop(alert.alert_id, None), self._room(alert)
        if rng is None or room < 1:
            return
        told_ms = self._basis.calendar.start_of(self._midnight)
        day = (told_ms - self._world.start_ms) // DAY_MS + rng.randint(1, room)
        bought = to_events(
            alert.customer_id, [*order(rng, day, BASKET)],
            start_ms=self._world.start_ms, days=self._world.days, because=alert.alert_id,
        )  # fmt: skip
        self._found.reactions[alert.alert_id] = bought
        for one in bought:
            self._come(one)
