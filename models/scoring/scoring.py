"""The model at work in a partition: once a boundary, those whose snapshot day it is get a new snapshot and a score.

1. Who: every customer has a weekday, from the id, so that a seventh of them is looked at each day.
2. Labels of their earlier snapshots that became known since the last time become training examples.
3. Features of those in the risk set are computed from closed days and kept as a new snapshot.
4. The version in force scores them all at once, and says which share of the whole base has at least each risk.
5. Whoever had a snapshot while no version was believed yet gets its risk now, and those of the four weeks before: after
   a backlog everybody has a risk, and a usual one to compare it with, from the first boundary with a warm version on.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import Learning, Number
from models.customers.arrays import Bools, Floats, Ints, Rows, among, grown
from models.customers.columns import NEVER
from models.customers.customers import Customers
from models.customers.distributions import running_values
from models.customers.stages import LOST
from models.measures.as_of import Scores
from models.scoring.features import feature_names, features
from models.scoring.matured import matured
from models.scoring.ranks import Counts, counted
from models.scoring.risks import NO_VERSION, Risks
from models.scoring.snapshots import Pending, due_parts, is_in_risk_set, question_id, rows_of_day, weekday_of
from models.scoring.version import Version
from schemas.alert import Driver
from schemas.event import PURCHASE
from schemas.example import LessonV1

TOGETHER = 4_096
"""Customers scored in one go: enough to share the cost of a call, few enough for what is computed to fit a cache."""


BLIND_DAYS = 30
"""Behind a lost day for so long nobody is looked at: most features are of the last 30 days."""


class _Scored(NamedTuple):
    """Snapshots of a day of which the risk was given at the newest boundary, and by which version."""

    rows: Rows
    features: NDArray[np.float32]
    version: Version

    def without(self, rows: Rows) -> "_Scored":
        """The same without those of some customers."""
        kept = ~among(self.rows, rows)
        return _Scored(self.rows[kept], self.features[kept], self.version)


class Scoring:
    """Snapshots and risks of a partition's customers.

    To be reviewed at every boundary, while the stages are still those of the boundary before: so who was lost is known.
    """

    def __init__(self, customers: Customers, learning: Learning) -> None:
        self._customers, self._learning = customers, learning
        names = feature_names(customers.basis.feeds)
        self._due = due_parts(learning)
        self.pending = Pending(question_id(learning.question, names), len(names))
        self.risks = Risks(learning.step_days)
        self.versions: list[str] = []
        """Names of the versions that gave a risk, by their number in the arrays."""
        self._weekdays: Ints = np.empty(0, np.int32)
        self._size = 0
        self._unscored: set[int] = set()
        """Days of snapshots of which some may have no risk."""
        self._scored: list[_Scored] = []
        self.running: Mapping[str, Number] = running_values(customers.basis, None, customers.boundary)
        """The running constants in force, by name."""
        self.given: Counts = ()
        """Customers who got their newest risk at this boundary and are not lost, by bucket of risk."""

    def review(self, version: Version | None) -> list[LessonV1]:
        """Look at everybody whose snapshot day it is: labels that became known, then a snapshot and a score.

        Take a snapshot of each in the risk set; without a version, or with a cold one, nobody gets a risk. One that
        learned beyond the boundary is none: it knows what became of them, as when a history is worked off once more.
        Running constants follow it by what was counted before the boundary.
        """
        customers, learning = self._customers, self._learning
        boundary = customers.boundary
        self.running = running_values(customers.basis, None if version is None else version.counted, boundary)
        if version is not None and version.learned_until > boundary:
            version = None
        self._grow()
        self._scored, self.given = [], ()
        rows, is_blind = self._heard(rows_of_day(self._weekdays[: self._size], boundary, learning))
        lessons: list[LessonV1] = []
        if len(rows):
            is_due = customers.roster.flagged(rows)
            lessons = matured(customers, self.pending, is_due, learning, self._due)
            self.pending.drop(is_due, boundary - learning.question.horizon_days)
            rows = rows[~is_blind]
            self.risks.begin(rows)
            self._take(rows[is_in_risk_set(customers, rows, learning.question)], version)
        if version is not None and not version.scorer.is_cold:
            self._give(version)
        return lessons

    def _heard(self, rows: Rows) -> tuple[Rows, Bools]:
        """Those of whom every feed tells, and of which of these it did not on a day that features look at.

        While one is down nothing of a customer matures, and what would have is never taught. Snapshots that were taken
        in it are dropped, and those that wait for purchases of which nobody heard. Behind it the risk from before stays
        in force until the lost days are behind the features.
        """
        customers, outages = self._customers, self._customers.outages
        if not outages.is_any:
            return rows, np.zeros(len(rows), np.bool_)
        boundary, roster, feeds = customers.boundary, customers.roster, customers.basis.feeds
        is_unsold = outages.touched(roster, (PURCHASE,), boundary - 1)
        if is_unsold.any():
            self.pending.drop(is_unsold, boundary)
        for group in range(len(outages.states)):
            if (began := outages.began_day(group)) is not None:
                self.pending.drop_behind(outages.groups_of(roster)[: customers.size] == group, began)
        kept = rows[~outages.touched(roster, feeds, boundary - 1)[rows]]
        return kept, outages.touched(roster, feeds, boundary - BLIND_DAYS)[kept]

    def _take(self, rows: Rows, version: Version | None) -> None:
        """Take a snapshot of each of these, with what the version says, be it cold."""
        if not len(rows):
            return
        boundary = self._customers.boundary
        matrix = features(self._customers, rows, boundary)
        risks = np.full(len(rows), np.nan) if version is None else _risks(version, matrix)
        self.pending.add(boundary, rows, risks, matrix)
        self._unscored.add(boundary)

    def _give(self, version: Version) -> None:
        """Give their risks to all snapshots that have none, of the days that risks are kept of; the newest is in force.

        Only what was seen then is looked at, by weights of labels that matured before the newest snapshot.
        """
        boundary, step = self._customers.boundary, self._learning.step_days
        given = []
        for day in sorted(self._unscored, reverse=True):
            taken, line = self.pending.of(day), (boundary - day) // step
            if taken is None or line >= len(self.risks.values):
                continue
            is_new = self.risks.lacking(line, taken.rows) & (self._weekdays[taken.rows] == day % step)
            new = taken if is_new.all() else taken.only(is_new)
            risks = new.risks if day == boundary else _risks(version, new.features)
            if line:
                self.risks.give_earlier(line, new.rows, risks)
            elif len(new.rows):
                self.risks.give(new.rows, risks, version.ranks(risks), self._number_of(version.name))
                self._scored.append(_Scored(new.rows, new.features, version))
                stage = self._customers.columns.stage[new.rows]
                given.append(risks[(stage != LOST[0]) & (stage != LOST[1])])
        self._unscored.clear()
        self.given = counted(np.concatenate(given)) if given else ()

    def _number_of(self, version: str) -> int:
        if version not in self.versions:
            self.versions.append(version)
        return self.versions.index(version)

    def _grow(self) -> None:
        """Follow the roster: the weekday of a new customer is computed once."""
        customers = self._customers
        if len(self._weekdays) < customers.size:
            capacity = customers.columns.capacity
            self._weekdays = grown(self._weekdays, capacity, 0)
            self.risks.grow(capacity)
        ids = customers.roster.ids_since(self._size)
        self._weekdays[self._size : customers.size] = [weekday_of(customer, self._learning) for customer in ids]
        self._size = customers.size

    def erase(self, rows: Rows) -> None:
        """Forget the snapshots and the risks of some customers."""
        self._grow()
        self.pending.drop(self._customers.roster.flagged(rows), NEVER)
        self.risks.clear(rows)
        self._weekdays[rows] = 0
        self._scored = [one.without(rows) for one in self._scored]

    # -- what is known as of the boundary

    def scores(self) -> Scores:
        """Of each row the risk in force, the mean of those of 28 days before it, and its rank; NaN where unknown."""
        self._grow()
        return self.risks.scores(self._size)

    def risk_of(self, rows: Rows) -> Floats:
        """The risk in force of some customers; NaN where there is none."""
        self._grow()
        return self.risks.newest(rows)

    def explain(self, row: int) -> tuple[Driver, ...] | None:
        """What moved a risk that was given at this very boundary and is in force; None when none was."""
        for rows, matrix, version in self._scored:
            place = int(np.searchsorted(rows, row))
            if place < len(rows) and rows[place] == row:
                return version.drivers(matrix[place].tolist())
        return None

    def scored_by(self, row: int) -> str:
        """The version that gave the newest risk of a customer; "" for none."""
        number = int(self.risks.versions[row]) if row < self._size else NO_VERSION
        return "" if number == NO_VERSION else self.versions[number]

    # -- as a snapshot keeps it, beside the names of the versions

    def frozen(self) -> Callable[[], dict[str, NDArray[Any]]]:
        """What gives everything as it is now, by name, when it is called: snapshots of a day never change."""
        pending, risks = self.pending.copy(), self.risks.to_arrays(self._size)

        def arrays() -> dict[str, NDArray[Any]]:
            parts = {"pending": pending.to_arrays(), "risks": risks}
            return {f"{part}/{name}": array for part, of in parts.items() for name, array in of.items()}

        return arrays

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]], versions: list[str]) -> None:
        """Take over what `frozen` gave, and the names."""

        def of(part: str) -> dict[str, NDArray[Any]]:
            return {name.removeprefix(part): array for name, array in arrays.items() if name.startswith(part)}

        self.pending.set_arrays(of("pending/"))
        self.risks.set_arrays(of("risks/"))
        self.versions = [*versions]
        self._unscored = {day for day, _ in self.pending.newest_first()}
        self._weekdays, self._size = np.empty(0, np.int32), 0
        self._grow()


def _risks(version: Version, rows: NDArray[np.floating]) -> Floats:
    """The risks of some rows of features, so many at a time."""
    found = np.empty(len(rows))
    for first in range(0, len(rows), TOGETHER):
        found[first : first + TOGETHER] = version.risks(rows[first : first + TOGETHER].astype(np.float64))
    return found
