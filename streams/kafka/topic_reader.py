"""Reads whole topics from their beginning to their present end; in no group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import ClusterMetadata

from streams.errors import SetupError
from streams.kafka.connection import connect, librdkafka_config
from streams.kafka.log_reader import BULK_SETTINGS, Place
from streams.settings import Settings


def read_messages(
    settings: Settings,
    topic: str,
    partitions: Iterable[int],
    *,
    purpose: str,
    first: int = 0,
) -> Iterator[Message]:
    """Every record of a topic, from the offset `first` on, by partition; ends at the present end.

    Raises SetupError when no broker answers, or there is no such topic: without an end to read to, it would not end.
    """
    _, cluster = connect(settings)
    must_be_there(cluster, [topic])
    left = {(topic, partition) for partition in partitions}
    consumer = assigned_consumer(settings, left, purpose=purpose, first=first)
    try:
        while left:
            yield from records_among(consumer.consume(1_000, 0.2), left)
    finally:
        consumer.close()


def must_be_there(cluster: ClusterMetadata, topics: Iterable[str]) -> None:
    """Raise SetupError for the first of these topics that is not there."""
    for name in topics:
        if name not in cluster.topics:
            raise SetupError(f"topic {name}", "missing", "Run: churn-signals topics create.")


def assigned_consumer(settings: Settings, places: Iterable[Place], *, purpose: str, first: int = 0) -> Consumer:
    """A consumer at an offset of these partitions; `purpose` ends the name of its group, which it never joins."""
    consumer = Consumer({**librdkafka_config(settings), **BULK_SETTINGS, "group.id": f"{settings.group}.{purpose}"})
    consumer.assign([TopicPartition(topic, partition, first) for topic, partition in sorted(places)])
    return consumer


def records_among(messages: Iterable[Message], left: set[Place]) -> Iterator[Message]:
    """The records; a partition whose end was reached leaves `left`. Raises KafkaException for what does not pass."""
    for message in messages:
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's own name for it
            left.discard((str(message.topic()), int(message.partition() or 0)))
        elif not error.retriable():
            raise KafkaException(error)
