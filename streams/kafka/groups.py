"""Who works in the consumer groups of this deployment, and how far they are, as the brokers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.connection import answered, librdkafka_config
from streams.settings import Settings

ANSWERS_WITHIN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Group:
    """`members` are running now, or were seconds ago; `partitions` are theirs, by number."""

    name: str
    members: int
    partitions: frozenset[int]


def worker_group(settings: Settings) -> str:
    """The consumer group of the workers."""
    return f"{settings.group}-v{settings.app_version}"


def learner_group(settings: Settings) -> str:
    """The consumer group of the learner."""
    return f"{worker_group(settings)}-learner"


def group_seen(admin: AdminClient, name: str, topic: str) -> Group:
    """A group and its partitions of a topic. Raises KafkaException; a group that never was has no members."""
    found = answered(admin.describe_consumer_groups([name], request_timeout=ANSWERS_WITHIN_S)[name], ANSWERS_WITHIN_S)
    places = [place for member in found.members for place in member.assignment.topic_partitions]
    return Group(name, len(found.members), frozenset(place.partition for place in places if place.topic == topic))


def waiting_records(settings: Settings, group: str, topics: Sequence[str]) -> int | None:
    """Records that the group has not committed yet; None when it never committed anything. Raises KafkaException.

    Asked as a member that never joins: the admin client's own call has crashed while a coordinator was loading.
    """
    places = [TopicPartition(topic, number) for topic in topics for number in range(settings.partitions)]
    consumer = Consumer({**librdkafka_config(settings), "group.id": group, "enable.auto.commit": False})
    try:
        taken = consumer.committed(places, timeout=ANSWERS_WITHIN_S)
        if all(place.offset < 0 for place in taken):
            return None
        left = 0
        for place in taken:
            low, high = consumer.get_watermark_offsets(place, timeout=ANSWERS_WITHIN_S)
            left += max(0, high - max(place.offset, low))
        return left
    finally:
        consumer.close()
