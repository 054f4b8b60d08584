"""Offsets as brokers tell them: where partitions begin and end, and how far a group has come. All of it blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from streams.kafka.connection import Config, answered
from streams.kafka.log_reader import Place

ANSWERS_WITHIN_S: Final = 30.0


def earliest_offsets(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """The first offsets that are still there. Raises KafkaException."""
    return _offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call] # published without types


def latest_offsets(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """Where partitions end now: the offsets that come next. Raises KafkaException."""
    return _offsets(admin, places, OffsetSpec.latest())  # type: ignore[no-untyped-call] # published without types


def newest_times(admin: AdminClient, places: Iterable[Place], within_s: float = ANSWERS_WITHIN_S) -> dict[Place, int]:
    """The greatest timestamp (epoch ms) of each partition that holds any record. Raises KafkaException."""
    newest = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call] # published without types
    times = {place: one.timestamp for place, one in _listed(admin, places, newest, within_s)}
    return {place: time_ms for place, time_ms in times.items() if time_ms >= 0}


def _offsets(admin: AdminClient, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
    return {place: int(one.offset) for place, one in _listed(admin, places, spec, ANSWERS_WITHIN_S)}


def _listed(
    admin: AdminClient, places: Iterable[Place], spec: OffsetSpec, within_s: float
) -> Iterator[tuple[Place, ListOffsetsResultInfo]]:
    wanted = {TopicPartition(topic, number): spec for topic, number in places}
    asked = admin.list_offsets(wanted, request_timeout=within_s) if wanted else {}
    for at, future in asked.items():
        yield (at.topic, at.partition), answered(future, within_s)


def committed_offsets(connection: Config, group: str, places: Sequence[Place]) -> dict[Place, int]:
    """What a group has committed, where it has. Raises KafkaException.

    By a consumer that never joins: the admin client's own call crashes Python while a coordinator is loading.
    """
    consumer = Consumer({**connection, "group.id": group, "enable.auto.commit": False})
    try:
        found = consumer.committed([TopicPartition(*place) for place in places], timeout=ANSWERS_WITHIN_S)
    finally:
        consumer.close()
    return {(tp.topic, tp.partition): tp.offset for tp in found if tp.offset >= 0}
