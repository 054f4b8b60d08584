"""Writes state to the changelog, and knows the one thing about its records that a restore needs: the epoch.

A record's value begins with the epoch of the worker that wrote it (`schemas.epoch`). A tombstone carries it in the
header `g`. The highest epoch wins; among equals the later record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.epoch import EPOCH_BYTES, FORMAT, epoch_of, payload_of
from streams.transport.producer import Outputs

EPOCH_HEADER: Final = "g"
NO_EPOCH: Final = bytes(EPOCH_BYTES)


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
        epoch = epoch_of(value)
        if epoch > current:
            self._epochs[partition] = epoch
        elif epoch < current:
            value = value[: len(FORMAT)] + current + payload_of(value)
        self._outputs.send(self.topic, partition, key, value)

    def begin(self, partition: int, epoch: bytes) -> None:
        """A partition was restored and `epoch` is the highest seen in it."""
        self._epochs[partition] = epoch

    def epoch(self, partition: int) -> bytes:
        """The highest epoch seen in or written to a partition."""
        return self._epochs.get(partition, NO_EPOCH)
