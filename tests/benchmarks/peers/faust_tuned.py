"""Faust tuned within its model, one event at a time: raw bytes, uvloop, a lingering producer, larger buffers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import faust
from faust.types import StreamT

from benchmarks.peers.faust_table import RAW, end, keep
from benchmarks.peers.fold import Fold, Record, from_command_line

BUFFERED: Final = 10_000
"""Messages that may wait for the producer; with the usual hundred every few events wait for a flush."""

settings, stopwatch = from_command_line()
app = faust.App(
    f"{settings.prefix}-faust",
    broker=f"kafka://{settings.bootstrap}",
    topic_partitions=settings.partitions,
    datadir=Path(sys.argv[2]).with_suffix(".data"),
    producer_linger=0.02,
    producer_max_batch_size=262_144,
    stream_buffer_maxsize=16_384,
    stream_wait_empty=False,
)
table = app.Table("snapshots", schema=RAW)
fold = Fold(settings)
events_topic = app.topic(
    *fold.topics.events, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)


@app.agent(events_topic)
async def take(stream: StreamT[bytes]) -> None:
    """Fold each event, send what came of it."""
    app.producer.buffer.max_messages = BUFFERED
    async for event in stream.events():
        stopwatch.taking(1)
        message = event.message
        record = Record(message.topic, message.offset, message.key or b"", message.value or b"")
        for topic, partition, key, value in fold.take(message.partition, [record]):
            await app.send(topic, key, value, partition, key_serializer="raw", value_serializer="raw")
        keep(table, fold, message.partition)
        if stopwatch.is_over:
            app.add_future(end(app, stopwatch))


if __name__ == "__main__":
    sys.argv[1:] = ["--loop", "uvloop", "worker", "-l", "info", "--without-web"]
    app.main()
