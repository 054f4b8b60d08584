"""Whether the events of a topic lie where their keys belong: a sample, looked at by `doctor` and before posting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import ClusterMetadata

from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.kafka.look import first_records, newest_records
from streams.settings import Settings

SAMPLE: Final = 20
"""Records looked at at each end of a partition: enough to see how many producers are wrong, not only that one is."""

FEW: Final = 3
"""Fewer misplaced records say nothing of how many partitions there once were."""

USE_MURMUR2: Final = "producers must use murmur2 (librdkafka: partitioner=murmur2_random) and the customer id as key"

Placed = tuple[int, bytes | None]
"""The partition a record lies on, and its key."""


@dataclass(frozen=True, slots=True)
class Placing:
    """How the records of a topic lie. `seen`: of its newest ones, `misplaced`: those not on the partition of their key.

    `earlier`: for how many partitions the oldest ones were placed, where that is not as many as there are.
    """

    topic: str
    partitions: int
    seen: int
    misplaced: int
    earlier: int | None
    newest_ms: int

    @property
    def is_mostly_wrong(self) -> bool:
        """Whether half of the records or more come from another partitioner, which is right by chance, too."""
        return self.misplaced > 0 and 2 * self.misplaced * self.partitions >= self.seen * (self.partitions - 1)


def look_at_placing(settings: Settings, cluster: ClusterMetadata) -> Iterator[Placing]:
    """Yield how the records of each event topic lie; of an empty one nothing is seen."""
    names = [name for name in Topics(settings.prefix).events if name in cluster.topics]
    places = [TopicPartition(name, number) for name in names for number in cluster.topics[name].partitions]
    newest = list(newest_records(settings, places, each=SAMPLE))
    filled = {(str(one.topic()), one.partition()) for one in newest}
    begun = [place for place in places if (place.topic, place.partition) in filled]
    oldest = list(first_records(settings, begun, each=SAMPLE))
    for name in names:
        count, of_topic = len(cluster.topics[name].partitions), _placed(newest, name)
        yield Placing(
            topic=name,
            partitions=count,
            seen=len(of_topic),
            misplaced=sum(not _is_placed(one, count) for one in of_topic),
            earlier=earlier_count(_placed(oldest, name), count),
            newest_ms=max((one.timestamp()[1] for one in newest if one.topic() == name), default=0),
        )


def earlier_count(oldest: Sequence[Placed], partitions: int) -> int | None:
    """For how many partitions records were placed before there were as many as now; None without a sign of that.

    Then the first partitions begin with records that lie right for fewer, and all others with what came afterwards.

    >>> keys = [b"c%d" % number for number in range(40)]
    >>> earlier_count([(partition_of(key, 2), key) for key in keys], 3)
    2
    >>> earlier_count([(partition_of(key, 3), key) for key in keys], 3)
    """
    if sum(not _is_placed(one, partitions) for one in oldest) < FEW:
        return None
    for fewer in range(partitions - 1, 0, -1):
        if all(_is_placed(one, fewer if one[0] < fewer else partitions) for one in oldest):
            return fewer
    return None


def _is_placed(placed: Placed, partitions: int) -> bool:
    place, key = placed
    return key is not None and partition_of(key, partitions) == place


def _placed(messages: Sequence[Message], topic: str) -> list[Placed]:
    return [(int(one.partition() or 0), one.key()) for one in messages if one.topic() == topic]
