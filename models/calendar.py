"""Days of the deployment's zone: the grid on which everything is counted and decided."""

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

DAY_MS: Final = 86_400_000
_EPOCH = date(1970, 1, 1)
_FIRST_YEAR, _END_YEAR = 1970, 2101
"""A year longer than the contract has times, for the day behind the last."""


class Calendar:
    """Maps epoch milliseconds to day numbers (days since 1970-01-01 in the zone) and back.

    A boundary is the midnight that begins a day and carries that day's number: boundary T closes the days before T.
    Day 0 is the first of all: west of Greenwich it begins with the epoch, some hours before its own midnight.

    >>> Calendar("UTC").day_of(DAY_MS * 3 + 5)
    3
    >>> Calendar("Europe/Berlin").start_of(0)
    -3600000
    >>> Calendar("America/New_York").day_of(0), Calendar("America/New_York").text_of(0)
    (0, '1970-01-01T00:00:00-05:00')
    """

    __slots__ = ("_array", "_starts", "zone")

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self._starts: list[int] | None = None if zone == "UTC" else _starts(zone)
        self._array = np.array(self._starts or (), np.int64)

    def day_of(self, time_ms: int) -> int:
        """The number of the day that holds the instant."""
        if self._starts is None:
            return time_ms // DAY_MS
        return bisect_right(self._starts, time_ms) - 1

    def days_of(self, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The days of many instants."""
        if self._starts is None:
            return times_ms // DAY_MS
        return self._array.searchsorted(times_ms, side="right") - 1

    def start_of(self, day: int) -> int:
        """The instant at which the day begins, in epoch milliseconds."""
        if self._starts is None:
            return day * DAY_MS
        known = min(max(day, 0), len(self._starts) - 1)
        return self._starts[known] + (day - known) * DAY_MS

    def text_of(self, day: int) -> str:
        """The boundary as RFC 3339 with the zone's offset: what people and programs read."""
        if self._starts is None:
            return date_of(day) + "T00:00:00Z"
        zone = ZoneInfo(self.zone)
        begins = datetime.fromtimestamp(self.start_of(day) / 1000, zone)
        own = _EPOCH + timedelta(days=day)
        if begins.date() != own:  # the first day, and one that a zone left out of its calendar
            begins = datetime.combine(own, time(), zone)
        return begins.isoformat()

    @staticmethod
    def day_of_text(boundary: str) -> int:
        """The day number of a boundary as `text_of` wrote it: its date is what counts, whatever the offset."""
        return date.fromisoformat(boundary[:10]).toordinal() - _EPOCH.toordinal()


@lru_cache(maxsize=1024)
def date_of(day: int) -> str:
    """The day number as a calendar date, for example 2026-11-22."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def in_days(count: int) -> str:
    """How long something lasted, in words.

    >>> in_days(1), in_days(13)
    ('1 day', '13 days')
    """
    return f"{count} {'day' if count == 1 else 'days'}"


@lru_cache(maxsize=16)
def _starts(zone: str) -> list[int]:
    """Every midnight of the zone; where a change of the clock skips midnight, the first instant of the day."""
    days = (date(_END_YEAR, 1, 1) - date(_FIRST_YEAR, 1, 1)).days
    first, *others = (datetime(_FIRST_YEAR, 1, 1, tzinfo=ZoneInfo(zone)) + timedelta(days=n) for n in range(days))
    return [min(0, int(first.timestamp()) * 1000), *(int(start.timestamp()) * 1000 for start in others)]
