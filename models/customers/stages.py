"""The stage of every customer: exactly one for everybody with activity, by days of silence as of a boundary."""

from typing import Final

import numpy as np

from models.config import Lifecycle
from models.customers.arrays import Ints, Selection
from models.customers.columns import NEVER, NO_DAY, STAGE_NAMES, Columns

NONE, NEW, ACTIVE, LAPSED, DORMANT, CHURNED, REACTIVATED = range(len(STAGE_NAMES))
LOST: Final = (DORMANT, CHURNED)
"""Stages of customers who left, for all one can see: it is too late to foresee it."""


def silent_days(columns: Columns, chosen: Selection, boundary: int, limits: Lifecycle) -> Ints:
    """Whole days since the clock started: the last purchase of who ever bought, else the last activity."""
    clock = columns.last_day[chosen]
    if limits.silence == "purchase":
        bought = columns.last_purchase[chosen]
        clock = np.where(bought != NO_DAY, bought, clock)
    return boundary - 1 - clock


def stages(columns: Columns, size: int, boundary: int, limits: Lifecycle, lost: Ints | None = None) -> Ints:
    """The stage of each of the first `size` customers. First match wins: churned, dormant, reactivated, new, active.

    `lost`: by row, the days of silence that count for nothing, as a feed was down.
    """
    silent = silent_days(columns, slice(size), boundary, limits)
    if lost is not None:
        silent = silent - lost
    age = boundary - 1 - columns.first_day[:size]
    gap = columns.gap[:size].astype(np.float64)
    usual = np.where(np.isnan(gap), limits.active_days, np.maximum(limits.active_days, limits.gap_factor * gap))
    limit = np.minimum(limits.dormant_days - 1, usual.astype(np.int64))
    found = np.where(silent <= limit, ACTIVE, LAPSED)
    found[age < limits.new_days] = NEW
    found[boundary - 1 - columns.restart[:size] < limits.reactivated_days] = REACTIVATED
    found[silent >= limits.dormant_days] = DORMANT
    found[silent > limits.churned_days] = CHURNED
    found[columns.first_day[:size] == NEVER] = NONE
    return found.astype(np.int8)
