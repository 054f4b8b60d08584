"""Posts records for a command: nothing lost, nothing twice, and a word on what the brokers did not take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.errors import SetupError
from streams.kafka.connection import Config, librdkafka_config
from streams.settings import Settings

BY_KEY: Final = -1
"""librdkafka's number for a partition that follows from the key."""


class Poster:
    """A producer that remembers its first failure."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(_config(settings))
        self.failure: str | None = None

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int = BY_KEY,
        timestamp_ms: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Hand over one record, waiting while the queue is full. Raises SetupError when it can never be sent."""
        told: list[tuple[str, str | bytes | None]] = [*headers]
        while True:
            try:
                self._producer.produce(
                    topic, value, key, partition, self._delivered, timestamp=timestamp_ms, headers=told
                )
            except BufferError:  # the queue is full: let some of it go
                self.serve(0.1)
            except KafkaException as error:
                raise SetupError(f"topic {topic}", str(error), "Check its settings.") from error
            else:
                self.serve(0)
                return

    def serve(self, seconds: float) -> None:
        """Let deliveries be told for at most so long."""
        self._producer.poll(seconds)

    def finish(self, thing: str, *, within_s: float, remedy: str = "Look at the broker, then repeat.") -> None:
        """Return once all is acknowledged. Raises SetupError about `thing` when not all was taken in time."""
        left = self._producer.flush(within_s)
        if left or self.failure is not None:
            cause = self.failure or f"{left} records not acknowledged within {within_s:.0f} s"
            raise SetupError(thing, f"the broker did not take all records: {cause}", remedy)

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        if error is not None and self.failure is None:
            self.failure = error.str()


def _config(settings: Settings) -> Config:
    return {
        **librdkafka_config(settings),
        "partitioner": "murmur2_random",  # as Java does
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 20,
        "compression.type": "lz4",
        "log_level": 3,  # what fails is told by us; librdkafka's warnings (a coordinator still loading) only alarm
    }
