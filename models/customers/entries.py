"""Whole numbers of customers as they come in on a day: appended one by one, added up by customer when asked for."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Ints, Rows
from models.customers.cells import DayOf

MAX_SUM: Final = (1 << 53) - 1
"""What a number, and all of a customer's together, count as at most: in minor units of money 90 million million of the
currency, up to where floats keep every cent. What is beyond counts as this, in whatever order it comes."""

FOLD: Final = 1 << 17
"""Entries that are kept one by one; above that they are added up, so that memory grows with customers, not events."""

_MAX_INT64: Final = (1 << 63) - 1
_HALF: Final = 32


class Entries:
    """Numbers by name, each from 0 to MAX_SUM, with the customer's row and an instant.

    >>> entries = Entries(["minor"])
    >>> entries.add(np.array([7, 3, 7], np.int32), np.array([30, 20, 10]), {"minor": [5, 1, MAX_SUM]})
    >>> cells = entries.close()
    >>> cells.rows.tolist(), cells.columns["minor"].tolist() == [1, MAX_SUM], cells.first_ms.tolist()
    ([3, 7], True, [20, 10])
    """

    __slots__ = ("_columns", "_fold_at", "_rows", "_times_ms")

    def __init__(self, names: Iterable[str]) -> None:
        self._rows, self._times_ms = array("i"), array("q")
        self._columns = {name: array("q") for name in names}
        self._fold_at = FOLD

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Rows, times_ms: NDArray[np.int64], columns: Mapping[str, Iterable[int]]) -> None:
        """Take entries in, one a row."""
        self._rows.frombytes(rows.tobytes())
        self._times_ms.frombytes(times_ms.tobytes())
        for name, values in columns.items():
            self._columns[name].extend(values)
        if len(self._rows) >= self._fold_at:
            self._fold()

    def _fold(self) -> None:
        cells = self.close()
        self._rows, self._times_ms = array("i", cells.rows.tobytes()), array("q", cells.first_ms.tobytes())
        self._columns = {name: array("q", values.tobytes()) for name, values in cells.columns.items()}
        self._fold_at = max(FOLD, 2 * len(self._rows))

    def close(self) -> DayOf:
        """Each customer's sums, and the first instant; there must be an entry."""
        arrivals = np.array(self._rows, np.int32)
        order = arrivals.argsort(kind="stable")
        own = arrivals[order]
        is_first = np.ones(len(own), np.bool_)
        np.not_equal(own[1:], own[:-1], out=is_first[1:])
        starts = is_first.nonzero()[0]
        columns = {name: _sums(np.array(of, np.int64)[order], starts) for name, of in self._columns.items()}
        first_ms: Ints = np.minimum.reduceat(np.array(self._times_ms, np.int64)[order], starts)
        return DayOf(own[starts], columns, first_ms)

    def of_row(self, row: int) -> list[list[int]]:
        """The entries of one customer: the instant, then the numbers."""
        places = np.flatnonzero(np.array(self._rows, np.int32) == row).tolist()
        return [[self._times_ms[at], *(of[at] for of in self._columns.values())] for at in places]

    def add_rows(self, row: int, entries: Sequence[Sequence[int]]) -> None:
        """Take in what `of_row` gave."""
        if entries:
            times, *columns = zip(*entries, strict=True)
            rows = np.full(len(entries), row, np.int32)
            self.add(rows, np.array(times, np.int64), dict(zip(self._columns, columns, strict=True)))

    def drop(self, rows: Rows) -> None:
        """Forget the entries of some customers."""
        kept = ~np.isin(np.array(self._rows, np.int32), rows)
        if kept.all():
            return
        self._rows = array("i", np.array(self._rows, np.int32)[kept].tobytes())
        self._times_ms = array("q", np.array(self._times_ms, np.int64)[kept].tobytes())
        columns = {name: np.array(of, np.int64)[kept] for name, of in self._columns.items()}
        self._columns = {name: array("q", of.tobytes()) for name, of in columns.items()}

    def to_lists(self) -> list[list[int]]:
        """Everything, copied."""
        return [self._rows.tolist(), self._times_ms.tolist(), *(of.tolist() for of in self._columns.values())]

    def set_lists(self, lists: list[list[int]]) -> None:
        """Take over what `to_lists` gave."""
        rows, times_ms, *columns = lists
        self._rows, self._times_ms = array("i", rows), array("q", times_ms)
        self._columns = {name: array("q", of) for name, of in zip(self._columns, columns, strict=True)}


def _sums(values: NDArray[np.int64], starts: NDArray[np.intp]) -> Ints:
    """The sum of each group, MAX_SUM at most: exact up to there, however many there are (floats would lose cents)."""
    if len(values) * int(values.max()) <= _MAX_INT64:
        return np.minimum(np.add.reduceat(values, starts), MAX_SUM)
    high = np.add.reduceat(values >> _HALF, starts)
    low = np.add.reduceat(values & (1 << _HALF) - 1, starts)
    is_within = high <= MAX_SUM >> _HALF
    return np.minimum(np.where(is_within, (high * is_within << _HALF) + low, MAX_SUM), MAX_SUM)
