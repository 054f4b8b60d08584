"""The stage of a customer: exactly one for everybody with activity, by days of silence as of a boundary."""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from models.config import Lifecycle
from models.customer import NEVER

STAGES = ("new", "active", "lapsed", "dormant", "churned", "reactivated")
LOST = ("dormant", "churned")
"""Stages of customers who left, for all one can see: it is too late to foresee it."""
MIN_GAPS = 3
"""Gaps between purchases without which a customer has no rhythm of their own to be measured by."""


class Standing(Struct, frozen=True, gc=False):
    """A stage, the days of silence behind it, and the first boundary at which silence alone ends it."""

    stage: str
    silent_days: int
    until: int


class Past(Struct, frozen=True):
    """What the stage is judged on, closed days only. `clock_days`: days that restart the clock, ascending."""

    last_day: int
    first_day: int
    clock_days: Sequence[int]
    clock_day: int
    has_older: bool
    gap: float | None


def standing(past: Past, limits: Lifecycle) -> Standing:
    """First match wins: churned, dormant, reactivated, new, active, lapsed.

    >>> standing(Past(100, 0, [95], 95, False, None), Lifecycle()).stage
    'active'
    >>> standing(Past(100, 0, [20, 95], 95, False, None), Lifecycle())
    Standing(stage='reactivated', silent_days=5, until=126)
    """
    silent = past.last_day - past.clock_day
    boundary = past.last_day + 1

    def until(days_of_silence: int) -> int:
        return boundary + days_of_silence - silent

    if silent > limits.churned_days:
        return Standing("churned", silent, NEVER)
    if silent >= limits.dormant_days:
        return Standing("dormant", silent, until(limits.churned_days + 1))
    restart = _restart(past, limits)
    if restart is not None and past.last_day - restart < limits.reactivated_days:
        return Standing("reactivated", silent, min(restart + limits.reactivated_days + 1, until(limits.dormant_days)))
    if past.last_day - past.first_day < limits.new_days:
        return Standing("new", silent, min(past.first_day + limits.new_days + 1, until(limits.dormant_days)))
    usual = limits.active_days if past.gap is None else max(limits.active_days, limits.gap_factor * past.gap)
    limit = min(limits.dormant_days - 1, int(usual))
    if silent <= limit:
        return Standing("active", silent, until(limit + 1))
    return Standing("lapsed", silent, until(limits.dormant_days))


def _restart(past: Past, limits: Lifecycle) -> int | None:
    """The newest day on which the clock restarted after a silence of at least the dormant days."""
    days = past.clock_days
    for position in range(len(days) - 1, -1, -1):
        if past.last_day - days[position] >= limits.reactivated_days:
            return None
        if position:
            if days[position] - days[position - 1] >= limits.dormant_days:
                return days[position]
        elif past.has_older:
            return days[position]
    return None


def own_gap(days: Sequence[int]) -> float | None:
    """The median gap between purchase days, None with fewer than MIN_GAPS gaps."""
    if len(days) <= MIN_GAPS:
        return None
    gaps = sorted(later - earlier for earlier, later in pairwise(days))
    middle = len(gaps) // 2
    return float(gaps[middle]) if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) / 2
