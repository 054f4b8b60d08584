"""Days closed one by one over columns, with the model at work on each boundary, as a partition does it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from models.calendar import Calendar
from models.config import Basis, Learning
from models.customers.arrays import Rows
from models.customers.customers import Customers
from models.measures.as_of import AsOf
from models.measures.windows import Window, Windows
from models.scoring.ranks import BUCKETS
from models.scoring.scoring import Scoring
from models.scoring.snapshots import is_in_risk_set
from models.scoring.version import Version
from models.scoring.worth import ORDERS, SPENT
from schemas.event import Event
from schemas.example import LessonV1
from support.examples import scorer_of
from support.troubled import FIRST_DAY, make_event, rich_history

VERSION: Final = Version("2026-01-05-00000000", FIRST_DAY, scorer_of(8, 200), [3] * BUCKETS)
"""One that is not cold."""

Known = dict[tuple[str, str, int], bool]
"""Labels by customer, snapshot and part."""


class Closing:
    """Customers of some events. `late`: how many days after its own each of these comes."""

    def __init__(
        self,
        basis: Basis,
        events: Iterable[Event],
        late: Iterable[tuple[Event, int]] = (),
        windows: Iterable[Window] = (),
    ) -> None:
        self.customers, self.windows = Customers(basis), Windows((ORDERS, SPENT, *windows))
        day_of = basis.calendar.day_of
        self.first = 1 << 30
        given = list(events)
        rows = self.customers.enrol([event.customer_id for event in given]).tolist()
        for row, event in zip(rows, given, strict=True):
            day = day_of(event.time_ms)
            self.first = min(self.first, day)
            self.customers.days.opened(day).add(row, event, basis)
        self._late: dict[int, list[tuple[Event, int]]] = {}
        for event, after in late:
            day = day_of(event.time_ms)
            self.first = min(self.first, day)
            self._late.setdefault(day + after, []).append((event, day))

    def until(self, boundary: int) -> Iterator[int]:
        """Close days up to a boundary, saying each that is reached; what comes late is there from the next one on."""
        customers = self.customers
        for day in range(max(self.first, customers.boundary), boundary):
            late = self._late.pop(day, [])
            rows = customers.enrol([event.customer_id for event, _ in late]).tolist()
            for row, (event, own_day) in zip(rows, late, strict=True):
                customers.days.add_late(row, event, own_day)
            had = customers.size
            stages = customers.close(day)
            customers.columns.stage[:had] = stages
            if len(customers.had_late):
                self.windows.move(customers)
                self.windows.recount(customers, customers.had_late)
            else:
                self.windows.move(customers)
            yield customers.boundary

    def scored(
        self, learning: Learning, boundary: int, version: Version | None
    ) -> Iterator[tuple[int, Scoring, list[LessonV1]]]:
        """Close days up to a boundary with the same version of the model all the time."""
        scoring = Scoring(self.customers, learning)
        for reached in self.until(boundary):
            yield reached, scoring, scoring.review(version)

    def as_of(self, scoring: Scoring | None = None) -> AsOf:
        """What is known as of the boundary reached."""
        return AsOf(self.customers, self.windows, None if scoring is None else scoring.scores())


def at_risk(closing: Closing, learning: Learning) -> Rows:
    rows = np.arange(closing.customers.size, dtype=np.int32)
    return rows[is_in_risk_set(closing.customers, rows, learning.question)]


def crowded(seed: int, customers: int = 12, days: int = 150) -> list[Event]:
    """Some temperaments, and many who buy now and then: enough to be ranked among."""
    dice = random.Random(seed)
    events = rich_history(seed, customers, days)
    for number in range(10_000, 10_000 + 180 * customers):
        day, choice = FIRST_DAY + dice.randrange(days), dice.randrange(60)
        at_ms = Calendar().start_of(day) + dice.randrange(86_400_000)
        events.append(make_event(dice.choice((0, 0, 1, 2, 3)), f"m{number % (60 * customers)}", at_ms, number, choice))
    return events


def labels_of(lessons: Sequence[LessonV1]) -> Known:
    """Labels by customer, snapshot and part."""
    return {
        (lesson.customer_id, snapshot.at, label.part): label.is_true
        for lesson in lessons
        for snapshot in lesson.snapshots
        for label in snapshot.labels
    }
