"""Everything the worker writes goes through one librdkafka producer: `send` never waits, a mark says what arrived."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import confluent_kafka

from streams.transport.errors import DeliveryError

FLUSH_TIMEOUT_S: Final = 20.0
"""How long a commit waits for acknowledgements before it is postponed: longer than a broker usually restarts."""

BACKLOG_RECORDS: Final = 100_000
"""Records in flight above which no further frame is taken, about 1 s of a fast worker."""

DELIVERY_SETTINGS: Final[Mapping[str, object]] = {
    "acks": "all",
    "enable.idempotence": True,  # keeps the order over retries
    "message.timeout.ms": 120_000,
    "partitioner": "murmur2_random",  # as Java and aiokafka; the default of librdkafka differs
    "linger.ms": 5,
    "batch.size": 262_144,
    "queue.buffering.max.messages": 1_000_000,
    "queue.buffering.max.kbytes": 524_288,
    "message.max.bytes": 8_000_000,  # a customer of tens of thousands of events a week; topics.py allows the same
    "topic.metadata.propagation.max.ms": 10_000,  # how long a topic may be unknown before that is an error
}
"""How outputs are delivered, whatever the connection settings."""

LOOK_EVERY_S: Final = 0.005
"""How often one who waits for acknowledgements looks for them: each look is some microseconds of the event loop."""


HOLD_AFTER_S: Final = 0.2
"""How long one waits for acknowledgements before what is sent meanwhile is held back.

An idempotent producer has five requests under way, each for one partition, and does not serve partitions in turn: with
half a second to the broker and 16 partitions, one of them waited 5 s while the others were served again and again.
"""


Headers = list[tuple[str, str | bytes | None]]

Queued = tuple[str, int, bytes | None, bytes | None, Headers | None, int]
"""Topic, partition, key, value, headers and timestamp of a record that is held back."""


class _Stretch:
    """What was sent between two marks: how many records, and how many of them were acknowledged."""

    __slots__ = ("_outputs", "acknowledged", "sent")

    def __init__(self, outputs: Outputs) -> None:
        self.sent = self.acknowledged = 0
        self._outputs = outputs

    def delivered(self, error: Any, message: Any) -> None:
        """The broker has answered for one record, or never will."""
        self.acknowledged += 1
        if error is not None and self._outputs.failure is None:
            self._outputs.failure = DeliveryError(str(message.topic()), str(error))


class Outputs:
    """Sends records. A delivery that fails ends the worker before any offset behind it is committed.

    Used by one thread only, that of the worker's event loop: acknowledgements are counted where they are heard.
    """

    def __init__(self, connection: Mapping[str, object]) -> None:
        """`connection`: librdkafka settings that say where the broker is and how to log in."""
        self._producer = confluent_kafka.Producer({**connection, **DELIVERY_SETTINGS})
        self.failure: DeliveryError | None = None
        self._first = 0
        """The number of the oldest stretch in `_open`."""
        self._open: deque[_Stretch] = deque()
        self._held: list[Queued] | None = None
        self._begin_stretch()

    def _begin_stretch(self) -> None:
        self._stretch = _Stretch(self)
        self._on_delivery = self._stretch.delivered
        self._open.append(self._stretch)

    def send(
        self,
        topic: str,
        partition: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Queue a record; without a partition the key decides. Waits only while the queue is full.

        `timestamp_ms`: of the record, 0 for now.
        """
        target = -1 if partition is None else partition
        given: Headers | None = None if headers is None else [*headers]
        if self._held is None:
            self._produce((topic, target, key, value, given, timestamp_ms))
        else:
            self._held.append((topic, target, key, value, given, timestamp_ms))

    def _produce(self, queued: Queued) -> None:
        topic, partition, key, value, headers, timestamp_ms = queued
        while True:
            try:
                self._producer.produce(
                    topic, value, key, partition, self._on_delivery, headers=headers, timestamp=timestamp_ms
                )
            except BufferError:
                self._producer.poll(0.05)
            except confluent_kafka.KafkaException as error:
                raise DeliveryError(topic, str(error)) from error
            else:
                self._stretch.sent += 1
                return

    def __len__(self) -> int:
        """Records queued or in flight."""
        return len(self._producer) + len(self._held or ())

    def poll(self) -> None:
        """Let delivery reports be heard; returns at once."""
        self._producer.poll(0)

    def mark(self) -> int:
        """Everything sent up to now; what is sent later does not count. For `has_arrived`."""
        self.release()
        if self._stretch.sent:
            self._begin_stretch()
        return self._first + len(self._open) - 1

    def has_arrived(self, mark: int) -> bool:
        """Whether everything sent up to a mark is acknowledged. Raises DeliveryError when any delivery failed."""
        self.poll()
        if self.failure is not None:
            raise self.failure
        while len(self._open) > 1 and self._open[0].acknowledged == self._open[0].sent:
            self._open.popleft()
            self._first += 1
        return self._first >= mark

    def hold(self) -> None:
        """Keep what is sent from now on until `release`, so that what was sent before is not crowded out."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Send what was held back, in its order."""
        held, self._held = self._held, None
        for queued in held or ():
            self._produce(queued)


async def flushed(outputs: Outputs, timeout_s: float) -> bool:
    """Whether everything sent before the call is acknowledged within the time, whatever is sent meanwhile."""
    mark, began = outputs.mark(), time.monotonic()
    try:
        while not outputs.has_arrived(mark):
            waited_s = time.monotonic() - began
            if waited_s > timeout_s:
                return False
            if waited_s > HOLD_AFTER_S:
                outputs.hold()
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        outputs.release()
    return True
