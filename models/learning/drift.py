"""ADWIN (Bifet and Gavaldà 2007) over whole boundaries: has the mean changed, and since when? For people only.

Boundaries are the buckets: a window is cut between two of them when the means on both sides differ by more than chance
would allow at `CONFIDENCE`. River's ADWIN compresses single values and keeps its buckets to itself; this one is a short
list of numbers that a restart reads back exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log, sqrt
from typing import Final, NamedTuple

from models.scoring.scorer import Floats
from schemas.model import ModelStateError
from schemas.model_version import DriftState

WATCHED: Final = ("loss", "mean_prediction")
"""What is watched: the loss of every label, and what is said on the mean, of which the truth need not be known."""

CONFIDENCE: Final = 0.002
"""Chance of a false alarm at a look, ADWIN's own default."""

MAX_BOUNDARIES: Final = 400
"""Boundaries a window holds: more than a year of days."""

MAX_ALARMS: Final = 20
"""Alarms remembered, the newest."""


class BoundarySums(NamedTuple):
    """Values of one boundary: their number, sum and sum of squares."""

    boundary: int
    number: int
    total: float
    squares: float


class Alarm(NamedTuple):
    """A change seen at a boundary: the mean before it and since."""

    boundary: int
    was: float
    now: float


class DriftWindow:
    """The boundaries since the last change, the newest last."""

    def __init__(self, buckets: Sequence[BoundarySums] = (), alarms: Sequence[Alarm] = ()) -> None:
        self.buckets = list(buckets)
        self.alarms = list(alarms)
        """Changes seen, the newest `MAX_ALARMS`, the newest last."""

    def add(self, bucket: BoundarySums) -> bool:
        """Take a boundary's values; True when the window was cut, its older part being of another mean."""
        if bucket.number == 0:
            return False
        self.buckets = [*self.buckets, bucket][-MAX_BOUNDARIES:]
        before: list[BoundarySums] = []
        while (cut := _last_cut(self.buckets)) is not None:
            before += self.buckets[:cut]
            self.buckets = self.buckets[cut:]
        if before:
            alarm = Alarm(bucket.boundary, _mean(before), _mean(self.buckets))
            self.alarms = [*self.alarms, alarm][-MAX_ALARMS:]
        return bool(before)

    def to_state(self) -> DriftState:
        """All of it; `window_of` continues to the last bit."""
        return DriftState([*self.buckets], [*self.alarms])


def window_of(state: DriftState) -> DriftWindow:
    """A window that goes on. Raises ModelStateError when the numbers cannot be those of one."""
    numbers = [number for row in (*state.buckets, *state.alarms) for number in row]
    is_empty = any(number < 1 for _, number, _, _ in state.buckets)
    if is_empty or len(state.buckets) > MAX_BOUNDARIES or len(state.alarms) > MAX_ALARMS:
        raise ModelStateError("shape", "drift: no window of this program")
    if not all(map(isfinite, numbers)):
        raise ModelStateError("not_finite", "drift: a number is not finite")
    return DriftWindow([BoundarySums(*row) for row in state.buckets], [Alarm(*row) for row in state.alarms])


def bucket_of(boundary: int, values: Floats) -> BoundarySums:
    """The values of a boundary."""
    return BoundarySums(boundary, len(values), float(values.sum()), float((values**2).sum()))


def _mean(buckets: Sequence[BoundarySums]) -> float:
    return sum(bucket.total for bucket in buckets) / sum(bucket.number for bucket in buckets)


def _last_cut(buckets: list[BoundarySums]) -> int | None:
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
