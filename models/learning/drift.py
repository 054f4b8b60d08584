"""ADWIN (Bifet and Gavaldà 2007) over whole boundaries: has the mean changed, and since when? For people only.

Boundaries are the buckets: a window is cut between two of them when the means on both sides differ by more than chance
would allow at `CONFIDENCE`. River's ADWIN compresses single values and keeps its buckets to itself; this one is a short
list of numbers that a restart reads back exactly.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Final, NamedTuple

CONFIDENCE: Final = 0.002
"""Chance of a false alarm at a look, ADWIN's own default."""

MAX_BOUNDARIES: Final = 400
"""Boundaries a window holds: more than a year of days."""


class Bucket(NamedTuple):
    """Values of one boundary: their number, sum and sum of squares."""

    boundary: int
    number: int
    total: float
    squares: float


class Window:
    """The boundaries since the last change, the newest last."""

    def __init__(self, buckets: list[Bucket] | None = None, alarms: list[int] | None = None) -> None:
        self.buckets = list(buckets or [])
        self.alarms = list(alarms or [])
        """Boundaries at which a change was seen, the newest `MAX_BOUNDARIES`."""

    def add(self, bucket: Bucket) -> bool:
        """Take a boundary's values; True when the window was cut, its older part being of another mean."""
        if bucket.number == 0:
            return False
        self.buckets = [*self.buckets, bucket][-MAX_BOUNDARIES:]
        is_changed = False
        while (cut := _last_cut(self.buckets)) is not None:
            self.buckets = self.buckets[cut:]
            is_changed = True
        if is_changed:
            self.alarms = [*self.alarms, bucket.boundary][-MAX_BOUNDARIES:]
        return is_changed


def _last_cut(buckets: list[Bucket]) -> int | None:
    """The last place at which the window falls into two parts of different means, None when it is one."""
    number = sum(bucket.number for bucket in buckets)
    total = sum(bucket.total for bucket in buckets)
    if number < 2:
        return None
    variance = max(0.0, sum(bucket.squares for bucket in buckets) / number - (total / number) ** 2)
    doubt = log(2 * log(number) / CONFIDENCE)
    newer_number, newer_total = 0, 0.0
    for place in range(len(buckets) - 1, 0, -1):
        newer_number += buckets[place].number
        newer_total += buckets[place].total
        older_number = number - newer_number
        inverse = 1 / older_number + 1 / newer_number
        bound = sqrt(2 * inverse * variance * doubt) + 2 / 3 * inverse * doubt
        if abs((total - newer_total) / older_number - newer_total / newer_number) > bound:
            return place
    return None
