"""The worker's own ticks: for streams that are live, naming how far each quiet feed was read."""

from __future__ import annotations

from models.engine.arrivals import Arrival
from models.engine.ledger import TICKS
from models.engine.partition import Partition
from schemas.event import FEEDS, LOGIN
from schemas.tick import Tick
from schemas.topics import Topics
from streams.agents.ticking import due_tick
from support.builders import DAY_MS, HOUR_MS, NOON_MS, login
from support.troubled import default_rules

TOPICS = Topics("churn")
L_MS = 7 * DAY_MS


def partition_with(*, newest_ms: int | None) -> Partition:
    partition = Partition(default_rules())
    if newest_ms is not None:
        partition.observe([Arrival(LOGIN, 41, login(at_ms=newest_ms))])
    return partition


def test_tick_names_the_position_in_each_idle_feed_and_leaves_busy_ones_out() -> None:
    live = partition_with(newest_ms=NOON_MS)
    idle = (TOPICS.event(LOGIN), TOPICS.event(0))
    assert due_tick(live, idle, TOPICS, NOON_MS + 1) == Tick(NOON_MS + 1, {"login": 42, "purchase": 0})


def test_tick_lifts_the_feeds_it_names_and_no_others() -> None:
    live = partition_with(newest_ms=NOON_MS)
    tick = due_tick(live, TOPICS.events[:3], TOPICS, NOON_MS + HOUR_MS)
    assert tick is not None
    live.observe([Arrival(TICKS, 0, tick)])
    assert live.watermark.highs == [NOON_MS + HOUR_MS] * 3 + [-1]


def test_no_tick_while_every_feed_has_something_left_to_read() -> None:
    assert due_tick(partition_with(newest_ms=NOON_MS), (), TOPICS, NOON_MS) is None


def test_no_tick_for_a_history_that_is_being_posted() -> None:
    """Its newest event is older than L: the clock would make all that is still to come late."""
    assert due_tick(partition_with(newest_ms=NOON_MS), TOPICS.events, TOPICS, NOON_MS + L_MS + 1) is None
    assert due_tick(partition_with(newest_ms=NOON_MS), TOPICS.events, TOPICS, NOON_MS + L_MS) is not None


def test_no_tick_before_the_first_event() -> None:
    assert due_tick(partition_with(newest_ms=None), TOPICS.events, TOPICS, NOON_MS) is None


def test_tick_for_a_position_not_reached_lifts_nothing() -> None:
    live = partition_with(newest_ms=NOON_MS)
    live.observe([Arrival(TICKS, 0, Tick(NOON_MS + DAY_MS, dict.fromkeys(FEEDS, 43)))])
    assert live.watermark.highs[LOGIN] == NOON_MS
    live.observe([Arrival(TICKS, 1, Tick(NOON_MS + DAY_MS, dict.fromkeys(FEEDS, 42)))])
    assert live.watermark.highs[LOGIN] == NOON_MS + DAY_MS
