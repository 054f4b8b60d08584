"""Small tables by customer: what is known of the few who have an open alert, cool down, or wait to fire."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.customers.arrays import Bools, Rows, among


class RowTable:
    """Columns of equal length with at most one entry a customer, ordered by row."""

    def __init__(self, columns: Mapping[str, DTypeLike]) -> None:
        self.rows: Rows = np.empty(0, np.int32)
        self._columns: dict[str, NDArray[Any]] = {name: np.empty(0, dtype) for name, dtype in columns.items()}

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> NDArray[Any]:
        """A column; its entries may be set in place."""
        return self._columns[name]

    def within(self, low: int, high: int) -> slice:
        """The entries of the rows from `low` up to and without `high`."""
        first, last = self.rows.searchsorted(np.array((low, high), np.int32)).tolist()
        return slice(first, last)

    def places(self, rows: Rows) -> NDArray[np.intp]:
        """Where the entries of these customers are: each must have one."""
        return self.rows.searchsorted(rows)

    def place(self, row: int) -> int | None:
        """Where the entry of a customer is, None when there is none."""
        place = int(self.rows.searchsorted(np.int32(row)))  # of another type it would convert all rows first
        return place if place < len(self.rows) and self.rows[place] == row else None

    def has(self, rows: Rows) -> Bools:
        """Which of these customers have an entry."""
        return among(rows, self.rows)

    def add(self, rows: Rows, **values: Any) -> None:
        """Add entries of customers who have none; a value may stand for all."""
        if not len(rows):
            return
        size = len(self.rows) + len(rows)
        new = self.rows.searchsorted(rows) + np.arange(len(rows))
        is_old = np.ones(size, np.bool_)
        is_old[new] = False

        def with_new(column: NDArray[Any], value: Any) -> NDArray[Any]:
            found = np.empty(size, column.dtype)
            found[is_old] = column
            found[new] = value
            return found

        self.rows = with_new(self.rows, rows)
        self._columns = {name: with_new(column, values[name]) for name, column in self._columns.items()}

    def keep(self, kept: Bools) -> None:
        """Drop the entries that are not kept."""
        if not kept.all():
            self.rows = self.rows[kept]
            self._columns = {name: column[kept] for name, column in self._columns.items()}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of everything, by name."""
        return {"rows": self.rows.copy(), **{name: column.copy() for name, column in self._columns.items()}}

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave."""
        self.rows = arrays["rows"]
        self._columns = {name: arrays[name] for name in self._columns}
