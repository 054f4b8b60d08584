"""Writes to the log and waits until the broker has it: chunks must be there before what names them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaException, Message, Producer

from streams.kafka.log_reader import RestoreStoppedError, headers_of
from streams.transport.errors import DeliveryError
from streams.transport.producer import DELIVERY_SETTINGS

Headers = list[tuple[str, str | bytes | None]]

Writes = Sequence[tuple[bytes, bytes | None]]
"""Keys and values, None to delete."""

EPOCH_HEADER: Final = "g"
"""Says under which epoch a record was written whose key and value do not: a tombstone, or an output."""


class Sender:
    """A producer of its own, apart from that of the outputs, for threads that may wait."""

    def __init__(self, connection: Mapping[str, object], topic: str) -> None:
        self.topic = topic
        self._producer = Producer({**connection, **DELIVERY_SETTINGS})

    def send(self, writes: Mapping[int, Writes], *, epoch: int = 0, stop: threading.Event) -> dict[int, list[int]]:
        """Write to some partitions, in order within each, and wait; returns the offsets. `epoch`: for tombstones.

        Raises DeliveryError when a record was refused or never acknowledged, RestoreStoppedError once told to stop.
        """
        sending = _Sending()
        wanted = 0
        for partition, records in writes.items():
            for key, value in records:
                headers: Headers | None = [epoch_header(epoch)] if value is None else None
                self._produce(partition, key, value, headers, sending)
                wanted += 1
        while len(sending.placed) + len(sending.failures) < wanted:
            if stop.is_set():
                raise RestoreStoppedError
            self._producer.poll(0.05)
        if sending.failures:
            raise DeliveryError(self.topic, sending.failures[0])
        offsets: dict[int, list[int]] = {partition: [] for partition in writes}
        for partition, offset in sending.placed:
            offsets[partition].append(offset)
        return {partition: sorted(found) for partition, found in offsets.items()}

    def _produce(
        self, partition: int, key: bytes, value: bytes | None, headers: Headers | None, sending: _Sending
    ) -> None:
        while True:
            try:
                self._producer.produce(self.topic, value, key, partition, sending.delivered, headers=headers)
            except BufferError:
                self._producer.poll(0.05)
            except KafkaException as error:
                raise DeliveryError(self.topic, str(error)) from error
            else:
                return


class _Sending:
    """What the broker answered. Lists, as they may be appended to by whichever thread hears the answer."""

    __slots__ = ("failures", "placed")

    def __init__(self) -> None:
        self.placed: list[tuple[int, int]] = []
        self.failures: list[str] = []

    def delivered(self, error: Any, message: Message) -> None:
        if error is None:
            self.placed.append((int(message.partition() or 0), int(message.offset() or 0)))
        else:
            self.failures.append(str(error))


def epoch_header(epoch: int) -> tuple[str, bytes]:
    """The header that says it."""
    return EPOCH_HEADER, b"%d" % epoch


def epoch_in(message: Message) -> int | None:
    """What a record's header says; None where it has none, as one that somebody wrote by hand."""
    return next((int(value) for name, value in headers_of(message) if name == EPOCH_HEADER), None)
