"""Reads a topic from its beginning to the end it has now, with nothing but confluent-kafka."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

_SETTINGS: Final[dict[str, Any]] = {"group.id": "reading", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
"""The end of a topic is told at once."""


def read_topic(bootstrap: str, topic: str, within_s: float = 30.0) -> list[Message]:
    """Every record of a topic, partition by partition in order of offset; empty when there is no such topic."""
    consumer = Consumer(_SETTINGS | {"bootstrap.servers": bootstrap})
    try:
        partitions = consumer.list_topics(topic, timeout=within_s).topics[topic].partitions
        ends = {number: _end(consumer, topic, number, within_s) for number in partitions}
        wanted = sum(high - low for low, high in ends.values())
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        found = consumer.consume(wanted, within_s) if wanted else []
        assert len(found) == wanted, f"{topic}: {len(found)} of {wanted} records within {within_s} s"
        return sorted(found, key=lambda message: (message.partition() or 0, message.offset() or 0))
    finally:
        consumer.close()


def _end(consumer: Consumer, topic: str, partition: int, within_s: float) -> tuple[int, int]:
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=within_s)
    return low, high


def read_compacted(bootstrap: str, topic: str) -> list[Message]:
    """The same of a topic of which some offsets are gone: up to where the broker says each partition ends."""
    consumer = Consumer(_SETTINGS | {"bootstrap.servers": bootstrap, "enable.partition.eof": True})
    found: list[Message] = []
    try:
        left = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in left])
        while left:
            for message in consumer.consume(1_000, 0.05):
                error = message.error()
                if error is None:
                    found.append(message)
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    left.discard(message.partition() or 0)
    finally:
        consumer.close()
    return found
