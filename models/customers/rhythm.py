"""The rhythm of customers: the usual gap between purchases, and the trend of engagement.

Sums of floats are taken by `np.bincount`, which adds in the order of the entries (days ascending): a customer's result
does not depend on who stands beside.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import Basis
from models.customers.arrays import Bools, Floats, Ints, Rows
from models.customers.cells import Cells

MIN_GAPS: Final = 3
"""Gaps between purchases without which a customer has no rhythm of their own to be measured by."""


class Gaps(NamedTuple):
    """Days between purchase days, by customer: the median, NaN with fewer than MIN_GAPS gaps; the most, 0 with none."""

    median: Floats
    longest: Ints


def gaps_of(purchases: Cells, rows: Rows, size: int, first: int, end: int) -> Gaps:
    """The gaps between purchase days in [first, end) of some customers."""
    number = np.full(size, -1, np.int64)
    number[rows] = np.arange(len(rows))
    places = purchases.find(number >= 0, first, end)
    own = number[purchases.rows(places)]
    order = np.argsort(own, kind="stable")
    own, days = own[order], purchases.days_of(places)[order]
    is_gap = own[1:] == own[:-1]
    of, gaps = own[1:][is_gap], np.diff(days)[is_gap]
    order = np.lexsort((gaps, of))
    gaps = gaps[order].astype(np.float64)
    counts = np.bincount(of, minlength=len(rows))
    starts = np.cumsum(counts) - counts
    found = np.full(len(rows), np.nan)
    known = np.flatnonzero(counts >= MIN_GAPS)
    low, high = starts[known] + (counts[known] - 1) // 2, starts[known] + counts[known] // 2
    found[known] = (gaps[low] + gaps[high]) / 2
    longest = np.zeros(len(rows), np.int32)
    bought_again = np.flatnonzero(counts)
    longest[bought_again] = gaps[starts[bought_again] + counts[bought_again] - 1]
    return Gaps(found, longest)


class Slope(NamedTuple):
    """Trend of the daily engagement index, by customer; NaN where it is unknown.

    `change` = 28 x slope / level, the relative change over four weeks; `z` = slope over its standard error. The fitted
    line itself, in points a day: its value on the last day (`last`), and by how much it rises each day (`per_day`).
    """

    change: Floats
    z: Floats
    last: Floats
    per_day: Floats


class _Fits(NamedTuple):
    """Of a fit over n days, by n, what depends on the number of days alone; NaN where no line can be fitted."""

    powers: Floats
    s0: Floats
    centre: Floats
    spread: Floats
    variance_factor: Floats
    n_eff: Floats


def slopes(pulse: Cells, rows: Rows, first_days: Ints, size: int, boundary: int, basis: Basis) -> Slope:
    """Exponentially weighted least squares of the daily index on time, zero days included (Gauss 1809).

    Weights are 2^(-age/half-life); days without events enter in closed form. Unknown (NaN) when all days are zero, when
    the weighted mean is not positive, or with fewer than three days of history.
    """
    weights = basis.engagement
    fits = _fits(weights.history_days, weights.half_life_days)
    number = np.full(size, -1, np.int64)
    number[rows] = np.arange(len(rows))
    history = np.clip(boundary - first_days[rows].astype(np.int64), 0, weights.history_days)
    places = pulse.find(number >= 0, boundary - min(weights.history_days, basis.keep_days), boundary)
    own, age = number[pulse.rows(places)], boundary - 1 - pulse.days_of(places)
    tenths = pulse.column("points")[places]
    used = (age < history[own]) & (tenths != 0)
    own, age, y = own[used], age[used], tenths[used] / 10
    weight = fits.powers[age]
    a = np.bincount(own, weight * y, len(rows))
    b = -np.bincount(own, weight * age * y, len(rows))
    c = np.bincount(own, weight * y * y, len(rows))
    s0, centre, n_eff = fits.s0[history], fits.centre[history], fits.n_eff[history]
    spread = fits.spread[history]
    with np.errstate(divide="ignore", invalid="ignore"):
        level = a / s0
        noise = np.maximum((c / s0 - level * level) * n_eff / (n_eff - 1), level / 2)
        rise = b - centre * a
        per_day = rise / spread
        change = 28 * rise / spread / level
        z = rise / np.sqrt(noise * fits.variance_factor[history])
        last = level - per_day * centre
    unknown: Bools = ~((c != 0.0) & (level > 0))
    for found in (change, z, last, per_day):
        found[unknown] = np.nan
    return Slope(change, z, last, per_day)


@lru_cache(maxsize=8)
def _fits(longest: int, half_life_days: int) -> _Fits:
    lam = 2.0 ** (-1.0 / half_life_days)
    rows = [_fit(lam, n) if n >= 3 else (np.nan,) * 5 for n in range(longest + 1)]
    table: NDArray[np.float64] = np.array(rows, np.float64)
    return _Fits(np.array([lam**age for age in range(longest)]), *(table[:, place] for place in range(5)))


def _fit(lam: float, n: int) -> tuple[float, float, float, float, float]:
    s0, s1, s2 = _sums(lam, n)
    q0, q1, q2 = _sums(lam * lam, n)
    centre = s1 / s0
    spread = s2 - s1 * s1 / s0
    return s0, centre, spread, q2 - 2 * centre * q1 + centre * centre * q0, s0 * s0 / q0


def _sums(lam: float, n: int) -> tuple[float, float, float]:
    """Sums over k < n of lam^k, -k lam^k and k^2 lam^k, in closed form."""
    power = lam**n
    rest = 1 - lam
    s0 = (1 - power) / rest
    s1 = (lam - power * (n - (n - 1) * lam)) / rest**2
    s2 = (lam * (1 + lam) - power * (n * n - (2 * n * n - 2 * n - 1) * lam + (n - 1) ** 2 * lam * lam)) / rest**3
    return s0, -s1, s2
