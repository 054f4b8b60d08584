"""Row numbers of customers, given in order of first sight; no result depends on them.

Who is erased leaves a hole: a row without an id, that is nobody's from then on.

A customer is found by 32 bits of a hash in a table of rows, and then by the bytes of the id: no two are taken for one.
The hash is of this process alone, so a snapshot keeps the ids, and the table is made anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Bools, Growing, Ints, Rows
from models.customers.texts import Texts

Tags = NDArray[np.uint32]

_FEW: Final = 40
"""Up to so many are looked up one by one: for more the calls of numpy cost less than they save."""
_LEAST: Final = 64
"""Places of the smallest table; others have twice as many as the one before."""
_MASK: Final = (1 << 32) - 1
_FREE: Final = -1


class Roster:
    """Customer id to row, and back. `hashed`: what spreads ids over the table; whatever it says, rows are right.

    >>> roster = Roster()
    >>> roster.enrol(["b", "a", "b"]).tolist(), roster.rows_of(["a", "c"]).tolist(), roster.ids
    ([0, 1, 0], [1, -1], ['b', 'a'])
    """

    __slots__ = ("_hashed", "_table", "_tags", "_texts", "holes")

    def __init__(self, hashed: Callable[[str], int] = hash) -> None:
        self._hashed = hashed
        self._texts = Texts.none()
        self.holes = 0
        """Rows of nobody."""
        self._tags = Growing(np.uint32)
        """The hash of each row."""
        self._table = np.full(_LEAST, _FREE, np.int32)
        """Rows. An id's is at the place that its hash says, or 1, 1 + 2, 1 + 2 + 3... behind it, before a free one."""

    def __len__(self) -> int:
        return len(self._texts)

    # -- from id to row

    def row_of(self, customer_id: str) -> int | None:
        """The row of one customer, None for somebody unknown."""
        (row,) = self._find((customer_id,))
        return None if row < 0 else row

    def rows_of(self, ids: Sequence[str]) -> Rows:
        """The row of each customer, in the order asked; -1 for who is unknown."""
        if len(ids) <= _FEW or not len(self):
            return np.array(self._find(ids), np.int32)
        rows = self._alike(self._tags_of(ids))
        known = (rows >= 0).nonzero()[0]
        asked = ids if len(known) == len(ids) else [ids[place] for place in known.tolist()]
        others = known[~self._texts.same(rows[known], Texts.of(asked))]  # their hash is that of somebody else
        if len(others):
            rows[others] = self._find([ids[place] for place in others.tolist()])
        return rows

    def enrol(self, ids: Sequence[str]) -> Rows:
        """The row of each customer, a new one at first sight."""
        rows = self.rows_of(ids)
        unknown = (rows < 0).nonzero()[0]
        if len(unknown):
            names = [ids[place] for place in unknown.tolist()]
            new = {name: len(self) + number for number, name in enumerate(dict.fromkeys(names))}
            self._append(list(new))
            rows[unknown] = [new[name] for name in names]
        return rows

    def _find(self, ids: Iterable[str]) -> list[int]:
        """The rows of some customers, one by one."""
        if not len(self):
            return [_FREE for _ in ids]
        hashed, tags, table = self._hashed, self._tags.array.data, self._table.data
        last, rows = len(table) - 1, []
        for one in ids:
            tag, step = hashed(one) & _MASK, 0
            place = tag & last
            while (row := table[place]) >= 0 and (tags[row] != tag or self._texts.encoded(row) != one.encode()):
                step += 1
                place = (place + step) & last
            rows.append(row)
        return rows

    def _alike(self, tags: Tags) -> Rows:
        """For each hash the first row that has it, -1 where none has."""
        own, table = self._tags.array, self._table
        rows, left = np.empty(len(tags), np.int32), np.arange(len(tags))
        places = (tags & np.uint32(len(table) - 1)).astype(np.intp)
        for step in count(1):
            found = rows[left] = table[places]
            goes_on = ((found >= 0) & (own[found] != tags[left])).nonzero()[0]
            if not len(goes_on):
                break
            left, places = left[goes_on], (places[goes_on] + step) & (len(table) - 1)
        return rows

    def _append(self, ids: Sequence[str]) -> None:
        """Add customers, each of them new."""
        first, tags = len(self), self._tags_of(ids)
        self._texts.append(Texts.of(ids))
        self._tags.append(tags)
        if 3 * len(self) <= 2 * len(self._table):
            self._place(np.arange(first, len(self), dtype=np.int32), tags)
        else:
            self._make_table()

    def erase(self, rows: Rows) -> None:
        """Leave holes in the place of some customers."""
        self._texts = self._texts.without(rows)
        self.holes = int(np.count_nonzero(self._texts.lengths == 0))
        tags = self._tags.array.copy()
        tags[rows] = 0
        self._tags = Growing(np.uint32, tags)
        self._make_table()

    def is_hole(self, rows: Rows) -> Bools:
        """Which rows are nobody's."""
        return self._texts.is_empty(rows)

    def _make_table(self) -> None:
        """A table of which two thirds are filled at most, and at least one where there are many; without holes."""
        size = _LEAST
        while 3 * len(self) > 2 * size:
            size *= 2
        self._table = np.full(size, _FREE, np.int32)
        rows = np.flatnonzero(self._texts.lengths).astype(np.int32)
        self._place(rows, self._tags.array[rows])

    def _place(self, rows: Rows, tags: Tags) -> None:
        """Put rows into the table."""
        table = self._table
        places = (tags & np.uint32(len(table) - 1)).astype(np.intp)
        for step in count(1):
            free = table[places] < 0
            table[places[free]] = rows[free]  # where several meet, one of them stays
            left = (table[places] != rows).nonzero()[0]
            if not len(left):
                break
            rows, places = rows[left], (places[left] + step) & (len(table) - 1)

    def _tags_of(self, ids: Sequence[str]) -> Tags:
        return np.fromiter(map(self._hashed, ids), np.int64, len(ids)).astype(np.uint32)

    # -- from row to id

    @property
    def ids(self) -> list[str]:
        """Everybody, by row: made anew each time."""
        return self.ids_since(0)

    def ids_since(self, row: int) -> list[str]:
        """Everybody from a row on."""
        return self._texts.since(row)

    def id_of(self, row: int) -> str:
        """The id of one customer."""
        return self._texts.encoded(row).decode()

    def ids_of(self, rows: Sequence[int] | Ints) -> list[str]:
        """The ids of some customers, in the order asked."""
        return self._texts.listed(rows)

    # -- for others

    def flagged(self, rows: Rows) -> Bools:
        """By row, whether it is among these."""
        flags = np.zeros(len(self), np.bool_)
        flags[rows] = True
        return flags

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self._texts.nbytes + self._tags.array.nbytes + self._table.nbytes

    # -- as a snapshot keeps it

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The ids, by name."""
        return self._texts.to_arrays()

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave."""
        self._texts = Texts(arrays["bytes"], arrays["ends"])
        self.holes = int(np.count_nonzero(self._texts.lengths == 0))
        self._tags = Growing(np.uint32, self._tags_of(self.ids))
        self._make_table()
