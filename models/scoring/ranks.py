"""Risk ranks: where a customer's risk stands among those of the partition, as the share that has at least this risk.

Scores are counted in fixed buckets by the boundary they were given at: an order-free sketch, so the share is a function
of the events (and of the model versions) alone.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Floats, Ints

BUCKETS: Final = 200
"""Of equal width: half a per cent of risk each, far finer than any threshold on a share."""
MIN_SCORES: Final = 200
"""Scores below which a share of the base is unknown: the top 5 % of fewer is no more than chance."""


class Ranks:
    """Counts of the scores of the last boundaries.

    >>> ranks = Ranks(7)
    >>> ranks.add(99, np.arange(1000) / 1000)
    >>> ranks.of(100, np.array([0.95])), ranks.of(107, np.array([0.95]))
    (array([0.05]), array([nan]))
    """

    def __init__(self, days: int) -> None:
        """`days`: how long a score counts, the interval at which every customer gets a new one."""
        self._span = days
        self._counts: dict[int, Ints] = {}

    def add(self, boundary: int, risks: Floats) -> None:
        """Count scores given at a boundary. Leave out customers who were lost already: they would fill the top."""
        counts = np.bincount(_buckets(risks), minlength=BUCKETS)
        self._counts[boundary] = self._counts.get(boundary, 0) + counts

    def of(self, boundary: int, risks: Floats) -> Floats:
        """The share of the base with at least each risk, by the scores before the boundary; NaN while too few."""
        self._counts = {day: counts for day, counts in self._counts.items() if day >= boundary - self._span}
        known = [counts for day, counts in self._counts.items() if day < boundary]
        counts: Ints = np.array(known, np.int64).reshape(-1, BUCKETS).sum(axis=0)
        above = np.cumsum(counts[::-1])[::-1]
        if above[0] < MIN_SCORES:
            return np.full(len(risks), np.nan)
        found: Floats = above[_buckets(risks)] / above[0]
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of everything, by name."""
        counts = np.array([*self._counts.values()], np.int64).reshape(-1, BUCKETS)
        return {"days": np.array([*self._counts], np.int32), "counts": counts}

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave."""
        self._counts = dict(zip(arrays["days"].tolist(), arrays["counts"], strict=True))


def _buckets(risks: Floats) -> Ints:
    return np.minimum(BUCKETS - 1, (risks * BUCKETS).astype(np.int64))
