"""What both Faust programs share: a table as the store of the engine's packed records, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, MutableMapping

import faust
from faust.types import SchemaT, TableT
from models.partition_record import PARTITION_KEY

from benchmarks.peers.fold import Stopwatch

RAW: SchemaT[bytes, bytes] = faust.Schema(
    key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
"""The engine's records are bytes: Faust's own JSON would cost more and keep less."""


class Records(MutableMapping[bytes, bytes]):
    """One partition's part of a Faust table. The partition's own record needs its number: the table is one for all."""

    def __init__(self, table: TableT[bytes, bytes], number: int) -> None:
        self._table, self._own = table, PARTITION_KEY + str(number).encode()

    def _place(self, key: bytes) -> bytes:
        return self._own if key == PARTITION_KEY else key

    def __getitem__(self, key: bytes) -> bytes:
        return bytes(self._table[self._place(key)])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._table[self._place(key)] = value

    def __delitem__(self, key: bytes) -> None:
        del self._table[self._place(key)]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._place(key) in self._table

    def __iter__(self) -> Iterator[bytes]:
        """Nothing: a run begins with an empty table, and is never restored."""
        return iter(())

    def __len__(self) -> int:
        return 0


async def end(app: faust.App, stopwatch: Stopwatch) -> None:
    """Commit what was processed, wait for what was sent, stop the clock, then ask the worker to leave."""
    await asyncio.sleep(0.1)  # the last event is acknowledged after its turn of the agent
    await app.consumer.commit()
    await app.producer.flush()
    stopwatch.stop()
    os.kill(os.getpid(), signal.SIGTERM)
