"""Closed days of one feed: an entry per customer and day, the days one behind the other in flat columns.

A day is a slice, so a window moves by two slices, and everything about some customers is found by one look over the
rows. Entries of a day are ordered by row. Only late events change a closed day, see `replace`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.customers.arrays import Bools, Growing, GrowingRows, Ints, Rows, without

Values = Mapping[str, NDArray[Any]]
ALL: Final = slice(None)


class DayOf:
    """The cells of one feed and day: rows ascending, a column each for what is counted, first activity per row."""

    __slots__ = ("columns", "first_ms", "rows")

    def __init__(self, rows: Rows, columns: Mapping[str, NDArray[Any]], first_ms: Ints) -> None:
        self.rows, self.columns, self.first_ms = rows, columns, first_ms


class Cells:
    """The log of a feed. Days are contiguous from `first_day`; `end_day` is the first day that is not closed."""

    def __init__(self, columns: Mapping[str, DTypeLike]) -> None:
        self._rows = GrowingRows()
        self._columns = {name: Growing(dtype) for name, dtype in columns.items()}
        self.first_day = 0
        self._starts: list[int] = [0]
        self._array: Ints | None = None

    def __len__(self) -> int:
        return self._rows.size

    @property
    def end_day(self) -> int:
        """The day behind the last closed one."""
        return self.first_day + len(self._starts) - 1

    def rows(self, places: slice | NDArray[np.intp] = ALL) -> Rows:
        """The customers of some entries."""
        return self._rows.at(places)

    def column(self, name: str) -> NDArray[Any]:
        """A column of all entries."""
        return self._columns[name].array

    @property
    def names(self) -> Iterable[str]:
        """The columns besides the rows."""
        return self._columns.keys()

    def append(self, day: int, rows: Rows, values: Values) -> None:
        """Close a day; days left out since the last one were empty."""
        if len(self._starts) == 1:
            self.first_day = day
        self._starts += [self._rows.size] * (day - self.end_day)
        self._rows.append(rows)
        for name, column in self._columns.items():
            column.append(values[name])
        self._starts.append(self._rows.size)

    def span(self, first: int, end: int) -> slice:
        """Where the entries of the days from `first` up to and without `end` are."""
        last = len(self._starts) - 1
        low = min(max(first - self.first_day, 0), last)
        high = min(max(end - self.first_day, low), last)
        return slice(self._starts[low], self._starts[high])

    def day(self, day: int) -> slice:
        """Where the entries of a day are."""
        return self.span(day, day + 1)

    def find(self, is_asked: Bools, first: int, end: int) -> NDArray[np.intp]:
        """Positions of the entries of customers in [first, end), days ascending; `is_asked` is by row."""
        span = self.span(first, end)
        found: NDArray[np.intp] = np.flatnonzero(is_asked[self.rows(span)]) + span.start
        return found

    def days_of(self, positions: NDArray[np.intp]) -> Ints:
        """The day of each entry."""
        days: Ints = self._bounds().searchsorted(positions, side="right") - 1 + self.first_day
        return days

    def _bounds(self) -> Ints:
        """The starts as an array, made once until the next change."""
        if self._array is None or len(self._array) != len(self._starts):
            self._array = np.array(self._starts, np.int64)
        return self._array

    def replace(self, day: int, removed: Rows, rows: Rows, values: Values) -> None:
        """Put other entries, by row ascending, in the place of those of some customers on a closed day."""
        self._reach(day, day)
        span = self.day(day)
        places = np.flatnonzero(np.isin(self.rows(span), removed)) + span.start
        self.exchange(places, np.full(len(rows), day), rows, values)

    def find_pairs(self, days: Ints, rows: Ints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the entries of customers on closed days begin and end; pairs of (day, row), ascending."""
        low, high = np.zeros(len(days), np.intp), np.zeros(len(days), np.intp)
        for day in np.unique(days).tolist():
            span, asked = self.day(day), slice(*np.searchsorted(days, (day, day + 1)))
            own = self.rows(span)
            low[asked] = span.start + own.searchsorted(rows[asked].astype(np.int32))
            high[asked] = span.start + own.searchsorted(rows[asked].astype(np.int32), side="right")
        return low, high

    def exchange(self, removed: NDArray[np.intp], days: Ints, rows: Ints, values: Values) -> None:
        """Put entries of closed days, by (day, row) ascending, in the place of those at some positions."""
        if not len(removed) and not len(days):
            return
        if len(days):
            self._reach(int(days[0]), int(days[-1]))
        places = np.sort(removed)
        touched = np.concatenate((self.days_of(places), days))
        span = self.span(int(touched.min()), int(touched.max()) + 1)
        before, inner = self.rows(), places - span.start
        kept = without(before[span], inner)
        bounds = self._bounds() - places.searchsorted(self._bounds())
        at = np.empty(len(days), np.int64)
        for day in np.unique(days).tolist():
            low, high = (bounds[day - self.first_day : day - self.first_day + 2] - span.start).tolist()
            asked = slice(*np.searchsorted(days, (day, day + 1)))
            at[asked] = low + kept[low:high].searchsorted(rows[asked].astype(np.int32), side="right")

        def changed(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
            middle = Growing(old.dtype, without(old[span], inner))
            if old.dtype != object and len(new):
                middle.widen(new)
            parts = (old[: span.start], np.insert(middle.array, at, new), old[span.stop :])
            return np.concatenate(parts, dtype=parts[1].dtype)

        self._rows = GrowingRows(changed(before, rows.astype(np.int32)))
        whole = {name: changed(column.array, values[name]) for name, column in self._columns.items()}
        self._columns = {name: Growing(column.dtype, column) for name, column in whole.items()}
        more = days.searchsorted(np.arange(len(bounds)) + self.first_day)
        self._starts, self._array = (bounds + more).tolist(), None

    def _reach(self, first: int, last: int) -> None:
        """Let days from the first to the last be closed, those that were not with nothing."""
        if len(self._starts) == 1:  # no day was closed yet
            self.first_day = first
        self._starts += [self._rows.size] * (last + 1 - self.end_day)
        if first < self.first_day:  # nothing was kept of so early a day yet
            self._starts = [0] * (self.first_day - first) + self._starts
            self.first_day = first

    def forget(self, before: int) -> None:
        """Drop the days earlier than `before`, once an eighth of all entries lies there."""
        days = min(before - self.first_day, len(self._starts) - 1)
        if days <= 0 or self._starts[days] * 8 < len(self):
            return
        count = self._starts[days]
        self._rows.drop_front(count)
        for column in self._columns.values():
            column.drop_front(count)
        self._starts = [start - count for start in self._starts[days:]]
        self._array = None
        self.first_day += days

    def drop(self, is_dropped: Bools) -> None:
        """Forget all entries of some customers; `is_dropped` is by row."""
        rows = self.rows()
        places = np.flatnonzero(is_dropped[rows])
        if not len(places):
            return
        before = places.searchsorted(self._starts)
        self._starts = [start - less for start, less in zip(self._starts, before.tolist(), strict=True)]
        self._array = None
        self._rows = GrowingRows(without(rows, places))
        self._columns = {n: Growing(c.array.dtype, without(c.array, places)) for n, c in self._columns.items()}

    def put(self, name: str, values: NDArray[Any]) -> None:
        """Put others in the place of all values of a column."""
        self._columns[name] = Growing(values.dtype, values)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays; of texts the references alone."""
        return self._rows.nbytes + sum(column.array.nbytes for column in self._columns.values())

    # -- as a snapshot keeps it

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name: as it is, since entries are added and replaced, never changed in place."""
        days = np.array([self.first_day, *self._starts], np.int64)
        return {"": days, **self._rows.to_arrays(), **{name: column.array for name, column in self._columns.items()}}

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave."""
        self.first_day, *self._starts = arrays[""].tolist()
        self._array = None
        self._rows.set_arrays(arrays)
        self._columns = {name: Growing(arrays[name].dtype, arrays[name]) for name in self._columns}


class RowIndex:
    """The entries of single customers in the days from `first` on; good until the log changes."""

    def __init__(self, cells: Cells, first: int) -> None:
        span = cells.span(first, cells.end_day)
        rows = cells.rows(span)
        order = rows.argsort(kind="stable")
        self._rows = rows[order]
        self._columns = [cells.days_of(order + span.start), *(cells.column(name)[span][order] for name in cells.names)]
        self._is_known = bytes(np.bincount(rows, minlength=1) > 0)

    def entries(self, row: int) -> Iterator[tuple[Any, ...]]:
        """The day and the columns of a customer's entries, days ascending."""
        if row >= len(self._is_known) or not self._is_known[row]:
            return iter(())
        low, high = self._rows.searchsorted(np.array((row, row + 1), np.int32)).tolist()
        return zip(*[column[low:high].tolist() for column in self._columns], strict=True)
