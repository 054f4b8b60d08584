"""How many customers came in each hour of the last weeks, by group and feed: what tells whether a feed went silent.

Each counts once a day, in the hour of the first event in the feed: neither who posts a thousand nor a burst of one
customer weighs more. Hours count from the midnight that begins the day.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import HOUR_MS
from models.customers.arrays import Bools, Ints
from models.customers.buckets import NO_TIME
from models.customers.cells import Cells
from schemas.event import FEEDS

DAY_HOURS: Final = 24
WEEK_HOURS: Final = 7 * DAY_HOURS
NO_HOUR: Final = 255
"""Of who was not active in the feed, and had e-mails sent alone."""
HOUR: Final = "hour"
"""The column of closed days that holds it."""


def hours_of(first_ms: Ints, start_ms: int) -> NDArray[np.uint8]:
    """The hour of the first activity on a day that begins at an instant; of a day of 25 hours the last two are one."""
    hours = np.minimum((first_ms - start_ms) // HOUR_MS, DAY_HOURS - 1)
    return np.where(first_ms == NO_TIME, NO_HOUR, hours).astype(np.uint8)


class HourSpan(NamedTuple):
    """Hours [first, end) without an event, counted from day 0."""

    first: int
    end: int


class HourCounts:
    """Counts of the last `days` closed days, the newest last: an hour is at its distance from `end`, the boundary."""

    def __init__(self, groups: int, days: int) -> None:
        self._days = days
        self._counts = np.zeros((groups, len(FEEDS), days * DAY_HOURS), np.int32)
        self.end = -1

    @property
    def first_hour(self) -> int:
        """The first hour that is known."""
        return (self.end - self._days) * DAY_HOURS

    def move(self, boundary: int) -> None:
        """Make room for the days before a boundary."""
        by = min(self._days, boundary - self.end if self.end >= 0 else self._days) * DAY_HOURS
        if by:
            self._counts = np.concatenate((self._counts[:, :, by:], np.zeros_like(self._counts[:, :, :by])), axis=2)
        self.end = boundary

    def count(self, day: int, feed: int, log: Cells, groups: Ints) -> None:
        """Count the entries of a closed day of a feed, anew where it was counted before."""
        at = day * DAY_HOURS - self.first_hour
        if not 0 <= at < self._counts.shape[2]:
            return
        span = log.day(day)
        hours = log.column(HOUR)[span].astype(np.int64)
        keys = groups[log.rows(span)].astype(np.int64) * DAY_HOURS + hours
        found = np.bincount(keys[hours < DAY_HOURS], minlength=len(self._counts) * DAY_HOURS)
        self._counts[:, feed, at : at + DAY_HOURS] = found.reshape(-1, DAY_HOURS)

    def of(self, group: int, feed: int) -> NDArray[np.int32]:
        """The counts of a feed in a group."""
        found: NDArray[np.int32] = self._counts[group, feed]
        return found

    def within(self, group: int, feed: int, run: HourSpan, weeks: int) -> int:
        """How many came in the first week of a run's hours, so many weeks before."""
        back = self.first_hour + weeks * WEEK_HOURS
        end = min(run.end, run.first + WEEK_HOURS)
        return int(self._counts[group, feed, run.first - back : end - back].sum())

    def may_be_silent(self, least: int) -> Bools:
        """By group and feed: whether in the silent hours of the day that closed `least` came a week before.

        Those of the week before the day count with them, as far as the silence lasts into it.
        """
        size = self._counts.shape[2]
        recent = self._counts[:, :, size - WEEK_HOURS - DAY_HOURS :]
        before = self._counts[:, :, size - 2 * WEEK_HOURS - DAY_HOURS : size - WEEK_HOURS]
        is_silent = recent == 0
        lasting = recent[:, :, :WEEK_HOURS]
        is_silent[:, :, :WEEK_HOURS] = np.cumsum(lasting[:, :, ::-1], axis=2)[:, :, ::-1] == 0
        found: Bools = np.where(is_silent, before, 0).sum(axis=2) >= least
        return found

    def runs(self, group: int, feed: int) -> list[HourSpan]:
        """The hours without an event that touch the day that closed, the first of them with those before the day."""
        counts, first_hour = self._counts[group, feed], self.first_hour
        start = len(counts) - DAY_HOURS
        came = np.flatnonzero(counts)
        before = came[came < start]
        marks = [int(before[-1]) if len(before) else -1, *came[came >= start].tolist(), len(counts)]
        return [HourSpan(a + 1 + first_hour, b + first_hour) for a, b in pairwise(marks) if b > max(a + 1, start)]
