"""Sums over windows of whole days: when a day closes, the day that enters is added, the one that leaves taken."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import NO_ROWS, Ints, Rows, grown, holding
from models.customers.cells import Cells
from models.customers.customers import Customers
from models.customers.days import Days
from models.customers.entries import MAX_SUM
from models.measures.daily import DAILY


class Window(NamedTuple):
    """The `length` days of a daily measure that end `skip` days before the boundary."""

    measure: str
    length: int
    skip: int = 0


class _Sums:
    """The sums of a window by row, in the smallest integers that hold them."""

    __slots__ = ("_bound", "_limit", "values")

    def __init__(self, capacity: int) -> None:
        self.values: NDArray[Any] = np.zeros(capacity, np.int8)
        self._limit = int(np.iinfo(np.int8).max)
        """What `values` can hold."""
        self._bound = 0
        """No sum is farther from zero; how far they are is looked up only when a change might not fit."""

    def _fit(self, most: int) -> None:
        """See to it that sums may change by so much."""
        if self._bound + most > self._limit:
            self._bound = _farthest(self.values)
            limit = self._bound + most
            self.values = self.values.astype(holding(self.values.dtype, -limit, limit), copy=False)
            self._limit = int(np.iinfo(self.values.dtype).max)
        self._bound += most

    def add(self, rows: Rows, counts: Ints, most: int) -> None:
        """Add to the sums of some customers, each named once; `most`: the farthest of the counts from zero."""
        if most:
            self._fit(most)
            self.values[rows] += counts.astype(self.values.dtype)

    def take(self, rows: Rows, counts: Ints, most: int) -> None:
        """Take back what was added."""
        if most:
            self._fit(most)
            self.values[rows] -= counts.astype(self.values.dtype)

    def put(self, rows: Rows, sums: Ints) -> None:
        """Set the sums of some customers."""
        self._fit(_farthest(sums))
        self.values[rows] = sums


def _farthest(values: Ints) -> int:
    """How far from zero the numbers are at most: of points of engagement some are negative."""
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


class Windows:
    """One array for each window that somebody asks for."""

    def __init__(self, asked: Iterable[Window]) -> None:
        self._sums = {window: _Sums(0) for window in sorted(set(asked))}

    @property
    def asked(self) -> list[Window]:
        """The windows."""
        return [*self._sums]

    def sums(self, window: Window) -> Ints:
        """The sum of each customer as of the boundary; unscaled."""
        return self._sums[window].values

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return sum(sums.values.nbytes for sums in self._sums.values())

    def grow(self, capacity: int) -> None:
        """Make room for so many customers."""
        for sums in self._sums.values():
            if len(sums.values) < capacity:
                sums.values = grown(sums.values, capacity, 0)

    def clear(self, rows: Rows) -> None:
        """Nothing is counted of some customers any more."""
        for sums in self._sums.values():
            sums.values[rows[rows < len(sums.values)]] = 0

    def move(self, customers: Customers) -> None:
        """Follow the customers to their boundary, one day after the last."""
        self.grow(customers.columns.capacity)
        newest, days = customers.boundary - 1, _DaysOf(customers.days)
        for window, sums in self._sums.items():
            sums.add(*days.of(window.measure, newest - window.skip))
            sums.take(*days.of(window.measure, newest - window.skip - window.length))

    def rebuild(self, customers: Customers) -> None:
        """Add all windows up anew, from the days."""
        self._sums = {window: _Sums(customers.columns.capacity) for window in self._sums}
        everybody = np.arange(customers.size, dtype=np.int32)
        for window, sums in self._sums.items():
            log = DAILY[window.measure].log(customers.days)
            end = customers.boundary - window.skip
            sums.put(everybody, summed(log, window.measure, log.span(end - window.length, end), customers.size))

    def recount(self, customers: Customers, rows: Rows) -> None:
        """The same for some customers."""
        self.grow(customers.columns.capacity)
        is_asked = customers.roster.flagged(rows)
        for window, sums in self._sums.items():
            log = DAILY[window.measure].log(customers.days)
            end = customers.boundary - window.skip
            places = log.find(is_asked, end - window.length, end)
            sums.put(rows, summed(log, window.measure, places, customers.size)[rows])


_NOTHING: Final[tuple[Rows, Ints, int]] = NO_ROWS, np.zeros(0, np.int64), 0
"""What is counted on a day without entries."""


class _DaysOf:
    """What was counted on closed days, looked up once for all windows that a day enters or leaves."""

    def __init__(self, days: Days) -> None:
        self._days = days
        self._known: dict[tuple[str, int], tuple[Rows, Ints, int]] = {}

    def of(self, measure: str, day: int) -> tuple[Rows, Ints, int]:
        """Rows and their counts, and how far these are from zero at most."""
        found = self._known.get((measure, day))
        if found is None:
            log = DAILY[measure].log(self._days)
            span = log.day(day)
            if span.start == span.stop:
                return _NOTHING
            counts = DAILY[measure].values(log, span)
            found = self._known[measure, day] = log.rows(span), counts, _farthest(counts)
        return found


def capped(sums: Ints) -> Ints:
    """The sums, MAX_SUM at most: all of several days count as no more than those of one."""
    return np.minimum(sums, MAX_SUM) if sums.dtype == np.int64 else sums


def summed(log: Cells, measure: str, places: slice | NDArray[np.intp], size: int) -> Ints:
    """The exact sum of some entries, by row."""
    found = np.zeros(size, np.int64)
    values = DAILY[measure].values(log, places)
    np.add.at(found, log.rows(places).astype(np.intp), values.astype(np.int64))  # many times slower on mixed types
    return found
