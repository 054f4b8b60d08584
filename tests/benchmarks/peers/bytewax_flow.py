"""Bytewax: a dataflow keyed by partition, a stateful step that takes what has arrived, snapshots each second."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage, KafkaSourceMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.outputs import Routed
from benchmarks.peers.fold import Fold, Record, Stopwatch, from_command_line
from streams.settings import Settings

EPOCH = timedelta(seconds=1)


class Folding(StatefulBatchLogic):  # type: ignore[misc] # Bytewax is not installed here
    """One partition; its snapshot is its packed records."""

    def __init__(self, settings: Settings, stopwatch: Stopwatch, kept: dict[bytes, bytes] | None) -> None:
        self._records = kept or {}
        self._fold = Fold(settings, lambda _number: self._records)
        self._stopwatch = stopwatch

    def on_batch(self, values: list[KafkaSourceMessage]) -> tuple[Iterable[Routed], bool]:
        """Fold what has arrived."""
        self._stopwatch.taking(len(values))
        records = [Record(m.topic, m.offset, m.key, m.value) for m in values]
        return self._fold.take(values[0].partition, records).outputs, False

    def snapshot(self) -> dict[bytes, bytes]:
        """The records as they are now."""
        return dict(self._records)


def _message(keyed: tuple[str, Routed]) -> KafkaSinkMessage[bytes | None, bytes | None]:
    _, routed = keyed
    return KafkaSinkMessage(routed.key, routed.value, topic=routed.topic)


def main() -> None:
    """Run to the end of all topics."""
    settings, stopwatch = from_command_line()
    brokers, topics = [settings.bootstrap], list(Fold(settings).topics.events)
    flow = Dataflow("churn")
    events = kop.input("events", flow, brokers=brokers, topics=topics, tail=False)
    keyed = op.key_on("by_partition", events.oks, lambda message: str(message.partition))
    folded = op.stateful_batch("fold", keyed, lambda kept: Folding(settings, stopwatch, kept))
    messages = op.map("to_kafka", folded, _message)
    kop.output("outputs", messages, brokers=brokers, topic=None, add_config={"partitioner": "murmur2_random"})
    snapshots = Path(sys.argv[2]).with_suffix(".snapshots")
    snapshots.mkdir()
    init_db_dir(snapshots, 1)
    cli_main(flow, epoch_interval=EPOCH, recovery_config=RecoveryConfig(str(snapshots)))
    stopwatch.stop()


if __name__ == "__main__":
    main()
