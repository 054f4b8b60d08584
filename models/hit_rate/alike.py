"""Everybody as of a boundary, in cells of those alike, and what came of each within the horizon.

Alike are customers at the same boundary, in the same stage, and in the same band of days since the last activity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.customers.arrays import Bools, Floats
from models.customers.columns import STAGE_NAMES
from models.customers.day_history import NOT_YET, DayHistory, Whole
from models.customers.stages import NONE
from models.hit_rate.following import Followed

BANDS: Final = (1, 2, 4, 7, 10, 14, 21, 30, 45, 60, 90, 120)
"""Days since the last activity at which a band begins, the first at 0: narrow where a day more says much."""
_WIDTH: Final = len(BANDS) + 1
CELLS: Final = len(STAGE_NAMES) * _WIDTH


@dataclass(frozen=True, slots=True)
class Everybody:
    """Customers as of one boundary: the cell of each, whether they came back, and by cell how many there are and did.

    Who was never active yet is in no cell that counts.
    """

    boundary: int
    cell: Whole
    came_back: Floats
    people: Floats
    returned: Floats


def sweep(followed: Followed, returns: DayHistory, horizon_days: int, boundaries: Sequence[int]) -> Iterator[Everybody]:
    """Everybody at each of some boundaries, which ascend; coming back is an entry of `returns` within the horizon."""
    moves, who = followed.moves, np.arange(followed.customers)
    stage = np.full(followed.customers, NONE, np.int64)
    reached = 0
    for boundary in boundaries:
        end = int(np.searchsorted(moves.boundaries, boundary, side="right"))
        stage[moves.rows[reached:end]] = moves.stages[reached:end]  # of two moves of one customer the later one stays
        reached = end
        silent = boundary - 1 - followed.active.last_before(who, boundary)
        cell = stage * _WIDTH + np.searchsorted(BANDS, silent, side="right")
        back = is_back(returns, who, boundary, horizon_days)
        came_back = back.astype(np.float64)
        people = np.bincount(cell, minlength=CELLS).astype(np.float64)
        returned = np.bincount(cell, came_back, minlength=CELLS).astype(np.float64)
        people[NONE * _WIDTH : (NONE + 1) * _WIDTH] = 0
        yield Everybody(boundary, cell, came_back, people, returned)


def is_back(returns: DayHistory, rows: Whole, boundaries: int | Whole, horizon_days: int) -> Bools:
    """Whether customers came back within the horizon of a boundary: on it or on the days after."""
    found: Bools = returns.days_until(rows, boundaries, boundaries + horizon_days) != NOT_YET
    return found
