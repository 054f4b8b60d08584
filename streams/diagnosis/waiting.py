"""Which partitions wait, and for what: how far events and ticks let the clock of each one come."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from confluent_kafka import Message, TopicPartition

from schemas.codec import decode_event
from schemas.errors import RejectedError
from schemas.event import FEEDS
from schemas.instant import to_rfc3339
from schemas.tick import decode_tick
from schemas.topics import DAY_MS, Topics
from streams.kafka.log_reader import headers_of
from streams.kafka.look import newest_records
from streams.settings import Settings

LOOKED_AT: Final = 8
"""Records looked at in each partition: two rounds of the ticks that `produce` posts, one for each feed."""

Clocks = Mapping[tuple[int, int], int]
"""By (partition, feed) the newest time that an event or a tick shows; nothing where neither does."""


class Waiting(NamedTuple):
    """Partitions that are behind the others because of a feed; `since_ms` is the earliest clock, None for none."""

    feed: int
    partitions: tuple[int, ...]
    since_ms: int | None
    furthest_ms: int

    def __str__(self) -> str:
        """What a person should know of it, in a sentence."""
        numbers, is_one = ", ".join(map(str, self.partitions)), len(self.partitions) == 1
        who = f"partition {numbers} waits" if is_one else f"partitions {numbers} wait"
        shown = "none were posted there" if self.since_ms is None else f"the newest is of {to_rfc3339(self.since_ms)}"
        return (
            f"{who} for {FEEDS[self.feed]} events: {shown}, and no tick tells of a later time. "
            f"Other partitions are at {to_rfc3339(self.furthest_ms)}"
        )


def waiting(clocks: Clocks, partitions: Collection[int], feeds: Collection[int]) -> Iterator[Waiting]:
    """Who is more than a day behind the furthest partition, by the feed that holds the clock back. `feeds`: declared.

    >>> [w.partitions for w in waiting({(0, 0): 9 * DAY_MS, (1, 0): 2 * DAY_MS}, range(3), [0])]
    [(1, 2)]
    """
    reached = [
        min(known) for p in partitions if len(known := [clocks[p, f] for f in feeds if (p, f) in clocks]) == len(feeds)
    ]
    if not reached:
        return
    furthest = max(reached)
    for feed in feeds:
        behind = tuple(p for p in sorted(partitions) if clocks.get((p, feed), -1) < furthest - DAY_MS)
        if behind:
            known = [clocks[p, feed] for p in behind if (p, feed) in clocks]
            yield Waiting(feed, behind, min(known, default=None), furthest)


def read_clocks(settings: Settings, now_ms: int) -> Clocks:
    """How far the newest events and ticks of each partition say that time has come. Raises KafkaException."""
    topics = Topics(settings.prefix)
    places = {topic: feed for feed, topic in enumerate(topics.events)}
    wanted = [TopicPartition(topic, n) for topic in (*places, topics.ticks) for n in range(settings.partitions)]
    found: dict[tuple[int, int], int] = {}
    for message in newest_records(settings, wanted, each=LOOKED_AT):
        partition, topic = int(message.partition() or 0), str(message.topic())
        times = _of_event(message, places[topic], now_ms) if topic in places else _of_tick(message)
        for feed, time_ms in times.items():
            found[partition, feed] = max(time_ms, found.get((partition, feed), -1))
    return found


def _of_event(message: Message, feed: int, now_ms: int) -> dict[int, int]:
    try:
        return {feed: decode_event(feed, message.key(), message.value(), headers_of(message), now_ms).time_ms}
    except RejectedError:  # it moves no clock
        return {}


def _of_tick(message: Message) -> dict[int, int]:
    try:
        tick = decode_tick(message.value())
    except RejectedError:
        return {}
    return {feed: tick.now_ms for feed, name in enumerate(FEEDS) if name in tick.idle}
