"""Pathway: the four topics as one table, grouped by partition, folded by a stateful reducer; outputs go to a producer.

It reads in commits of its connector (1.5 s); a batch is put into the order of Kafka's timestamps first. The partitions
live in the process; nothing is kept over a restart.
"""

from __future__ import annotations

import os
from typing import Any

import msgspec
import pathway as pw
from confluent_kafka import Producer

from benchmarks.outputs import Routed
from benchmarks.peers.fold import Fold, Record, from_command_line
from streams.settings import Settings
from streams.transport.producer import DELIVERY_SETTINGS


def _placed(settings: Settings, fold: Fold) -> Any:
    """The four topics as one table: key, value, and where each record stands."""
    connection = {
        "bootstrap.servers": settings.bootstrap,
        "group.id": f"{settings.prefix}-pathway",
        "auto.offset.reset": "earliest",
    }
    feeds = [pw.io.kafka.read(connection, name, format="raw", with_metadata=True) for name in fold.topics.events]
    events = pw.Table.concat_reindex(*feeds)
    return events.select(
        pw.this.key,
        pw.this.data,
        topic=pw.this._metadata["topic"].as_str(),
        partition=pw.this._metadata["partition"].as_int(),
        offset=pw.this._metadata["offset"].as_int(),
        at_ms=pw.this._metadata["timestamp_millis"].as_int(),
    )


def main() -> None:
    """Run until all events are folded and their outputs are acknowledged."""
    settings, stopwatch = from_command_line()
    fold = Fold(settings)
    producer = Producer({"bootstrap.servers": settings.bootstrap, **DELIVERY_SETTINGS})
    placed = _placed(settings, fold)

    @pw.reducers.stateful_many  # type: ignore[untyped-decorator] # Pathway is not installed here
    def folded(_state: bytes | None, rows: list[tuple[list[Any], int]]) -> bytes:
        stopwatch.taking(len(rows))
        ordered = sorted((row for row, _ in rows), key=lambda row: (row[4], row[3]))
        number = ordered[0][2]
        outputs = fold.take(number, [Record(topic, offset, key, value) for key, topic, _, offset, _, value in ordered])
        return msgspec.msgpack.encode((len(rows), outputs))

    this = pw.this
    outputs = placed.groupby(this.partition).reduce(
        packed=folded(this.key, this.topic, this.partition, this.offset, this.at_ms, this.data)
    )

    sent = 0

    def send(key: object, row: dict[str, bytes], time: int, is_addition: bool) -> None:  # noqa: FBT001 - theirs
        nonlocal sent
        if is_addition:
            events, routed = msgspec.msgpack.decode(row["packed"], type=tuple[int, list[Routed]])
            sent += events
            for topic, partition, name, value in routed:
                producer.produce(topic, value, name, partition)

    def ended(time: int) -> None:
        if sent >= stopwatch.events:  # folding is ahead of this
            producer.flush()
            stopwatch.stop()
            os._exit(0)  # a streaming run has no other end

    pw.io.subscribe(outputs, on_change=send, on_time_end=ended)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main()
