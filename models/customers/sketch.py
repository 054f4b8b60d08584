"""A sketch of whole numbers: how many of them lie in each of fixed buckets, so that sketches are added up.

Numbers below 128 have a bucket each. Above, every doubling has 64 of equal width: a bucket's least number is at most
one sixty-fourth below any other in it. Whole numbers alone are computed with, so that a number lies in the same bucket
on every machine.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from models.customers.arrays import Ints
from models.customers.entries import MAX_SUM

MIN_VALUES: Final = 200
"""Values below which no quantile of them is known: it would be little more than chance."""
_BITS: Final = 6
_STEPS: Final = 1 << _BITS
"""Buckets of a doubling."""
BUCKETS: Final = (MAX_SUM.bit_length() - _BITS - 1) * _STEPS + 2 * _STEPS

Counts = tuple[tuple[int, int], ...]
"""Values by bucket, as (bucket, values), ascending; empty ones are left out."""


def sketched(values: Ints) -> Counts:
    """How many of these values, each from 0 to MAX_SUM, lie in each bucket.

    >>> sketched(np.array([3, 127, 128, 129, 3]))
    ((3, 2), (127, 1), (128, 2))
    """
    counts = np.bincount(_buckets(values.astype(np.int64)))
    filled = np.flatnonzero(counts)
    return tuple(zip(filled.tolist(), counts[filled].tolist(), strict=True))


def _buckets(values: Ints) -> Ints:
    shift = np.maximum(np.frexp(values)[1] - _BITS - 1, 0)
    found: Ints = (shift << _BITS) + (values >> shift)
    return found


def least_of(bucket: int) -> int:
    """The least number in a bucket.

    >>> [least_of(bucket) for bucket in (3, 127, 128, 129, 192)]
    [3, 127, 128, 130, 256]
    """
    shift = max(0, (bucket >> _BITS) - 1)
    return bucket - (shift << _BITS) << shift


def quantile(counts: Iterable[tuple[int, int]], share: float) -> int | None:
    """The least value that a share of all does not exceed, as its bucket's least; None with fewer than MIN_VALUES.

    >>> quantile([(7, 150), (30, 50)], 0.75), quantile([(7, 149), (30, 51)], 0.75), quantile([(7, 199)], 0.75)
    (7, 30, None)
    """
    known, reached = sorted(counts), 0
    total = sum(count for _, count in known)
    if total < MIN_VALUES:
        return None
    for bucket, count in known:
        reached += count
        if reached / total >= share:
            return least_of(bucket)
    return least_of(known[-1][0])


def is_sketch(counts: Iterable[tuple[int, int]]) -> bool:
    """Whether these are counts of buckets; what others wrote may not be."""
    return all(0 <= bucket < BUCKETS and 0 < count <= MAX_SUM for bucket, count in counts)
