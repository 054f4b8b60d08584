"""How risk is spread over the customers of a partition, so that one can be told by the share of the base above it.

Scores are counted in fixed buckets by the boundary they were given at: an order-free sketch, so the share is a function
of the events (and of the model versions) alone. It is rebuilt from the records at a restore, never stored beside them.
"""

from models.customer import Risk

BUCKETS = 200
"""Of equal width: half a per cent of risk each, far finer than any threshold on a share."""
MIN_SCORES = 200
"""Scores below which a share of the base is unknown: the top 5 % of fewer is no more than chance."""


class Crowd:
    """Scores of the boundaries that a customer at review is compared with."""

    def __init__(self, days: int) -> None:
        """`days`: how long a score counts, the interval at which every customer gets a new one."""
        self._span = days
        self._days: dict[int, list[int]] = {}
        self._above: list[int] = []
        self._as_of = -1

    def add(self, risk: Risk) -> None:
        """Count a score, unless its customer was lost already: such would fill every top share of the base."""
        if not risk.is_of_base:
            return
        counts = self._days.get(risk.boundary)
        if counts is None:
            counts = self._days[risk.boundary] = [0] * BUCKETS
        counts[_bucket(risk.value)] += 1

    def since(self, boundary: int) -> int:
        """From when on scores are compared with as of a boundary."""
        return boundary - self._span

    def rank(self, boundary: int, risk: float) -> float | None:
        """The share of the base with at least this risk, by the scores before the boundary; None while too few.

        >>> crowd = Crowd(7)
        >>> for number in range(1000): crowd.add(Risk(99, number / 1000, None))
        >>> crowd.rank(100, 0.95), crowd.rank(107, 0.95)
        (0.05, None)
        """
        if boundary != self._as_of:
            self._look_back(boundary)
        known = self._above[0]
        return None if known < MIN_SCORES else self._above[_bucket(risk)] / known

    def _look_back(self, boundary: int) -> None:
        """Sum the boundaries that count from the top down, and forget those that never will again."""
        self._as_of = boundary
        self._days = {day: counts for day, counts in self._days.items() if day >= self.since(boundary)}
        rows = [counts for day, counts in self._days.items() if day < boundary]
        total, above = 0, [0] * BUCKETS
        for bucket in range(BUCKETS - 1, -1, -1):
            total += sum(counts[bucket] for counts in rows)
            above[bucket] = total
        self._above = above


def _bucket(risk: float) -> int:
    return min(BUCKETS - 1, int(risk * BUCKETS))
