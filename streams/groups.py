"""Who works in the consumer groups of this deployment, and how far they are, as the brokers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams.kafka import answered
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


def waiting_records(admin: AdminClient, group: str, topics: Sequence[str], partitions: int) -> int | None:
    """Records that the group has not committed yet; None when it never committed anything. Raises KafkaException."""
    asked = ConsumerGroupTopicPartitions(group)
    committed = admin.list_consumer_group_offsets([asked], request_timeout=ANSWERS_WITHIN_S)[group]
    taken = {
        (place.topic, place.partition): place.offset
        for place in answered(committed, ANSWERS_WITHIN_S).topic_partitions or ()
        if place.offset >= 0
    }
    if not taken:
        return None
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # published without its type
    wanted = {TopicPartition(topic, number): latest for topic in topics for number in range(partitions)}
    ends = admin.list_offsets(wanted, request_timeout=ANSWERS_WITHIN_S)
    left = 0
    for place, future in ends.items():
        left += max(0, int(answered(future, ANSWERS_WITHIN_S).offset) - taken.get((place.topic, place.partition), 0))
    return left
