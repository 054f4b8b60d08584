"""Everything the worker writes goes through one librdkafka producer: `send` never waits, `flush` says what arrived."""

from __future__ import annotations

import asyncio
import logging
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
    "delivery.report.only.error": True,
    "message.max.bytes": 8_000_000,  # a customer of tens of thousands of events a week; topics.py allows the same
    "topic.metadata.propagation.max.ms": 10_000,  # how long a topic may be unknown before that is an error
}
"""How outputs are delivered, whatever the connection settings."""


log = logging.getLogger(__name__)


class Outputs:
    """Sends records. A delivery that fails ends the worker before any offset behind it is committed."""

    def __init__(self, connection: Mapping[str, object]) -> None:
        """`connection`: librdkafka settings that say where the broker is and how to log in."""
        self._producer = confluent_kafka.Producer(
            {**connection, **DELIVERY_SETTINGS, "on_delivery": self._delivered, "logger": log}
        )
        self.failure: DeliveryError | None = None

    def send(
        self,
        topic: str,
        partition: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> None:
        """Queue a record; without a partition the key decides. Waits only while the queue is full."""
        target = -1 if partition is None else partition
        while True:
            try:
                self._producer.produce(topic, value, key, target, headers=None if headers is None else list(headers))
            except BufferError:
                self._producer.poll(0.05)
            except confluent_kafka.KafkaException as error:
                raise DeliveryError(topic, str(error)) from error
            else:
                return

    def __len__(self) -> int:
        """Records queued or in flight."""
        return len(self._producer)

    def poll(self) -> None:
        """Let delivery reports be heard; returns at once."""
        self._producer.poll(0)

    def flush(self, timeout_s: float) -> int:
        """Wait until everything sent is acknowledged; returns how many records are not.

        Blocks: call it in a thread. Raises DeliveryError when any delivery failed, now or before.
        """
        left = int(self._producer.flush(timeout_s))
        if self.failure is not None:
            raise self.failure
        return left

    def _delivered(self, error: Any, message: Any) -> None:
        if error is not None and self.failure is None:
            self.failure = DeliveryError(str(message.topic()), str(error))


async def flushed(outputs: Outputs, timeout_s: float) -> bool:
    """Whether everything sent so far is acknowledged within the time."""
    return await asyncio.to_thread(outputs.flush, timeout_s) == 0
