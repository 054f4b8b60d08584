"""The customers agent of one partition without a broker: what it would send is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.catalogue.rules import Rules
from models.engine.arrivals import Passed as Boundary
from schemas.codec import encode_event
from schemas.event import FEEDS, Event
from schemas.tick import Tick, encode_tick
from schemas.topics import Topics
from streams.agents.customers import Customers
from streams.agents.models import Shelf
from streams.agents.owned import OwnedPartition
from streams.settings import Settings
from streams.transport.producer import Outputs
from streams.transport.records import Record

TOPICS = Topics()


class SentRecord(NamedTuple):
    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Sent(Outputs):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.records: list[SentRecord] = []

    def send(
        self,
        topic: str,
        partition: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] | None = None,
        timestamp_ms: int = 0,  # noqa: ARG002 - the port's
    ) -> None:
        self.records.append(SentRecord(topic, partition, key, value, tuple(headers or ())))

    def on(self, topic: str) -> list[SentRecord]:
        return [record for record in self.records if record.topic == topic]


class Life:
    """One life of an agent that owns partition 0 of 1; `begun` are the boundaries it has written down."""

    def __init__(self, rules: Rules, *, now_ms: int, own: OwnedPartition | None = None) -> None:
        self.sent = Sent()
        self.shelf = Shelf(rules)
        self.agent = Customers(Settings(partitions=1), rules, self.sent, lambda: now_ms, self.shelf)
        self.begun: list[Boundary] = []
        self.agent.note_begun = self._note
        self.own = own or OwnedPartition(0, self.agent.new_partition(0), epoch=3)
        self.agent.adopt(self.own)

    async def _note(self, _partition: int, passed: Sequence[Boundary]) -> None:
        assert not self.sent.on(TOPICS.stages)[self._told :], "nothing of a boundary leaves before it is on record"
        self.begun += passed

    def take(self, records: Iterable[Record] = ()) -> None:
        self._told = len(self.sent.on(TOPICS.stages))
        asyncio.run(self.agent.take(0, 1, list(records)))

    def wait_for_all(self) -> None:
        """Frames without records for as long as anybody waits to be judged."""
        while self.agent.is_behind(0):
            self.take()


def record(event: Event, offset: int) -> Record:
    """The record of an event."""
    key, value = event.customer_id.encode(), encode_event(event)
    return Record(TOPICS.event(event.feed), key, value, offset, event.time_ms)


def tick(now_ms: int, offset: int) -> Record:
    """A tick for all feeds, however far they were read."""
    return Record(TOPICS.ticks, None, encode_tick(Tick(now_ms, dict.fromkeys(FEEDS, 0))), offset, now_ms)
