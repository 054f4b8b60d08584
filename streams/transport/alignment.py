"""Backlogs in step: of what was fetched of one partition number, which records may be handed on, and in which order.

The topics of a partition number are merged by (clock, topic, offset), where the clock of a record is the greatest
timestamp of its topic so far: within a topic the order of the log is kept whatever its timestamps do. Only a beginning
of that merged order is ever handed on: the order of a backlog depends on the log alone, not on how it was fetched.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from streams.transport.records import Record

PAUSE_ABOVE: Final = 20_000
"""Records of one topic held back before it is no longer fetched: bounds memory, and is several fetches of 256 KiB."""

RESUME_BELOW: Final = 10_000
"""Records held at which a paused topic is fetched again: half, so that it does not flutter."""

NOTHING_FETCHED_MS: Final = -(1 << 62)
"""Clock of a topic of which nothing is known: before every record."""

_order = attrgetter("order_ms")


def is_drained(position: int | None, highwater: int | None) -> bool:
    """Whether everything a topic held when last asked has been fetched; unknown counts as no.

    >>> is_drained(7, 7), is_drained(6, 7), is_drained(0, None), is_drained(None, 0)
    (True, False, False, False)
    """
    return position is not None and highwater is not None and position >= highwater


class Aligner:
    """What is held back of one partition number, topic by topic in the fixed order of the topics."""

    __slots__ = ("_clocks", "_held", "_paused")

    def __init__(self, clocks: Sequence[int | None]) -> None:
        """`clocks`: of each topic the clock at the offset where reading starts, None when it starts afresh."""
        self._clocks = [NOTHING_FETCHED_MS if clock is None else clock for clock in clocks]
        self._held: list[list[Record]] = [[] for _ in clocks]
        self._paused: set[int] = set()

    def add(self, topic: int, records: list[Record]) -> None:
        """Hold records of a topic, in the order of the log; `order_ms` must already be the running maximum."""
        if records:
            self._held[topic].extend(records)
            self._clocks[topic] = records[-1].order_ms

    def clock(self, topic: int) -> int:
        """The greatest timestamp fetched of a topic."""
        return self._clocks[topic]

    def held(self, topic: int) -> int:
        """Records of a topic that wait for another topic."""
        return len(self._held[topic])

    @property
    def paused(self) -> frozenset[int]:
        """Topics so far ahead that they should not be fetched now; never the one the others wait for."""
        return frozenset(self._paused)

    def release(self, drained: Sequence[bool]) -> list[Record]:
        """Take out what may be handed on, in order. `drained`: of each topic, whether all of it was fetched.

        A topic with more to come bounds the others: what it sends next lies behind its own last record in the merged
        order, and nothing behind that may go first. The slowest such topic never holds anything itself, therefore even
        a topic whose clock stands still moves on.
        """
        behind = [(clock, topic) for topic, clock in enumerate(self._clocks) if not drained[topic]]
        bound = min(behind, default=None)
        released: list[Record] = []
        topics = 0
        for topic, held in enumerate(self._held):
            count = len(held) if bound is None else _count_before(held, topic, bound)
            if count:
                topics += 1
                released += held if count == len(held) else held[:count]
                self._held[topic] = [] if count == len(held) else held[count:]
        if topics > 1:
            released.sort(key=_order)  # stable: ties keep the order of the topics, then of the log
        self._update_paused()
        return released

    def _update_paused(self) -> None:
        for topic, held in enumerate(self._held):
            if len(held) > PAUSE_ABOVE:
                self._paused.add(topic)
            elif len(held) < RESUME_BELOW:
                self._paused.discard(topic)


def _count_before(held: list[Record], topic: int, bound: tuple[int, int]) -> int:
    """How many of a topic's records come before anything the bounding topic can still send."""
    clock, bounding = bound
    cut = bisect_left if topic > bounding else bisect_right
    return cut(held, clock, key=_order)
