"""The worker's own ticks: for streams that are live, naming how far each quiet feed was read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from models.engine.arrivals import Arrival
from models.engine.ledger import TICKS
from models.engine.partition import Partition
from schemas.event import FEEDS, LOGIN
from schemas.tick import Tick, decode_tick
from schemas.topics import Topics
from streams.agents import ticking
from streams.agents.ticking import CURRENT_MS, Liveness, due_tick, keep_time
from support.builders import DAY_MS, HOUR_MS, NOON_MS, login
from support.troubled import default_rules

TOPICS = Topics("churn")
L_MS = 7 * DAY_MS
LATER_MS = CURRENT_MS + 1


def partition_with(*, newest_ms: int | None) -> Partition:
    partition = Partition(default_rules())
    if newest_ms is not None:
        take(partition, 41, newest_ms)
    return partition


def take(partition: Partition, offset: int, at_ms: int) -> None:
    partition.observe([Arrival(LOGIN, offset, login(at_ms=at_ms))])


def looked(partitions: Mapping[int, Partition], times: int = 2) -> Liveness:
    """After so many looks; at the second nothing has arrived since the first."""
    liveness = Liveness(L_MS)
    for _ in range(times):
        liveness.look(partitions)
    return liveness


def tick_of(partition: Partition, now_ms: int, *, beside: Partition | None = None, times: int = 2) -> Tick | None:
    """The tick of a partition whose topics are all idle, with another one owned beside it."""
    partitions = {0: partition} if beside is None else {0: partition, 1: beside}
    return due_tick(0, partition, TOPICS.events, TOPICS, looked(partitions, times), now_ms)


def test_tick_names_the_position_in_each_idle_feed_and_leaves_busy_ones_out() -> None:
    live = partition_with(newest_ms=NOON_MS)
    idle = (TOPICS.event(LOGIN), TOPICS.event(0))
    tick = due_tick(0, live, idle, TOPICS, looked({0: live}), NOON_MS + 1)
    assert tick == Tick(NOON_MS + 1, {"login": 42, "purchase": 0})


def test_tick_lifts_the_feeds_it_names_and_no_others() -> None:
    live = partition_with(newest_ms=NOON_MS)
    tick = due_tick(0, live, TOPICS.events[:3], TOPICS, looked({0: live}), NOON_MS + HOUR_MS)
    assert tick is not None
    live.observe([Arrival(TICKS, 0, tick)])
    assert live.watermark.highs == [NOON_MS + HOUR_MS] * 3 + [-1]


def test_no_tick_while_every_feed_has_something_left_to_read() -> None:
    live = partition_with(newest_ms=NOON_MS)
    assert due_tick(0, live, (), TOPICS, looked({0: live}), NOON_MS) is None


def test_no_tick_for_a_history_whose_newest_event_is_older_than_l() -> None:
    """The clock would make all that is still to come late."""
    assert tick_of(partition_with(newest_ms=NOON_MS), NOON_MS + L_MS + 1) is None
    assert tick_of(partition_with(newest_ms=NOON_MS), NOON_MS + L_MS) is not None


def test_no_tick_while_the_last_days_of_a_history_arrive() -> None:
    partition = partition_with(newest_ms=NOON_MS)
    assert tick_of(partition, NOON_MS + LATER_MS, times=1) is None
    assert tick_of(partition, NOON_MS + LATER_MS, times=2) is not None


def test_tick_while_events_of_just_now_arrive() -> None:
    assert tick_of(partition_with(newest_ms=NOON_MS), NOON_MS + CURRENT_MS, times=1) is not None


def test_no_tick_before_the_first_event() -> None:
    assert tick_of(partition_with(newest_ms=None), NOON_MS) is None


@pytest.mark.parametrize("newest_ms", [None, NOON_MS - 100 * DAY_MS])
def test_a_partition_without_recent_events_follows_the_clock_of_a_live_stream(newest_ms: int | None) -> None:
    quiet = partition_with(newest_ms=newest_ms)
    assert tick_of(quiet, NOON_MS, beside=partition_with(newest_ms=NOON_MS)) is not None


def test_a_partition_that_is_filled_with_history_does_not_follow_the_clock_until_that_ends() -> None:
    filled, live = partition_with(newest_ms=NOON_MS - 100 * DAY_MS), partition_with(newest_ms=NOON_MS)
    liveness = looked({0: filled, 1: live})
    take(filled, 42, NOON_MS - 90 * DAY_MS)
    liveness.look({0: filled, 1: live})
    assert due_tick(0, filled, TOPICS.events, TOPICS, liveness, NOON_MS) is None
    liveness.look({0: filled, 1: live})
    assert due_tick(0, filled, TOPICS.events, TOPICS, liveness, NOON_MS) is not None


@pytest.mark.parametrize(("newest_tick_ms", "is_ticked"), [(-1, False), (NOON_MS - HOUR_MS, True)])
def test_a_worker_that_owns_only_quiet_partitions_looks_at_the_ticks_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
    newest_tick_ms: int,
    is_ticked: bool,  # noqa: FBT001 - a parameter
) -> None:
    monkeypatch.setattr(ticking, "TICK_EVERY_S", 0.01)
    sent: list[tuple[int, bytes]] = []
    partitions = {5: partition_with(newest_ms=None)}

    async def for_a_while() -> None:
        kept = keep_time(
            partitions, lambda _: TOPICS.events, lambda *one: sent.append(one), TOPICS, lambda: NOON_MS,
            lambda: newest_tick_ms, Liveness(L_MS),
        )  # fmt: skip
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(kept, 0.5)

    asyncio.run(for_a_while())
    assert bool(sent) == is_ticked
    assert all((number, decode_tick(value).now_ms) == (5, NOON_MS) for number, value in sent)


def test_tick_for_a_position_not_reached_lifts_nothing() -> None:
    live = partition_with(newest_ms=NOON_MS)
    live.observe([Arrival(TICKS, 0, Tick(NOON_MS + DAY_MS, dict.fromkeys(FEEDS, 43)))])
    assert live.watermark.highs[LOGIN] == NOON_MS
    live.observe([Arrival(TICKS, 1, Tick(NOON_MS + DAY_MS, dict.fromkeys(FEEDS, 42)))])
    assert live.watermark.highs[LOGIN] == NOON_MS + DAY_MS
