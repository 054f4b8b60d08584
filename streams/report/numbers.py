"""Shares, rates and spreads as people read them, in every report alike."""

from __future__ import annotations

from typing import Final

from models.detection.proportion import Quartiles, Rate, Share

NONE: Final = "-"
"""Where there is nothing to tell."""


def percent(value: float) -> str:
    """A share in per cent, with a tenth where it is near nothing or all.

    >>> percent(0.0123), percent(0.5), percent(0.999), percent(0.05)
    ('1.2 %', '50 %', '99.9 %', '5 %')
    """
    return f"{round(100 * value, 0 if 0.1 <= value <= 0.99 else 1):g} %"


def share(found: Share | None) -> str:
    """A share and its interval."""
    return NONE if found is None else with_interval(found.share, found.low, found.high)


def with_interval(value: float, low: float, high: float) -> str:
    """A share in per cent, and the ends of its interval.

    >>> with_interval(0.345, 0.3, 0.4)
    '34 % (30-40)'
    """
    return f"{percent(value)} ({range_of(low, high)})"


def range_of(low: float, high: float) -> str:
    """The ends of an interval in per cent, with tenths where it is narrow."""
    digits = 1 if high - low < 0.03 or high < 0.1 else 0
    ends = (f"{100 * end:.{digits}f}" for end in (low, high))
    return "-".join("100" if end == "100.0" else end for end in ends)


def points(share: float) -> str:
    """A difference of shares in points of per cent, with its sign.

    >>> points(-0.104), points(0.0004), points(0.034)
    ('-10', '0', '+3.4')
    """
    size = points_apart(share)
    return "0" if size == "0" else f"{'-' if share < 0 else '+'}{size}"


def points_apart(share: float) -> str:
    """The same without the sign."""
    size = abs(share)
    return f"{round(100 * size, 0 if size >= 0.0995 else 1):g}"


def points_range(low: float, high: float) -> str:
    """The ends of the interval of a difference, in points of per cent."""
    return f"{points(low)} to {points(high)}"


def rate(found: Rate | None) -> str:
    """A rate and its interval."""
    return NONE if found is None else f"{found.mean:.2f} ({found.low:.2f}-{found.high:.2f})"


def spread(found: Quartiles | None) -> str:
    """Quartiles, in whole days."""
    return NONE if found is None else f"{found.first:.0f}/{found.median:.0f}/{found.third:.0f}"
