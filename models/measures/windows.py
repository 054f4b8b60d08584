"""Sums over windows of whole days: when a day closes, the day that enters is added, the one that leaves taken."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Ints, Rows, grown
from models.customers.cells import Cells
from models.customers.customers import Customers
from models.customers.days import Days
from models.measures.daily import DAILY


class Window(NamedTuple):
    """The `length` days of a daily measure that end `skip` days before the boundary."""

    measure: str
    length: int
    skip: int = 0


WIDE: Final = frozenset(("spend", "items"))
"""Measures whose sums may be larger than 32 bits hold."""


_MOST: Final = {np.dtype(kind): int(np.iinfo(kind).max) for kind in (np.uint8, np.int16, np.int32, np.int64)}


def _bits(window: Window, days: Days) -> int:
    """How many bits surely hold the sums of a window and a day, by the types that its counts have taken so far."""
    measure = DAILY[window.measure]
    if window.measure in WIDE:
        return 64
    log = measure.log(days)
    most = sum([_MOST[log.column(name).dtype] for name in measure.columns])
    return 16 if most * (window.length + 1) <= _MOST[np.dtype(np.int16)] else 32


class Windows:
    """One array for each window that somebody asks for."""

    def __init__(self, asked: Iterable[Window]) -> None:
        self._sums: dict[Window, NDArray[Any]] = {window: np.zeros(0, np.int16) for window in sorted(set(asked))}

    def sums(self, window: Window) -> Ints:
        """The sum of each customer as of the boundary; unscaled."""
        return self._sums[window]

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return sum(sums.nbytes for sums in self._sums.values())

    def grow(self, capacity: int) -> None:
        """Make room for so many customers."""
        for window, sums in self._sums.items():
            if len(sums) < capacity:
                self._sums[window] = grown(sums, capacity, 0)

    def _widen(self, days: Days) -> None:
        """See to it that what is added and taken next finds room."""
        for window, sums in self._sums.items():
            bits = _bits(window, days)
            if sums.itemsize * 8 < bits:
                self._sums[window] = sums.astype(f"i{bits // 8}")

    def move(self, customers: Customers) -> None:
        """Follow the customers to their boundary, one day after the last."""
        self.grow(customers.columns.capacity)
        self._widen(customers.days)
        newest = customers.boundary - 1
        days: dict[tuple[str, int], tuple[Rows, Ints]] = {}

        def of(measure: str, day: int) -> tuple[Rows, Ints]:
            found = days.get((measure, day))
            if found is None:
                log = DAILY[measure].log(customers.days)
                span = log.day(day)
                found = days[measure, day] = log.rows[span], DAILY[measure].values(log, span)
            return found

        for window, sums in self._sums.items():
            rows, counts = of(window.measure, newest - window.skip)
            sums[rows] += counts.astype(sums.dtype)
            rows, counts = of(window.measure, newest - window.skip - window.length)
            sums[rows] -= counts.astype(sums.dtype)

    def recount(self, customers: Customers, rows: Rows) -> None:
        """Add the windows of some customers up anew, from their days."""
        self.grow(customers.columns.capacity)
        self._widen(customers.days)
        is_asked = customers.roster.flagged(rows)
        for window, sums in self._sums.items():
            log = DAILY[window.measure].log(customers.days)
            end = customers.boundary - window.skip
            sums[rows] = summed(log, window.measure, log.find(is_asked, end - window.length, end), customers.size)[rows]


def summed(log: Cells, measure: str, places: NDArray[np.intp], size: int) -> Ints:
    """The exact sum of some entries, by row."""
    found = np.zeros(size, np.int64)
    np.add.at(found, log.rows[places], DAILY[measure].values(log, places))
    return found
