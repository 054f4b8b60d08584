"""Which feeds are down, and which days of theirs are lost."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple


class Weather(NamedTuple):
    """As of a boundary: the days lost in each feed, and the feeds that are down."""

    lost: Mapping[int, frozenset[int]]
    down: frozenset[int]

    def of(self, feeds: Iterable[int]) -> list[int]:
        """The days lost in any of some feeds."""
        return sorted({day for feed in feeds for day in self.lost.get(feed, ())})


CLEAR: Final = Weather({}, frozenset())
