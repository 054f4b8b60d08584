"""The risks of the whole base: what every partition gave at each boundary, added up for the versions that follow.

After a backlog no partition has given any. The version then scores the newest snapshots that the learner knows, those
of which the first bin is over, so that its risks can be ranked from the first on.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.config import Lifecycle
from models.customers.arrays import Bools, Floats
from models.labels import Example
from models.learning.sums import PartitionSums
from models.scoring.ranks import BUCKETS, MIN_SCORES, Counts, counted
from models.scoring.scorer import Scorer

_RISKS: Final = "risks"


class RiskCounts:
    """Sums of the last boundaries.

    A boundary counts once every partition has reviewed it; then those of the `days` up to it are the base: the interval
    at which every customer gets a new risk.
    """

    def __init__(self, partitions: int, days: int) -> None:
        self._partitions, self._days, self._sums = partitions, days, PartitionSums()
        self._reviewed: dict[int, int] = {}
        """By partition the newest boundary that it has reviewed."""

    def take(self, boundary: int, partition: int, counts: Counts, offset: int) -> None:
        """Note what a partition gave at a boundary."""
        self._reviewed[partition] = max(boundary, self._reviewed.get(partition, -1))
        if counts:
            self._sums.add(boundary, _RISKS, partition, counts, offset)

    @property
    def reviewed(self) -> int:
        """The newest boundary that every partition has reviewed; -1 while one has told nothing."""
        return min(self._reviewed.values()) if len(self._reviewed) == self._partitions else -1

    def as_of(self, boundary: int) -> list[int]:
        """Customers by bucket over the last days up to a boundary; empty when nobody got a risk."""
        days = range(boundary - self._days + 1, boundary + 1)
        given = [self._sums.at(day)[_RISKS].counts for day in days if self._sums.at(day)]
        return [sum(counts[bucket] for counts in given) for bucket in range(BUCKETS)] if given else []

    def forget(self, boundary: int) -> None:
        """Forget what no version as of this boundary, or a later one, asks for."""
        self._sums.forget(boundary - self._days + 1)

    def resume_at(self, end: int) -> int:
        """The offset of the first that is kept; `end` without any."""
        return self._sums.resume_at(end)


def ranked_among(given: list[int], examples: Sequence[Example], scorer: Scorer, limits: Lifecycle) -> list[int]:
    """The base of a version: what partitions gave, or, while that is too little to rank among, what it says itself.

    `examples` are those of a week: each customer at risk has one first bin among them.
    """
    if sum(given) >= MIN_SCORES or scorer.is_cold:
        return given
    rows = np.array([one.features for one in examples if one.part == 1])
    if not len(rows):
        return given
    own = [0] * BUCKETS
    for bucket, count in counted(scorer.score(rows[~_is_lost(rows, scorer.features, limits)])):
        own[bucket] = count
    return max(given, own, key=sum)


def _is_lost(rows: Floats, features: Sequence[str], limits: Lifecycle) -> Bools:
    """Who counted as lost at the snapshots, as far as features tell: stages there are still those of the day before."""
    recency, engagement = (rows[:, features.index(name)] for name in ("recency", "engagement"))
    found: Bools = np.rint(np.expm1(recency)) - 2 >= limits.dormant_days
    return found if limits.silence == "purchase" else found & (engagement == 0)
