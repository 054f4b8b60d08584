"""Writes state to the changelog, and knows the one thing about its records that a restore needs: the epoch.

A record's value begins with a format byte and the epoch of the worker that wrote it, four bytes, big-endian. A
tombstone carries the epoch in the header `g`. The highest epoch wins; among equals the later record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streams.transport.producer import Outputs

EPOCH_HEADER: Final = "g"
NO_EPOCH: Final = bytes(4)


def epoch_of(value: bytes) -> bytes:
    """The epoch in a record's value.

    >>> epoch_of(bytes([1, 0, 0, 0, 7]) + b"state")[-1]
    7
    """
    return value[1:5]


def epoch_of_tombstone(headers: Iterable[tuple[str, bytes]] | None) -> bytes:
    """The epoch of a tombstone; without one it counts as the first: anything may replace it."""
    return next((value for name, value in headers or () if name == EPOCH_HEADER), NO_EPOCH)


class Changelog:
    """One record per key, on the partition of the customer."""

    def __init__(self, outputs: Outputs, topic: str) -> None:
        self.topic = topic
        self._outputs = outputs
        self._epochs: dict[int, bytes] = {}

    def write(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Queue a key's new record, None to delete it (a tombstone of the partition's current epoch).

        A record of a higher epoch than any before raises the partition's epoch. One of a lower epoch, restored and put
        again as it was, is written with the partition's: it is ours now.
        """
        current = self.epoch(partition)
        if value is None:
            self._outputs.send(self.topic, partition, key, None, [(EPOCH_HEADER, current)])
            return
        epoch = value[1:5]
        if epoch > current:
            self._epochs[partition] = epoch
        elif epoch < current:
            value = value[:1] + current + value[5:]
        self._outputs.send(self.topic, partition, key, value)

    def begin(self, partition: int, epoch: bytes) -> None:
        """A partition was restored and `epoch` is the highest seen in it."""
        self._epochs[partition] = epoch

    def epoch(self, partition: int) -> bytes:
        """The highest epoch seen in or written to a partition."""
        return self._epochs.get(partition, NO_EPOCH)
