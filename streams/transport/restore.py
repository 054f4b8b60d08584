"""Reads changelog partitions from their beginning, keeping the newest record of each key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Message

from schemas.epoch import epoch_of
from streams.kafka.log_reader import headers_of, reader
from streams.memory import give_back
from streams.transport.changelog import NO_EPOCH, epoch_of_tombstone


@dataclass(slots=True)
class Restored:
    """The newest records of one partition, the epochs of its tombstones, and where its changelog ended.

    `beaten`: keys whose last record in the log lost to an earlier one of a higher epoch; they should be written again.
    """

    records: dict[bytes, bytes] = field(default_factory=dict)
    tombstones: dict[bytes, bytes] = field(default_factory=dict)
    beaten: set[bytes] = field(default_factory=set)
    end: int = 0

    def highest_epoch(self) -> bytes:
        """The highest epoch seen; a record that lost has a lower one than the record it lost to."""
        ours = max((epoch_of(value) for value in self.records.values()), default=NO_EPOCH)
        return max(ours, max(self.tombstones.values(), default=NO_EPOCH))

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a record unless one of a higher epoch is known."""
        epoch = epoch_of(value)
        known = self.records.get(key)
        if known is None:
            if self.tombstones and epoch < self.tombstones.get(key, NO_EPOCH):
                self.beaten.add(key)
                return
        elif epoch < epoch_of(known):
            self.beaten.add(key)
            return
        self.records[key] = value
        if self.beaten:
            self.beaten.discard(key)

    def delete(self, key: bytes, epoch: bytes) -> None:
        """Drop a key unless its record or an earlier tombstone is of a higher epoch."""
        known = self.records.get(key)
        if known is not None and epoch < epoch_of(known):
            self.beaten.add(key)
            return
        self.beaten.discard(key)
        self.records.pop(key, None)
        self.tombstones[key] = max(epoch, self.tombstones.get(key, NO_EPOCH))


def restore(
    connection: Mapping[str, object],
    topic: str,
    partitions: Iterable[int],
    *,
    stop: threading.Event,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[int, Restored]:
    """Read the partitions of a changelog to their present end. Blocks: call it in a thread.

    Raises RestoreStoppedError once `stop` is set, KafkaException for what does not pass by itself.
    """
    restored = {partition: Restored() for partition in partitions}

    def take(message: Message) -> None:
        target, key, value = restored[int(message.partition() or 0)], message.key() or b"", message.value()
        if value is None:
            target.delete(key, epoch_of_tombstone(headers_of(message)))
        elif target.tombstones or key in target.records:
            target.put(key, value)
        else:  # the common case
            target.records[key] = value

    # 0 and not OFFSET_BEGINNING: looking that up costs half a second; where 0 is gone the reset finds the first.
    places = {(topic, partition): 0 for partition in restored}
    with reader(connection, stop=stop, on_progress=on_progress) as source:
        ends = source.read(places, take)
    for (_, partition), end in ends.items():
        restored[partition].end = end
    give_back()  # what the client had fetched ahead
    return restored
