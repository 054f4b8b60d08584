"""What is known of every customer from closed days: one table of columns, which growth and snapshots share."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.customers.arrays import Ints, Rows, Selection, grown
from schemas.event import FEEDS

NO_DAY: Final = -1
"""Before any day: it did not happen yet."""
NEVER: Final = 1 << 30
"""Behind any day: not known yet."""
STAGE_NAMES: Final = ("none", "new", "active", "lapsed", "dormant", "churned", "reactivated")
"""Stages by their number; 'none' before the first activity."""
STAGES: Final = STAGE_NAMES[1:]


def day_or_none(first: int) -> int:
    """A first day as it is told: NO_DAY where it never was."""
    return NO_DAY if first == NEVER else first


class Column(NamedTuple):
    """One fact about each customer: its name, its type, and what stands there before anything is known."""

    name: str
    dtype: DTypeLike
    fill: Any


COLUMNS: Final = (
    Column("first_day", np.int32, NEVER),
    Column("last_day", np.int32, NO_DAY),
    Column("last_purchase", np.int32, NO_DAY),
    Column("last_login", np.int32, NO_DAY),
    Column("restart", np.int32, -NEVER),
    Column("gap", np.float16, np.nan),
    Column("longest_gap", np.int16, 0),
    Column("bought_again", np.int32, NEVER),
    Column("purchases_total", np.int32, 0),
    Column("spend_total", np.int64, 0),
    Column("unrated_total", np.int32, 0),
    Column("stage", np.int8, 0),
    Column("stage_since", np.uint16, 0),
    *(Column(f"first_{feed}", np.int32, NEVER) for feed in FEEDS),
    *(Column(f"older_{feed}", np.uint16, 0) for feed in FEEDS),
    Column("refused", np.int8, 0),
)


class Columns:
    """Arrays of equal length, a row a customer. Days are those of activity in declared feeds.

    `last_day` is that of any activity; `restart` the newest day on which the clock of silence restarted after a silence
    of the dormant days; `gap` the median of the days between purchase days, NaN with too few, `longest_gap` the most of
    them, 0 with none. `bought_again` is the day of the second purchase, and totals are of all time: like the first day
    in each feed both count what is not declared, too. `refused`: the ways of REFUSALS, as bits; never forgotten. Days
    take 16 bits, which reach behind the last year of the contract, where nothing is reckoned with a whole column.
    """

    first_day: Ints
    last_day: Ints
    last_purchase: Ints
    last_login: Ints
    restart: Ints
    gap: NDArray[np.float16]
    longest_gap: NDArray[np.int16]
    bought_again: Ints
    purchases_total: Ints
    spend_total: Ints
    unrated_total: Ints
    stage: Ints
    stage_since: Ints
    refused: NDArray[np.int8]

    def __init__(self) -> None:
        self.capacity = 0
        for column in COLUMNS:
            setattr(self, column.name, np.empty(0, column.dtype))

    def first_in(self, feed: int) -> Ints:
        """The day of the first activity in a feed, NEVER before it."""
        found: Ints = getattr(self, f"first_{FEEDS[feed]}")
        return found

    def older(self, feed: int, chosen: Selection) -> Ints:
        """The newest day of activity in a feed that is no longer among the days that are kept, NO_DAY without one."""
        found: Ints = getattr(self, f"older_{FEEDS[feed]}")[chosen].astype(np.int32) - 1
        return found

    def note_older(self, feed: int, rows: Rows, day: int) -> None:
        """Take in such a day."""
        getattr(self, f"older_{FEEDS[feed]}")[rows] = day + 1

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return sum(int(getattr(self, column.name).nbytes) for column in COLUMNS)

    def grow(self, size: int) -> None:
        """Make room for so many customers."""
        if size <= self.capacity:
            return
        self.capacity = size + size // 8
        for column in COLUMNS:
            setattr(self, column.name, grown(getattr(self, column.name), self.capacity, column.fill))

    def clear(self, rows: Rows) -> None:
        """Nothing is known of some customers any more."""
        for column in COLUMNS:
            getattr(self, column.name)[rows] = column.fill

    def to_arrays(self, size: int) -> dict[str, NDArray[Any]]:
        """Copies of the first `size` rows, by name."""
        return {column.name: getattr(self, column.name)[:size].copy() for column in COLUMNS}

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave."""
        for column in COLUMNS:
            setattr(self, column.name, arrays[column.name])
        self.capacity = len(arrays[COLUMNS[0].name])
