"""The clock as data: once a minute a partition's owner writes the time, and which feeds had nothing left to read.

Whether the clock may be followed is a question about the stream as a whole: a partition whose own customers are silent,
or that has none, follows it as soon as events elsewhere show that the stream is live. History that is being posted must
not be overtaken, or all of it that is still to come would be late.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from models.engine.partition import Partition
from schemas.codec import MAX_AHEAD_MS
from schemas.errors import RejectedError
from schemas.event import FEEDS
from schemas.tick import Tick, decode_tick, encode_tick
from schemas.topics import Topics
from streams.kafka.look import newest_records
from streams.settings import Settings

TICK_EVERY_S = 60.0
"""Silence is judged in days; a minute keeps a quiet feed's clock close to the wall's and costs nothing."""

CURRENT_MS: Final = 600_000
"""Events younger than this are no history: posted by producers at work, not from a file."""

log = logging.getLogger("churn")


class Liveness:
    """What a worker knows of the stream as a whole, from its own partitions and from the ticks of others.

    It is live when its newest event or tick is at most L (the bound of lateness) old, and either that is from just now
    or nothing at all arrived since the last look: what arrives and is old is history on its way.
    """

    def __init__(self, lateness_ms: int) -> None:
        self._lateness_ms = lateness_ms
        self._seen: dict[int, tuple[int, ...]] = {}
        self._arrived: set[int] = set()
        self.newest_ms = -1
        """The newest event or tick that is known of, -1 for none."""

    def look(self, partitions: Mapping[int, Partition]) -> None:
        """Note how far the partitions owned have come since the last look."""
        covered = {number: tuple(partition.ledger.covered[: len(FEEDS)]) for number, partition in partitions.items()}
        self._arrived = {number for number, offsets in covered.items() if self._seen.get(number) != offsets}
        self._seen = covered
        self.newest_ms = max(max(partition.watermark.highs) for partition in partitions.values())

    def is_live(self, now_ms: int) -> bool:
        """Whether the clock may be followed where nothing arrives."""
        age_ms = now_ms - self.newest_ms
        return age_ms <= self._lateness_ms and (age_ms <= CURRENT_MS or not self._arrived)

    def is_filled_with_history(self, number: int, partition: Partition, now_ms: int) -> bool:
        """Whether what a partition took since the last look is older than L."""
        return number in self._arrived and max(partition.watermark.highs) < now_ms - self._lateness_ms


def due_tick(
    number: int, partition: Partition, idle: Collection[str], topics: Topics, liveness: Liveness, now_ms: int
) -> Tick | None:
    """The tick of a partition, None while the clock must not be followed there.

    `idle`: the topics of which everything there is was taken; the tick names the partition's own position in them, as
    the broker's end counts markers and deleted records too.
    """
    if not liveness.is_live(now_ms) or liveness.is_filled_with_history(number, partition, now_ms):
        return None
    covered = partition.ledger.covered
    feeds = {FEEDS[feed]: covered[feed] + 1 for feed, topic in enumerate(topics.events) if topic in idle}
    return Tick(now_ms, feeds) if feeds else None


def newest_tick_ms(settings: Settings, now_ms: Callable[[], int]) -> int:
    """The time of the newest tick in any partition, -1 when there is none, or the broker does not answer. Blocks."""
    topic = Topics(settings.prefix).ticks
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]
    try:
        found = [_time_of(message.value()) for message in newest_records(settings, places, each=1)]
    except KafkaException as error:
        log.warning("the ticks of other partitions could not be read, the next attempt follows: %s", error)
        return -1
    return max((time_ms for time_ms in found if time_ms <= now_ms() + MAX_AHEAD_MS), default=-1)


def _time_of(value: bytes | None) -> int:
    try:
        return decode_tick(value).now_ms
    except RejectedError:  # its partition's owner sets it aside, with the reason
        return -1


async def keep_time(
    partitions: Mapping[int, Partition],
    idle_of: Callable[[int], Collection[str]],
    send: Callable[[int, bytes], None],
    topics: Topics,
    now_ms: Callable[[], int],
    newest_tick: Callable[[], int],
    liveness: Liveness,
) -> None:
    """Write ticks for ever, one per owned partition and minute.

    `newest_tick` reads the newest tick of any partition, and may block: it is asked only when the partitions owned show
    nothing that is live.
    """
    while True:
        await asyncio.sleep(TICK_EVERY_S)
        owned = dict(partitions)
        if not owned:
            continue
        liveness.look(owned)
        if not liveness.is_live(now_ms()):
            liveness.newest_ms = max(liveness.newest_ms, await asyncio.to_thread(newest_tick))
        for number, partition in owned.items():
            if number in partitions:
                tick = due_tick(number, partition, idle_of(number), topics, liveness, now_ms())
                if tick is not None:
                    send(number, encode_tick(tick))
