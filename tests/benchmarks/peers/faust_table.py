"""What both Faust programs share: a table that keeps snapshots of partitions, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal

import faust
from faust.types import SchemaT, TableT

from benchmarks.peers.fold import Fold, Stopwatch
from streams.transport.snapshots.chunks import pack

RAW: SchemaT[bytes, bytes] = faust.Schema(
    key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
"""Snapshots are bytes: Faust's own JSON would cost more and keep less."""


def keep(table: TableT[bytes, bytes], fold: Fold, number: int) -> None:
    """Put a snapshot of a partition into the table when one is due, in pieces small enough for its log."""
    if fold.is_due(number):
        for place, piece in enumerate(pack([fold.snapshot(number)]).pieces):
            table[b"%d/%d" % (number, place)] = piece


async def end(app: faust.App, stopwatch: Stopwatch) -> None:
    """Commit what was processed, wait for what was sent, stop the clock, then ask the worker to leave."""
    await asyncio.sleep(0.1)  # the last event is acknowledged after its turn of the agent
    await app.consumer.commit()
    await app.producer.flush()
    stopwatch.stop()
    os.kill(os.getpid(), signal.SIGTERM)
