"""Follows what workers write, to know how far they are and what exactly a kill interrupted."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message
from models.customer_record import decode_customer
from models.partition_record import PARTITION_KEY, State, decode_state, epoch_of

from models.calendar import DAY_MS
from schemas.alert import decode_alert
from schemas.event import FEEDS
from schemas.instant import from_rfc3339
from schemas.stage import decode_stage_change
from support.workers import Deployment, Positions, follower

CATCH_UP_WITHIN_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a kill interrupts, of the partitions looked at."""

    redelivered: int
    """Events in the changelog whose offsets are not committed: they will come again."""
    torn: tuple[int, ...]
    """Partitions with a customer reviewed at a boundary that the partition's own record does not know."""
    told: tuple[int, ...]
    """Partitions with an output decided at such a boundary."""
    waiting: tuple[int, ...]
    """Partitions with a customer whose review as of a boundary that was passed is still to come, others' being done."""

    @property
    def is_mid_boundary(self) -> bool:
        """Whether the reviews of a boundary are under way: some of what they write is there, their end is not."""
        return bool(self.torn or self.told or self.waiting)


class _Partition:
    """What the changelog and the outputs say about one partition since its present owner claimed it."""

    def __init__(self) -> None:
        self.state = State()
        self.epoch = 0
        self.begin()

    def begin(self) -> None:
        """Only what is new from here on is the doing of the owner to come."""
        self.found = list(self.state.covered)
        self.reviewed = self.told_ms = -1
        self.folded = [-1] * len(FEEDS)
        self.due: dict[bytes, int] = {}

    @property
    def is_waiting(self) -> bool:
        is_begun = self.reviewed == self.state.boundary
        return is_begun and any(due <= self.state.boundary for due in self.due.values())

    @property
    def is_torn(self) -> bool:
        return self.reviewed > max(self.state.boundary, 0)  # 0: never reviewed

    @property
    def is_told(self) -> bool:
        return self.told_ms > max(self.state.boundary, 0) * DAY_MS

    def reached(self, feed: int) -> int:
        """The next offset of a feed the owner will take, 0 when it has done nothing new."""
        offset = max(self.folded[feed], self.state.covered[feed])
        return offset + 1 if offset > self.found[feed] else 0


class Watch:
    """A reader of the changelog, the alerts and the stages that keeps up on request."""

    def __init__(self, deployment: Deployment) -> None:
        self._topics = deployment.topics
        self._followed = (self._topics.changelog, self._topics.alerts, self._topics.stages)
        self._positions = Positions(deployment)
        self._consumer = follower(deployment, self._followed)
        self._read: dict[tuple[str, int], int] = defaultdict(int)
        self._known: set[bytes] = set()
        self._partitions = [_Partition() for _ in range(deployment.partitions)]

    def close(self) -> None:
        self._consumer.close()

    def catch_up(self) -> None:
        """Read to the present end."""
        ends = {place: end for place, end in self._positions.ends(self._followed).items() if end > self._read[place]}
        deadline = time.monotonic() + CATCH_UP_WITHIN_S
        while any(self._read[place] < end for place, end in ends.items()):
            assert time.monotonic() < deadline, "the changelog cannot be read"
            for message in self._consumer.consume(5_000, 0.01):
                assert message.error() is None, message.error()
                self._take(message)

    @property
    def taken(self) -> int:
        """Offsets of the event topics that partition records cover."""
        return sum(covered + 1 for p in self._partitions for covered in p.state.covered[: len(FEEDS)])

    @property
    def is_any_mid_boundary(self) -> bool:
        """Whether the reviews of a boundary are under way anywhere; cheap."""
        return any(found.is_torn or found.is_told or found.is_waiting for found in self._partitions)

    def begin(self, partitions: set[int]) -> None:
        """The owner of these partitions is dead: what it did is no evidence against its successor."""
        for number in partitions:
            self._partitions[number].begin()

    def evidence(self, partitions: set[int]) -> Evidence:
        """What a kill of the owner of these partitions would interrupt; call `catch_up` before."""
        committed = self._positions.committed()
        again = 0
        torn, told, waiting = [], [], []
        for number in sorted(partitions):
            found = self._partitions[number]
            for feed, topic in enumerate(self._topics.events):
                again += max(0, found.reached(feed) - committed[topic, number])
            if found.is_torn:
                torn.append(number)
            if found.is_told:
                told.append(number)
            if found.is_waiting:
                waiting.append(number)
        return Evidence(again, tuple(torn), tuple(told), tuple(waiting))

    def _take(self, message: Message) -> None:
        topic, partition = str(message.topic()), int(message.partition() or 0)
        self._read[topic, partition] = int(message.offset() or 0) + 1
        value = message.value()
        if value is None:
            return
        found = self._partitions[partition]
        if topic != self._topics.changelog:
            self._take_output(found, value, is_stage=topic == self._topics.stages)
        elif message.key() == PARTITION_KEY:
            found.state = decode_state(value)
            if epoch_of(value) > found.epoch:  # a new owner claims what it restored
                found.epoch = epoch_of(value)
                found.begin()
        else:
            customer = decode_customer(value)
            found.due[message.key() or b""] = customer.due
            found.reviewed = max(found.reviewed, customer.reviewed)
            found.folded = [max(pair) for pair in zip(found.folded, customer.offsets, strict=True)]

    def _take_output(self, found: _Partition, value: bytes, *, is_stage: bool) -> None:
        if value in self._known:  # sent again by a new owner
            return
        self._known.add(value)
        if is_stage:
            instant = from_rfc3339(decode_stage_change(value).at)
        else:
            alert = decode_alert(value)
            if alert.stage is None:  # announced on an open day, not decided at a boundary
                return
            instant = from_rfc3339(alert.ends_at or alert.observed_at)
        found.told_ms = max(found.told_ms, instant)
