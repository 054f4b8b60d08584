"""Faust as its documentation shows it: a Record for the events, JSON by default, a table, one event at a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import faust
import msgspec
from faust.types import StreamT

from benchmarks.peers.faust_table import RAW, end, keep
from benchmarks.peers.fold import Fold, from_command_line
from schemas.codec import new_event
from schemas.event import DATA_OF, FEEDS
from schemas.instant import from_rfc3339


class Incoming(faust.Record):
    """An event as it is on the topics."""

    id: str
    type: str
    customer_id: str
    event_time: str
    schema_version: int
    source: str
    data: dict[str, Any]


settings, stopwatch = from_command_line()
app = faust.App(
    f"{settings.prefix}-faust",
    broker=f"kafka://{settings.bootstrap}",
    topic_partitions=settings.partitions,
    datadir=Path(sys.argv[2]).with_suffix(".data"),
)
table = app.Table("snapshots", schema=RAW)
fold = Fold(settings)
events_topic = app.topic(*fold.topics.events, key_type=str, value_type=Incoming)


@app.agent(events_topic)
async def take(stream: StreamT[Incoming]) -> None:
    """Fold each event, send what came of it."""
    async for event in stream.events():
        stopwatch.taking(1)
        incoming, message = event.value, event.message
        assert isinstance(incoming, Incoming)
        feed = FEEDS.index(incoming.type)
        data = msgspec.convert(incoming.data, DATA_OF[feed])
        time_ms = from_rfc3339(incoming.event_time)
        known = new_event(feed, incoming.customer_id, time_ms, data, source=incoming.source, id=incoming.id)
        for topic, partition, key, value in fold.take_events(message.partition, [(known, message.offset)]):
            await app.send(topic, key, value, partition, key_serializer="raw", value_serializer="raw")
        keep(table, fold, message.partition)
        if stopwatch.is_over:
            app.add_future(end(app, stopwatch))


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "-l", "info", "--without-web"]
    app.main()
