"""Who works in the consumer groups of this deployment, and how far they are, as the brokers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.connection import Config, answered, librdkafka_config
from streams.kafka.look import ends
from streams.kafka.positions import committed_offsets
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


def dispatcher_group(settings: Settings) -> str:
    """The consumer group of the dispatcher."""
    return f"{worker_group(settings)}-dispatcher"


def group_seen(admin: AdminClient, name: str, topic: str) -> Group:
    """A group and its partitions of a topic. Raises KafkaException; a group that never was has no members."""
    found = answered(admin.describe_consumer_groups([name], request_timeout=ANSWERS_WITHIN_S)[name], ANSWERS_WITHIN_S)
    places = [place for member in found.members for place in member.assignment.topic_partitions]
    return Group(name, len(found.members), frozenset(place.partition for place in places if place.topic == topic))


def earlier_groups(connection: Config, group: str) -> list[str]:
    """The groups of lower versions of the application that the broker knows. Blocks. Raises KafkaException.

    A group is called `<name>-v<version>`; see CHURN_APP_VERSION.
    """
    stem, _, version = group.rpartition("-v")
    if int(version) == 1:
        return []
    admin = AdminClient(connection)
    known = answered(admin.list_consumer_groups(request_timeout=ANSWERS_WITHIN_S), ANSWERS_WITHIN_S).valid or ()
    lower = {f"{stem}-v{number}" for number in range(1, int(version))}
    return sorted(lower.intersection(one.group_id for one in known))


def waiting_records(settings: Settings, group: str, topics: Sequence[str]) -> int | None:
    """Records that the group has not committed yet; None when it never committed anything. Raises KafkaException."""
    places = [(topic, number) for topic in topics for number in range(settings.partitions)]
    taken = committed_offsets(librdkafka_config(settings), group, places)
    if not taken:
        return None
    there = ends(settings, [TopicPartition(*place) for place in places])
    return sum(max(0, high - max(taken.get(place, 0), low)) for place, (low, high) in zip(places, there, strict=True))
