"""Numbers with their uncertainty: shares and rates with 95 % intervals, and quartiles."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from math import sqrt
from statistics import fmean, quantiles, variance
from typing import Final

import msgspec

Z95: Final = 1.959963984540054
"""Standard deviations to either side of the mean that hold 95 % of a normal distribution."""


class Share(msgspec.Struct, frozen=True):
    """`hits` of `of`, the share, and the ends of its 95 % interval."""

    hits: int
    of: int
    share: float
    low: float
    high: float


class Rate(msgspec.Struct, frozen=True):
    """A mean per unit of exposure and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


class Quartiles(msgspec.Struct, frozen=True):
    """How `of` values are spread: a quarter lies below `first`, half below `median`, three quarters below `third`."""

    of: int
    first: float
    median: float
    third: float


def wilson(hits: int, of: int) -> Share | None:
    """The share with Wilson's score interval, which holds for small numbers and near 0 and 1; None of nothing.

    >>> wilson(0, 10)
    Share(hits=0, of=10, share=0.0, low=0.0, high=0.2775)
    >>> wilson(0, 0) is None
    True
    """
    if not of:
        return None
    share = hits / of
    low, high = wilson_ends(share, of)
    return Share(hits, of, round(share, 4), round(low, 4), round(high, 4))


def wilson_ends(share: float, of: float) -> tuple[float, float]:
    """The ends of Wilson's score interval of a share; `of` may be the effective size of a sample, above 0.

    >>> low, high = wilson_ends(0.5, 4)
    >>> round(low, 4), round(high, 4)
    (0.15, 0.85)
    """
    square = Z95 * Z95
    centre = (share + square / (2 * of)) / (1 + square / of)
    half = Z95 * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return (0.0 if share <= 0 else centre - half), (1.0 if share >= 1 else centre + half)


def share_by_customer(values: Iterable[tuple[Hashable, bool]]) -> Share | None:
    """The share of values that are true, each with its customer: what one customer has several of is one cluster.

    Wilson's interval of as many values as independent ones would say the same (Rao and Scott 1992), at most as many as
    there are; where all are alike, as many as there are customers.

    >>> share_by_customer([("a", True), ("a", True), ("b", False)])
    Share(hits=2, of=3, share=0.6667, low=0.1036, high=0.9719)
    >>> share_by_customer([]) is None
    True
    """
    by_customer: dict[Hashable, list[bool]] = {}
    for customer_id, value in values:
        by_customer.setdefault(customer_id, []).append(value)
    of, hits = sum(map(len, by_customer.values())), sum(sum(own) for own in by_customer.values())
    if not of:
        return None
    share, customers = hits / of, len(by_customer)
    if customers in (1, of) or hits in (0, of):
        effective = float(customers)
    else:
        squares = sum((sum(own) - share * len(own)) ** 2 for own in by_customer.values())
        together = squares * customers / (customers - 1) / of**2
        effective = of / max(1.0, together / (share * (1 - share) / of))
    low, high = wilson_ends(share, effective)
    return Share(hits, of, round(share, 4), round(low, 4), round(high, 4))


def rate(counts: Sequence[int], exposures: Sequence[float]) -> Rate | None:
    """Events per unit of exposure over independent subjects; the interval allows for some having many and most none.

    The ratio of sums with its linearised (sandwich) error: counts of one subject need not be Poisson.

    >>> rate([1, 1, 1], [1.0, 1.0, 1.0])
    Rate(mean=1.0, low=1.0, high=1.0)
    """
    total = sum(exposures)
    if len(counts) < 2 or total <= 0:
        return None
    mean = sum(counts) / total
    residuals = [count - mean * exposure for count, exposure in zip(counts, exposures, strict=True)]
    half = Z95 * sqrt(variance(residuals, 0.0) * len(counts)) / total
    return Rate(round(mean, 4), round(max(0.0, mean - half), 4), round(mean + half, 4))


def quartiles(values: Sequence[float]) -> Quartiles | None:
    """The quartiles of some values, None of none.

    >>> quartiles([1.0, 2.0, 3.0, 4.0, 5.0])
    Quartiles(of=5, first=2.0, median=3.0, third=4.0)
    """
    if not values:
        return None
    if len(values) == 1:
        return Quartiles(1, values[0], values[0], values[0])
    first, median, third = (round(value, 2) for value in quantiles(values, n=4, method="inclusive"))
    return Quartiles(len(values), first, median, third)


def mean_of(values: Sequence[float]) -> float | None:
    """The mean, None of nothing."""
    return round(fmean(values), 4) if values else None
