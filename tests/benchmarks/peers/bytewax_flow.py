"""Bytewax: a dataflow keyed by partition, a stateful step that takes what has arrived, snapshots by epoch."""

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

from benchmarks.outputs import SNAPSHOT_S, Routed
from benchmarks.peers.fold import Fold, Record, Stopwatch, from_command_line
from streams.settings import Settings

EPOCH = timedelta(seconds=SNAPSHOT_S)


class Folding(StatefulBatchLogic):  # type: ignore[misc] # Bytewax is not installed here
    """One partition. Its number is known with its first record, so that a snapshot holds it."""

    def __init__(self, settings: Settings, stopwatch: Stopwatch, kept: tuple[int, bytes] | None) -> None:
        self._fold, self._stopwatch = Fold(settings), stopwatch
        self._number = -1
        if kept is not None:
            self._number, snapshot = kept
            self._fold.restore(self._number, snapshot)

    def on_batch(self, values: list[KafkaSourceMessage]) -> tuple[Iterable[Routed], bool]:
        """Fold what has arrived."""
        self._stopwatch.taking(len(values))
        records = [Record(m.topic, m.offset, m.key, m.value) for m in values]
        self._number = values[0].partition
        return self._fold.take(self._number, records), False

    def snapshot(self) -> tuple[int, bytes]:
        """The partition as it is now."""
        return self._number, self._fold.snapshot(self._number)


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
