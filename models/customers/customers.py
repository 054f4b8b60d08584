"""Everybody in a partition: `close` ends a day for all customers at once."""

from collections.abc import Sequence

import numpy as np

from models.config import Basis
from models.customers.aliases import Aliases
from models.customers.arrays import NO_ROWS, Ints, Rows
from models.customers.clocks import move, move_gaps, move_late, note_older
from models.customers.columns import NO_DAY, Columns
from models.customers.days import Days
from models.customers.erased import Erased
from models.customers.outages import Outages
from models.customers.roster import Roster
from models.customers.stages import stages
from schemas.event import PURCHASE, Event


class Customers:
    """Rows, days and columns as of `boundary`: days before it are closed."""

    def __init__(self, basis: Basis) -> None:
        self.basis = basis
        self.roster = Roster()
        self.days = Days(basis, self.roster)
        self.columns = Columns()
        self.outages = Outages(basis)
        self.boundary = -1
        self.had_late: Rows = NO_ROWS
        """Customers of whom closed days changed since the boundary before."""
        self.late_rows: Rows = NO_ROWS
        """Customers of whom an event in a declared feed came late since then."""
        self.waiting_late: set[int] = set()
        """Those of whom one waits for the next boundary."""
        self.joined: set[int] = set()
        """Those to whom what was known of an alias was added since the day before was closed."""
        self.joined_days: set[int] = set()
        """The closed days to which that was."""
        self.erased = Erased(basis.erasure_salt)
        self.aliases = Aliases()

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.roster)

    @property
    def nbytes(self) -> int:
        """Memory of the columns and of the closed days."""
        return self.columns.nbytes + sum(log.nbytes for log in self.days.logs.values())

    def strangers(self, ids: Sequence[str]) -> set[str]:
        """Those customers of whom nothing was taken in yet."""
        return {ids[place] for place in np.flatnonzero(self.roster.rows_of(ids) < 0).tolist()}

    def enrol(self, ids: Sequence[str]) -> Rows:
        """The row of each customer, a new one at first sight."""
        rows = self.roster.enrol(ids)
        self.columns.grow(self.size)
        return rows

    def add(self, row: int, event: Event, day: int) -> bool:
        """Take in an event of an open day; True when it can begin an early alert."""
        return self.days.opened(day).add(row, event, self.basis)

    def add_late(self, row: int, event: Event, day: int) -> None:
        """Take in an event of a day that is closed: it counts from the next boundary on."""
        self.days.add_late(row, event, day)
        if event.feed in self.basis.feeds:
            self.waiting_late.add(row)

    def erase(self, rows: Rows) -> None:
        """Forget some customers; the rows, ascending, are nobody's from now on."""
        self.roster.erase(rows)
        self.empty(rows)

    def empty(self, rows: Rows) -> None:
        """Nothing is known of some customers any more; the rows, ascending, stay theirs."""
        self.columns.clear(rows)
        self.days.drop(rows)
        self.waiting_late.difference_update(rows.tolist())
        self.outages.rebuild(self.days, self.boundary, self.roster)

    def close(self, day: int) -> Ints:
        """End a day: the next boundary, `day` + 1, is decided from here. Returns everybody's stage as of it."""
        size, boundary, columns = self.size, day + 1, self.columns
        added = self.days.merge_late()
        joined = np.array(sorted(self.joined), np.int32)
        late = move_late(columns, self.days, added, joined, size, boundary - 1, self.basis)
        closed = self.days.close(day)
        move(columns, closed, self.basis)
        self.boundary = boundary
        note_older(columns, self.days, boundary - self.basis.keep_days - 1)
        self.days.forget(boundary - self.basis.keep_days - 1)  # a day more, so that windows can let it go
        move_gaps(columns, self.days, late, size, boundary, self.basis)
        self.had_late, self.late_rows = late, np.array(sorted(self.waiting_late), np.int32)
        self.waiting_late = set()
        self.outages.close(self.days, boundary, {*self.joined_days, *(one.day for one in added)}, self.roster)
        self.joined, self.joined_days = set(), set()
        return stages(columns, size, boundary, self.basis.lifecycle, self._lost_days())

    def _lost_days(self) -> Ints | None:
        """By row, the days of silence on which the feed of the clock was down; None where no day is lost."""
        outages, columns, size = self.outages, self.columns, self.size
        if not outages.is_any:
            return None
        lost = outages.lost_behind(self.roster, columns.last_day[:size], self.basis.feeds)
        if self.basis.lifecycle.silence == "activity":
            return lost
        bought = columns.last_purchase[:size]
        return np.where(bought == NO_DAY, lost, outages.lost_behind(self.roster, bought, (PURCHASE,)))
