"""When alerted customers left: became dormant or churned without having come back in between."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from models.customers.arrays import Bools
from models.customers.columns import NEVER, STAGE_NAMES
from models.customers.day_history import NOT_YET, DayHistory, Whole
from models.customers.stages import CHURNED, DORMANT, LOST, NONE
from models.detection.proportion import Quartiles, quartiles
from models.hit_rate.following import Followed


class LeavingTime(msgspec.Struct, frozen=True):
    """Days from an alert until the customer counts as dormant, or as churned; of those who get there, as quartiles.

    Only alerts that are `followed` for at least `within_days`, by when a silence has led there, are asked: short times
    would show first; `cut_off` are younger. Of them some were there `already`, `reached` got there, `came_back` before;
    and `elsewhere` neither (the clock of who never bought starts anew with any activity).
    """

    within_days: int
    followed: int
    already: int
    reached: int
    came_back: int
    elsewhere: int
    cut_off: int
    days: Quartiles | None


class Leaving:
    """Asks of customers when they left after a boundary."""

    def __init__(self, followed: Followed, returns: DayHistory) -> None:
        self._followed, self._returns = followed, returns
        limits = followed.basis.lifecycle
        self._within = {DORMANT: limits.dormant_days, CHURNED: limits.churned_days + 1}
        self._into = {stages: followed.moves.into(*stages) for stages in (tuple(LOST), (CHURNED,))}
        self._out = {stages: _out_of(followed, stages) for stages in self._into}

    def has_left(self, rows: Whole, boundaries: Whole, horizon_days: int) -> Bools:
        """Whether customers left within the horizon of an alert; who had left already, whether they stayed away."""
        days = self._days(rows, boundaries, LOST)
        stays_away = self._returns.days_until(rows, boundaries, boundaries + horizon_days) == NOT_YET
        return np.where(days == 0, stays_away, days <= horizon_days)

    def time_until(self, rows: Whole, boundaries: Whole, stages: Sequence[int]) -> LeavingTime:
        """How long it took customers to come into any of some stages."""
        within = self._within[min(stages)]
        is_followed = boundaries + within <= self._followed.boundary
        rows, boundaries = rows[is_followed], boundaries[is_followed]
        days = self._days(rows, boundaries, stages)
        already, reached = days == 0, (days > 0) & (days <= within)
        back = ~already & ~reached & (self._returns.days_until(rows, boundaries, boundaries + within) != NOT_YET)
        return LeavingTime(
            within_days=within,
            followed=len(rows),
            already=int(already.sum()),
            reached=int(reached.sum()),
            came_back=int(back.sum()),
            elsewhere=int((~already & ~reached & ~back).sum()),
            cut_off=int((~is_followed).sum()),
            days=quartiles([float(one) for one in days[reached].tolist()]),
        )

    def _days(self, rows: Whole, boundaries: Whole, stages: Sequence[int]) -> Whole:
        """Days until customers came into some stages without having come back; 0: there already, NOT_YET: never."""
        into, out = self._into[tuple(stages)], self._out[tuple(stages)]
        came, left = into.last_before(rows, boundaries + 1), out.last_before(rows, boundaries + 1)
        is_there = (came >= 0) & (came > left)
        until = np.where(is_there, 0, into.days_until(rows, boundaries, NEVER))
        back = self._returns.days_until(rows, boundaries, NEVER)
        return np.where(until <= back, until, NOT_YET)


def _out_of(followed: Followed, stages: Sequence[int]) -> DayHistory:
    """The boundaries at which customers came into any other stage."""
    return followed.moves.into(*(stage for stage in range(NONE + 1, len(STAGE_NAMES)) if stage not in stages))
