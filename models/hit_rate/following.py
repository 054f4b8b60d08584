"""A replay that is followed: what it decided, and on which days customers did something, are kept as arrays.

A day is looked at when the first event of a later one comes: everything of it is in then, and it is still open. The
days are those that the engine counts: no duplicates, declared feeds only, and nothing that is no activity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from models.alerts.episode import STILL_OPEN
from models.config import Basis
from models.customers.arrays import Rows
from models.customers.columns import STAGE_NAMES
from models.customers.day_history import DayHistory, Whole
from models.customers.pulse import pulse_of
from models.engine.replay import Replay
from schemas.alert import OPEN, AlertV1
from schemas.event import PURCHASE, Event
from schemas.instant import from_rfc3339
from schemas.stage import StageChangeV1

_STAGES: Final = {name: number for number, name in enumerate(STAGE_NAMES)}


@dataclass(frozen=True, slots=True)
class AlertSpans:
    """The alerts of one signal: customer, the boundary from which they are known, and the one at which they ended.

    An alert that fired early is known from the midnight behind it, as its case is then the same as everybody's. Those
    that were taken back are left out and counted.
    """

    rows: Whole
    begins: Whole
    ends: Whole
    taken_back: int = 0


@dataclass(frozen=True, slots=True)
class Moves:
    """Transitions of the lifecycle, in the order of boundaries."""

    rows: Whole
    boundaries: Whole
    stages: Whole

    def into(self, *stages: int) -> DayHistory:
        """The boundaries at which customers came into any of some stages."""
        chosen = np.isin(self.stages, stages)
        return DayHistory(self.rows[chosen], self.boundaries[chosen])


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of everybody. Customers are known by their rows; days before `boundary` are known."""

    basis: Basis
    customers: int
    first_day: int
    boundary: int
    active: DayHistory
    bought: DayHistory
    moves: Moves
    begun: dict[str, AlertSpans]


@dataclass(slots=True)
class _Alerts:
    """The alerts of one signal, growing."""

    rows: list[int] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    taken_back: set[int] = field(default_factory=set)

    def to_begun(self) -> AlertSpans:
        columns = (np.array(column, np.int64) for column in (self.rows, self.begins, self.ends))
        kept = np.ones(len(self.rows), np.bool_)
        kept[list(self.taken_back)] = False
        rows, begins, ends = (column[kept] for column in columns)
        return AlertSpans(rows, begins, ends, len(self.taken_back))


class ReplayFollower:
    """Takes events, in order of time, through a replay of one partition."""

    def __init__(self, engine: Replay) -> None:
        (self._partition,) = engine.partitions
        self._engine, self._basis = engine, engine.rules.basis
        self._day = -1
        self._active: list[tuple[int, Rows]] = []
        self._bought: list[tuple[int, Rows]] = []
        self._moves: list[tuple[int, int, int]] = []
        self._alerts = {signal.id: _Alerts() for signal in engine.rules.signals}
        self._open: dict[str, int] = {}

    def take(self, event: Event) -> None:
        """Take an event; the first of a day ends the day before."""
        day = self._basis.calendar.day_of(event.time_ms)
        if day > self._day:
            self._look()
            self._day = day
        self._engine.take(event)

    def until(self, now_ms: int) -> None:
        """Move the clock of every feed to an instant."""
        self._look()
        self._engine.until(now_ms)

    def followed(self) -> Followed:
        """All of it, once everything was taken."""
        self._look()
        columns = np.array(self._moves, np.int64).reshape(-1, 3)
        moves = columns[np.argsort(columns[:, 1], kind="stable")].T
        return Followed(
            basis=self._basis,
            customers=self._partition.customers.size,
            first_day=self._active[0][0] if self._active else self._partition.boundary,
            boundary=self._partition.judged_boundary,
            active=_history(self._active),
            bought=_history(self._bought),
            moves=Moves(*moves),
            begun={signal: alerts.to_begun() for signal, alerts in self._alerts.items()},
        )

    def _look(self) -> None:
        """Note the day that is over, and what was decided since."""
        decided = self._engine.drain()
        opened = self._partition.customers.days.open.get(self._day)
        if opened is not None:
            cells = opened.close()
            pulse = pulse_of(cells, self._basis.feeds, self._basis.engagement)
            self._note(self._active, pulse.rows[pulse.active > 0])
            if PURCHASE in cells and PURCHASE in self._basis.feeds:
                self._note(self._bought, cells[PURCHASE].rows)
        changes = [one for one in decided if isinstance(one, StageChangeV1)]
        for change, row in zip(changes, self._rows(changes), strict=True):
            boundary = self._basis.calendar.day_of_text(change.at)
            self._moves.append((row, boundary, _STAGES[change.to_stage]))
        alerts = [one for one in decided if isinstance(one, AlertV1) and not one.is_of_feed]
        for alert, row in zip(alerts, self._rows(alerts), strict=True):
            self._hear(alert, row)

    def _note(self, history: list[tuple[int, Rows]], rows: Rows) -> None:
        """Write a day down once, however often it is looked at: at the end it may still be open."""
        if history and history[-1][0] == self._day:
            history.pop()
        history.append((self._day, rows.copy()))

    def _rows(self, of: list[StageChangeV1] | list[AlertV1]) -> list[int]:
        rows: list[int] = self._partition.customers.roster.rows_of([one.customer_id for one in of]).tolist()
        return rows

    def _hear(self, alert: AlertV1, row: int) -> None:
        """Note where an alert began, and where it ended."""
        alerts = self._alerts[alert.signal]
        place = self._open.get(alert.alert_id)
        if place is None:
            place = self._open[alert.alert_id] = len(alerts.rows)
            alerts.rows.append(row)
            alerts.begins.append(self._boundary(alert.observed_at))
            alerts.ends.append(STILL_OPEN)
        if alert.status not in OPEN:
            alerts.ends[place] = max(alerts.begins[place], self._boundary(alert.ends_at or alert.observed_at))
            if alert.status == "retracted":
                alerts.taken_back.add(place)
            del self._open[alert.alert_id]

    def _boundary(self, instant: str) -> int:
        """The first midnight that is not before an instant."""
        time_ms, calendar = from_rfc3339(instant), self._basis.calendar
        day = calendar.day_of(time_ms)
        return day if time_ms <= calendar.start_of(day) else day + 1


def _history(days: list[tuple[int, Rows]]) -> DayHistory:
    """Days with their customers as one history."""
    none = np.empty(0, np.int64)
    who = np.concatenate([none, *(rows for _, rows in days)])
    return DayHistory(who, np.concatenate([none, *(np.full(len(rows), day) for day, rows in days)]))
