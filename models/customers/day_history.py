"""On which days something happened, customer by customer: asked for many customers at once, of any day."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Ints
from models.customers.columns import NEVER

NOT_YET: Final = NEVER
"""More days than any horizon has: it did not happen."""
Whole = NDArray[np.int64]
Places = NDArray[np.intp]


class DayHistory:
    """Days by customer, who are known by numbers from 0 on.

    >>> days = DayHistory(np.array([1, 0, 1]), np.array([9, 4, 2]))
    >>> days.days_until(np.array([0, 1]), 3, 20).tolist(), days.last_before(np.array([0, 1]), 9).tolist()
    ([1, 6], [4, 2])
    """

    def __init__(self, who: Ints, days: Ints) -> None:
        """An entry for each customer and day, in any order."""
        self._order = np.lexsort((days, who))
        self._days = days[self._order].astype(np.int64)
        self._first = int(days.min(initial=NEVER))
        self._span = max(0, int(days.max(initial=-1)) - self._first) + 2
        self._keys = who[self._order].astype(np.int64) * self._span + self._days - self._first

    def _places(self, who: Ints, day: int | Ints) -> Places:
        """Where the entries of each from a day on begin."""
        offset = np.clip(np.asarray(day, np.int64) - self._first, 0, self._span - 1)
        return np.searchsorted(self._keys, who.astype(np.int64) * self._span + offset)

    def days_until(self, who: Ints, day: int | Ints, end: int | Ints) -> Whole:
        """Days from a day to the first entry on or after it and before `end`; NOT_YET: there is none."""
        low, high = self._places(who, day), self._places(who, end)
        found = np.full(len(low), NOT_YET, np.int64)
        known = low < high
        found[known] = self._days[low[known]] - np.broadcast_to(day, len(low))[known]
        return found

    def last_before(self, who: Ints, day: int | Ints) -> Whole:
        """The day of the last entry before a day, -1 where there is none."""
        low, high = self._places(who, self._first), self._places(who, day)
        found = np.full(len(low), -1, np.int64)
        known = low < high
        found[known] = self._days[high[known] - 1]
        return found
