"""The course of a customer's engagement, day by day up to a boundary: what `customer` draws."""

from collections.abc import Sequence
from itertools import accumulate
from math import isnan

import numpy as np
from msgspec import Struct

from models.calendar import date_of
from models.measures.as_of import AsOf
from models.measures.daily import DAILY
from schemas.event import PURCHASE, TICKET

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


def course(as_of: AsOf, row: int) -> Course | None:
    """The course of one customer as of a boundary; None before the first activity."""
    first_day = int(as_of.columns.first_day[row])
    if first_day >= as_of.boundary:
        return None
    first = as_of.boundary - COURSE_DAYS
    days = range(first, as_of.boundary)
    known = [day >= first_day for day in days]
    scale = DAILY["engagement"].scale
    tenths = _daily(as_of, row, "engagement", first - LEVEL_DAYS)
    sums = list(accumulate(tenths, initial=0))
    level = [(sums[at + LEVEL_DAYS] - sums[at]) / scale for at in range(1, len(days) + 1)]
    fitted = as_of.slope(np.array([row], np.int32))
    last, per_day = float(fitted.last[0]), float(fitted.per_day[0])
    line = [None] * len(days) if isnan(last) else [_line(last, per_day, as_of.boundary - 1 - day) for day in days]
    return Course(
        first_day=date_of(first),
        last_day=date_of(as_of.boundary - 1),
        daily=tuple(count / scale for count in tenths[LEVEL_DAYS:]),
        level=_where(known, level),
        trend=_where(known, line),
        purchases=tuple(_daily(as_of, row, "purchases", first)) if as_of.has(PURCHASE) else (),
        tickets=tuple(_daily(as_of, row, "tickets", first)) if as_of.has(TICKET) else (),
    )


def _daily(as_of: AsOf, row: int, name: str, first: int) -> list[int]:
    measure = DAILY[name]
    log = measure.log(as_of.customers.days)
    places = log.find(as_of.customers.roster.flagged(np.array([row], np.int32)), first, as_of.boundary)
    counts = dict(zip(log.days_of(places).tolist(), measure.values(log, places).tolist(), strict=True))
    return [counts.get(day, 0) for day in range(first, as_of.boundary)]


def _line(last: float, per_day: float, age: int) -> float:
    """The fitted line `age` days before the last, over as many days as the level, not below zero."""
    return round(max(0.0, (last - per_day * age) * LEVEL_DAYS), 4)


def _where(known: Sequence[bool], values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(value if is_known else None for is_known, value in zip(known, values, strict=True))
