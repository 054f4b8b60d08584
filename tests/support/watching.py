"""Follows what workers write, to know how far they are and what exactly a kill interrupted."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message

from streams.transport.snapshots.records import Manifest, from_key, from_value
from support.sliced_worker import SLOT, slots_file
from support.workers import Deployment, Positions, follower

CATCH_UP_WITHIN_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a kill interrupts, of the partitions looked at."""

    redelivered: int
    """Events that were committed and are in no snapshot: they will be read again."""
    waiting: tuple[int, ...]
    """Partitions with a customer who waits for a review as of a boundary that was passed, others' being done."""

    @property
    def is_mid_boundary(self) -> bool:
        """Whether the reviews of a boundary are under way."""
        return bool(self.waiting)


class Watch:
    """A reader of the changelog, of committed offsets and of the workers' notes, that keeps up on request."""

    def __init__(self, deployment: Deployment) -> None:
        self._topics = deployment.topics
        self._positions = Positions(deployment)
        self._slots = slots_file(deployment.prefix)
        self._partitions = range(deployment.partitions)
        self._consumer = follower(deployment, [self._topics.changelog])
        self._read: dict[tuple[str, int], int] = defaultdict(int)
        self._saved: dict[int, Manifest] = {}
        self._committed: dict[tuple[str, int], int] = {}

    def close(self) -> None:
        self._consumer.close()
        self._slots.unlink(missing_ok=True)

    def catch_up(self) -> None:
        """Read to the present end."""
        self._committed = self._positions.committed()
        ends = self._positions.ends([self._topics.changelog])
        deadline = time.monotonic() + CATCH_UP_WITHIN_S
        while any(self._read[place] < end for place, end in ends.items()):
            assert time.monotonic() < deadline, "the changelog cannot be read"
            for message in self._consumer.consume(5_000, 0.01):
                assert message.error() is None, message.error()
                self._take(message)

    @property
    def taken(self) -> int:
        """Events that are committed."""
        return sum(self._committed.values())

    @property
    def has_begun(self) -> bool:
        """Whether a worker has noted anything yet: long before the first commit."""
        return self._slots.exists() and self._slots.stat().st_size > 0

    @property
    def is_any_mid_boundary(self) -> bool:
        """Whether the reviews of a boundary are under way anywhere; cheap."""
        return bool(self._waiting())

    def evidence(self, partitions: set[int]) -> Evidence:
        """What a kill of the owner of these partitions would interrupt; call `catch_up` before."""
        again = 0
        for number in partitions:
            saved = self._saved.get(number)
            for topic in self._topics.events:
                first = 0 if saved is None else saved.sources.get(topic, 0)
                again += max(0, self._committed.get((topic, number), 0) - first)
        return Evidence(again, tuple(number for number in self._waiting() if number in partitions))

    def _waiting(self) -> list[int]:
        notes = self._slots.read_bytes() if self._slots.exists() else b""
        found = []
        for number in self._partitions:
            slot = notes[number * SLOT.size : (number + 1) * SLOT.size]
            if len(slot) == SLOT.size and all(count > 0 for count in SLOT.unpack(slot)[1:]):
                found.append(number)
        return found

    def _take(self, message: Message) -> None:
        topic, partition = str(message.topic()), int(message.partition() or 0)
        self._read[topic, partition] = int(message.offset() or 0) + 1
        key, value = from_key(message.key() or b""), message.value()
        if key is not None and key.kind == "manifest" and value is not None:
            self._saved[partition] = from_value(Manifest, value)
