"""Which partitions wait for which feed, told from the newest events and ticks."""

from __future__ import annotations

from schemas.event import LOGIN, PURCHASE
from streams.diagnosis.waiting import waiting
from support.builders import DAY_MS, NOON_MS

BOTH = (PURCHASE, LOGIN)


def test_nobody_waits_while_all_are_within_a_day() -> None:
    clocks = {(partition, feed): NOON_MS - partition * DAY_MS // 3 for partition in range(4) for feed in BOTH}
    assert list(waiting(clocks, range(4), BOTH)) == []


def test_an_empty_partition_and_a_silent_one_wait_for_the_feed_that_holds_them() -> None:
    clocks = {(0, PURCHASE): NOON_MS, (0, LOGIN): NOON_MS, (1, PURCHASE): NOON_MS, (1, LOGIN): NOON_MS - 40 * DAY_MS}
    told = list(waiting(clocks, range(3), BOTH))
    assert [(one.feed, one.partitions) for one in told] == [(PURCHASE, (2,)), (LOGIN, (1, 2))]
    assert str(told[0]).startswith("partition 2 waits for purchase events: none were posted there")
    assert "partitions 1, 2 wait for login events: the newest is of 20" in str(told[1])


def test_the_furthest_is_who_knows_of_every_feed() -> None:
    """One far ahead in a single feed decides nothing, so nobody is behind it."""
    clocks = {(0, PURCHASE): NOON_MS, (1, PURCHASE): NOON_MS - 9 * DAY_MS, (1, LOGIN): NOON_MS - 9 * DAY_MS}
    assert [(one.feed, one.partitions) for one in waiting(clocks, range(2), BOTH)] == [(LOGIN, (0,))]


def test_nothing_is_said_when_no_partition_knows_of_every_feed() -> None:
    assert list(waiting({(0, PURCHASE): NOON_MS}, range(2), BOTH)) == []
