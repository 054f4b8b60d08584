"""Risk ranks: where a customer's risk stands in the whole base, as the share of it that has at least this risk.

Each partition counts the risks that it gave at a boundary, in fixed buckets, and tells the learner; the learner adds
those of a week up over all partitions, and the next version of the model carries the sum. A share then means the same
in every partition, whatever their number, and a few hundred customers are ranked even when they are cut in twelve.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.customers.arrays import Floats, Ints

BUCKETS: Final = 200
"""Of equal width: half a per cent of risk each, far finer than any threshold on a share."""
MIN_SCORES: Final = 200
"""Scores below which a share of the base is unknown: the top 5 % of fewer is no more than chance."""


Counts = tuple[tuple[int, int], ...]
"""Customers by bucket, as (bucket, customers); empty ones are left out."""


def counted(risks: Floats) -> Counts:
    """How many of these risks fall into each bucket. Leave out customers lost already: they would fill the top.

    >>> counted(np.array([0.95, 0.951, 1.0]))
    ((190, 2), (199, 1))
    """
    buckets, counts = np.unique(_buckets(risks), return_counts=True)
    return tuple(zip(buckets.tolist(), counts.tolist(), strict=True))


def shares(base: Sequence[int] | None, risks: Floats) -> Floats:
    """The share of the base (customers in each of the buckets) with at least each risk; NaN while it has too few.

    >>> shares([5] * BUCKETS, np.array([0.95])), shares(None, np.array([0.95]))
    (array([0.05]), array([nan]))
    """
    above = np.cumsum((base or [0])[::-1])[::-1]
    if above[0] < MIN_SCORES:
        return np.full(len(risks), np.nan)
    found: Floats = above[_buckets(risks)] / above[0]
    return found


def _buckets(risks: Floats) -> Ints:
    return np.minimum(BUCKETS - 1, (risks * BUCKETS).astype(np.int64))
