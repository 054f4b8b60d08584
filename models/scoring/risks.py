"""Risks lately given to each customer, the newest first: as far back as the own usual risk is the mean of."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Bools, Floats, Ints, Rows, grown
from models.measures.as_of import Scores

OWN_DAYS: Final = 28
"""Days for which scores are kept: a customer's own usual risk is their mean."""
NO_VERSION: Final = -1


class Risks:
    """By row: a risk for each of the last snapshot days, the rank of the newest, and the version that gave it.

    `values` has a line for each snapshot day of the last OWN_DAYS, the newest first; NaN where none was given then. A
    risk is in force from one snapshot day to the next, if its line is the first.
    """

    def __init__(self, step_days: int) -> None:
        self._step_days = step_days
        self.values: Floats = np.empty((OWN_DAYS // step_days + 1, 0))
        self.ranks: Floats = np.empty(0)
        self.versions: Ints = np.empty(0, np.int16)

    def grow(self, capacity: int) -> None:
        """Make room for so many customers."""
        values = np.full((len(self.values), capacity), np.nan)
        values[:, : self.values.shape[1]] = self.values
        self.values = values
        self.ranks = grown(self.ranks, capacity, np.nan)
        self.versions = grown(self.versions, capacity, NO_VERSION)

    def begin(self, rows: Rows) -> None:
        """Begin a new snapshot day of some customers: until one is given they have no risk in force."""
        for line in range(len(self.values) - 1, 0, -1):
            self.values[line, rows] = self.values[line - 1, rows]
        self.values[0, rows] = np.nan
        self.ranks[rows] = np.nan

    def clear(self, rows: Rows) -> None:
        """Forget all that was given to some customers."""
        self.values[:, rows] = np.nan
        self.ranks[rows] = np.nan
        self.versions[rows] = NO_VERSION

    def lacking(self, line: int, rows: Rows) -> Bools:
        """Of some customers, who was given no risk for the snapshot day of a line."""
        found: Bools = np.isnan(self.values[line, rows])
        return found

    def give(self, rows: Rows, risks: Floats, ranks: Floats, version: int) -> None:
        """Note the risks of the newest snapshot day."""
        self.values[0, rows] = risks
        self.ranks[rows] = ranks
        self.versions[rows] = version

    def give_earlier(self, line: int, rows: Rows, risks: Floats) -> None:
        """Note risks of a snapshot day before it: they are compared with, and never in force."""
        self.values[line, rows] = risks

    def newest(self, rows: Rows) -> Floats:
        """The risk in force of some customers; NaN where there is none."""
        found: Floats = self.values[0, rows]
        return found

    def scores(self, size: int) -> Scores:
        """The newest risk, the mean of those before it and the rank, of each of the first `size` customers."""
        newest = self.values[0, :size]
        total, count = np.zeros(size), np.zeros(size)
        for line in self.values[:0:-1]:  # oldest first
            known: Bools = ~np.isnan(line[:size])
            total += np.where(known, line[:size], 0.0)
            count += known
        usual = np.divide(total, count, out=np.full(size, np.nan), where=(count > 0) & ~np.isnan(newest))
        return Scores(newest.copy(), usual, self.ranks[:size].copy())

    def to_arrays(self, size: int) -> dict[str, NDArray[Any]]:
        """Copies of the first `size` rows, by name."""
        return {
            "step_days": np.array([self._step_days], np.int32),
            "values": self.values[:, :size].copy(),
            "ranks": self.ranks[:size].copy(),
            "versions": self.versions[:size].copy(),
        }

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave; nothing given at other intervals, but who gave the last."""
        self.versions = arrays["versions"]
        size = len(self.versions)
        if arrays["step_days"].tolist() == [self._step_days]:
            self.values, self.ranks = arrays["values"], arrays["ranks"]
        else:
            self.values, self.ranks = np.full((len(self.values), size), np.nan), np.full(size, np.nan)
