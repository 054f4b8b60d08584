"""A look at single records of the event topics: the oldest that is still there, and the newest few."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.kafka.connection import librdkafka_config
from streams.settings import Settings

LOOK_WITHIN_S: Final = 5.0
"""A look is for a person who waits: partitions that have not answered by then are left out."""

_LEADER_COMES: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


def oldest_timestamps(settings: Settings, partitions: list[TopicPartition]) -> dict[str, int]:
    """Return the smallest timestamp (epoch ms) of each topic's first records; empty topics are left out.

    One record a partition is looked at. In a posted history, which is sorted by time, that is the oldest.
    """
    oldest: dict[str, int] = {}
    for message in first_records(settings, partitions, each=1):
        topic, time_ms = str(message.topic()), message.timestamp()[1]
        oldest[topic] = min(time_ms, oldest.get(topic, time_ms))
    return oldest


def newest_records(settings: Settings, partitions: list[TopicPartition], *, each: int) -> Iterator[Message]:
    """Yield up to `each` of the last records of every partition."""
    filled = [
        (at, low, high) for at, (low, high) in zip(partitions, ends(settings, partitions), strict=True) if low < high
    ]
    starts = [TopicPartition(at.topic, at.partition, max(low, high - each)) for at, low, high in filled]
    yield from first_records(settings, starts, each=each)


def ends(settings: Settings, partitions: list[TopicPartition]) -> list[tuple[int, int]]:
    """The first offset of each partition that is still there, and the next one to come."""
    consumer, deadline = _consumer(settings), monotonic() + LOOK_WITHIN_S
    try:
        return [_ends_of(consumer, partition, deadline) for partition in partitions]
    finally:
        consumer.close()


def _ends_of(consumer: Consumer, partition: TopicPartition, deadline: float) -> tuple[int, int]:
    """The same of one; a topic that was made this second has no leader yet, and is asked again."""
    while True:
        try:
            low, high = consumer.get_watermark_offsets(partition, timeout=LOOK_WITHIN_S)
        except KafkaException as error:
            if error.args[0].code() not in _LEADER_COMES or monotonic() > deadline:
                raise
            sleep(0.1)
        else:
            return int(low), int(high)


def first_records(settings: Settings, partitions: list[TopicPartition], *, each: int) -> Iterator[Message]:
    """Yield up to `each` records of every partition, from its given offset (or the beginning) on."""
    wanted = {(part.topic, part.partition): each for part in partitions}
    consumer = _consumer(settings)
    try:
        consumer.assign(
            [TopicPartition(p.topic, p.partition, p.offset if p.offset >= 0 else OFFSET_BEGINNING) for p in partitions]
        )
        deadline = monotonic() + LOOK_WITHIN_S
        while wanted and monotonic() < deadline:
            message = consumer.poll(0.1)
            if message is None:
                continue
            where = (str(message.topic()), int(message.partition() or 0))
            error = message.error()
            if error is not None:
                if error.code() != error._PARTITION_EOF:  # noqa: SLF001 - confluent-kafka's name for the end
                    raise KafkaException(error)
                wanted.pop(where, None)
            elif where in wanted:
                yield message
                wanted[where] -= 1
                if not wanted[where]:
                    del wanted[where]
                    consumer.incremental_unassign([TopicPartition(*where)])
    finally:
        consumer.close()


def _consumer(settings: Settings) -> Consumer:
    return Consumer(
        {
            **librdkafka_config(settings),
            "group.id": f"{settings.group}.look",  # never joined, nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.message.max.bytes": 16_384,
            "auto.offset.reset": "earliest",
        }
    )
