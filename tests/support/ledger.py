"""Posts records of any kind and remembers where the broker put each: what the topics hold, independently told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from schemas.dead_letter import Headers
from schemas.event import Event
from support.builders import line
from support.workers import Deployment

FLUSH_WITHIN_S: Final = 60.0

Origin = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to post; `refused_for` is the reason with which it must be set aside, None for a good one."""

    feed: int
    key: bytes | None
    value: bytes | None
    at_ms: int
    headers: Headers
    refused_for: str | None = None
    partition: int | None = None
    """Where to put it whatever its key says."""


def draft(event: Event, *, partition: int | None = None, refused_for: str | None = None) -> Draft:
    """The record of an event, stamped with its time."""
    key = event.customer_id.encode()
    return Draft(event.feed, key, line(event), event.time_ms, [], refused_for, partition)


class Ledger:
    """What was posted, by where the broker put it."""

    def __init__(self, deployment: Deployment) -> None:
        self.posted: dict[Origin, Draft] = {}
        self._topics = deployment.topics.events
        self._failures: list[KafkaError] = []
        self._producer = Producer(
            {
                "bootstrap.servers": deployment.broker.bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
            }
        )

    def post(self, drafts: list[Draft]) -> None:
        """Post in the order given, and return when the broker has acknowledged all."""
        for number, one in enumerate(drafts):
            if number % 1_000 == 0:
                self._producer.poll(0)
            self._post(one)
        assert self._producer.flush(FLUSH_WITHIN_S) == 0, "the broker does not take the records"
        assert not self._failures, self._failures[0]

    @property
    def per_topic(self) -> dict[str, int]:
        """Distinct offsets by topic."""
        return dict(Counter(topic for topic, _, _ in self.posted))

    @property
    def refused(self) -> dict[Origin, Draft]:
        """What must be in the dead letters."""
        return {origin: one for origin, one in self.posted.items() if one.refused_for is not None}

    def _post(self, one: Draft) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failures.append(error)
                return
            origin = (str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))
            self.posted[origin] = replace(one, partition=origin[1])

        where = -1 if one.partition is None else one.partition
        headers: list[tuple[str, str | bytes | None]] = [*one.headers]
        self._producer.produce(
            self._topics[one.feed],
            one.value,
            one.key,
            where,
            headers=headers,
            timestamp=one.at_ms,
            on_delivery=delivered,
        )
