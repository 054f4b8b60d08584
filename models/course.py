"""The course of a customer's engagement, day by day up to a boundary: what `customer` draws."""

from collections.abc import Sequence
from itertools import accumulate

from msgspec import Struct

from models.calendar import date_of
from models.signals.measures import SCALES, View, slope

COURSE_DAYS = 120
"""Four months: the 56 days that are usual, the window compared with them, and what was before."""
LEVEL_DAYS = 14
"""The window of the engagement that signals compare."""


class Course(Struct, frozen=True):
    """Closed days from `first_day` to `last_day`, one entry a day; all in points of engagement but the counts.

    `level` is the engagement of the LEVEL_DAYS days that end on the day, `trend` the fitted line in the same unit, None
    before the customer was first seen. A measure whose feed is not declared is empty.
    """

    first_day: str
    last_day: str
    daily: tuple[float, ...]
    level: tuple[float | None, ...]
    trend: tuple[float | None, ...]
    purchases: tuple[int, ...]
    tickets: tuple[int, ...]


def course(view: View) -> Course | None:
    """The course as of the view's boundary; None before the first activity."""
    if view.first_day is None:
        return None
    first = max(view.boundary - COURSE_DAYS, view.floor)
    days = range(first, view.boundary)
    known = [day >= view.first_day for day in days]
    scale = SCALES["engagement"]
    tenths = _daily(view, "engagement", first - LEVEL_DAYS)
    sums = list(accumulate(tenths, initial=0))
    level = [(sums[at + LEVEL_DAYS] - sums[at]) / scale for at in range(1, len(days) + 1)]
    fitted = slope(view)
    line = (
        [None] * len(days) if fitted is None else [_line(fitted.last, fitted.per_day, view.last_day - d) for d in days]
    )
    return Course(
        first_day=date_of(first),
        last_day=date_of(view.last_day),
        daily=tuple(count / scale for count in tenths[LEVEL_DAYS:]),
        level=_where(known, level),
        trend=_where(known, line),
        purchases=tuple(_daily(view, "purchases", first)) if view.knows("purchases") else (),
        tickets=tuple(_daily(view, "tickets", first)) if view.knows("tickets") else (),
    )


def _daily(view: View, name: str, first: int) -> list[int]:
    series = view.series(name)
    counts = {
        day: later - earlier for day, earlier, later in zip(series.days, series.sums, series.sums[1:], strict=False)
    }
    return [counts.get(day, 0) for day in range(first, view.boundary)]


def _line(last: float, per_day: float, age: int) -> float:
    """The fitted line `age` days before the last, over as many days as the level, not below zero."""
    return round(max(0.0, (last - per_day * age) * LEVEL_DAYS), 4)


def _where(known: Sequence[bool], values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(value if is_known else None for is_known, value in zip(known, values, strict=True))
