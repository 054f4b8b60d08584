"""The engine without Kafka, in order of time, in a process of its own: its cost, and the truth about the alerts.

  python -m benchmarks.engine_alone LOAD ALERTS [SNAPSHOTS]     (partitions and catalogue in CHURN_*)

Reads a load, writes the alerts (a line each), prints the figures as JSON. SNAPSHOTS: the partitions as of the midnight
behind the load, to make many customers of.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import process_time
from typing import IO, Final

import msgspec
from msgspec import Struct

from benchmarks.load import DAY_MS, DAYS, START_MS, read_load
from benchmarks.measuring import resident_bytes
from benchmarks.outputs import encoded
from benchmarks.timed import TimedPartition
from models.engine.replay import Replay
from models.engine.review import Message
from models.engine.snapshot import freeze
from schemas.alert import AlertV1
from schemas.codec import decode_event
from streams.files.catalogue_file import load_rules
from streams.memory import uncollected
from streams.settings import Settings, environment_settings

END_MS: Final = START_MS + DAYS * DAY_MS
"""The midnight behind the last event of any load."""

NOW_MS: Final = END_MS + 2 * DAY_MS
"""After whatever is posted."""

DRAINED: Final = 20_000
"""Events after which outputs are written: frames of some thousands in each partition."""


class EngineRun(Struct, frozen=True):
    """What one pass over the load cost, in CPU seconds of one thread by part.

    `observe_s` includes sharing the events out to frames, `encode_s` writing them to a file. `judged`: customers, each
    once a midnight; `midnights`: of partitions.
    """

    events: int
    customers: int
    partitions: int
    decode_s: float
    observe_s: float
    close_s: float
    judge_s: float
    encode_s: float
    judged: int
    midnights: int
    outputs: int
    revisions: int
    column_bytes: int
    """Of the columns, `Partition.nbytes`."""
    resident_bytes: int
    """Growth of the process."""

    @property
    def event_us(self) -> float:
        """CPU an event, all in."""
        whole = self.decode_s + self.observe_s + self.close_s + self.judge_s + self.encode_s
        return whole / self.events * 1e6

    @property
    def between_us(self) -> float:
        """CPU an event without midnights and what they decide: decoded and observed."""
        return (self.decode_s + self.observe_s) / self.events * 1e6

    @property
    def judged_us(self) -> float:
        """CPU a customer at a midnight, without encoding."""
        return (self.close_s + self.judge_s) / max(1, self.judged) * 1e6

    @property
    def midnight_ms(self) -> float:
        """CPU a midnight of one partition, without encoding."""
        return (self.close_s + self.judge_s) / max(1, self.midnights) * 1e3

    @property
    def output_us(self) -> float:
        """CPU to encode an output and write it."""
        return self.encode_s / max(1, self.outputs) * 1e6


class EventsAlone(Replay):
    """A replay in which each partition knows its own events alone: who is raced against it is told no ends."""

    def _share_clocks(self) -> None:
        """Nothing is shared."""


class Pass:
    """One pass over a load; the clocks are read between batches, so that they cost nothing."""

    def __init__(self, settings: Settings, alerts: IO[bytes], others: IO[bytes]) -> None:
        rules = load_rules(settings)
        self.replay = EventsAlone(rules, settings.partitions)
        self.timed = [TimedPartition(rules, number) for number in range(settings.partitions)]
        self.replay.partitions = list(self.timed)
        self._alerts, self._others = alerts, others
        self._decode_s = self._take_s = self._encode_s = 0.0
        self._events = self._outputs = self._revisions = 0

    def run(self, load: Path) -> EngineRun:
        """Take all of it."""
        before = resident_bytes(os.getpid())
        for batch in read_load(load, DRAINED):
            self._take(batch)
        grown = resident_bytes(os.getpid()) - before
        reviews = [partition.midnight for partition in self.timed]
        close_s, judge_s = sum(one.close_s for one in reviews), sum(one.judge_s for one in reviews)
        return EngineRun(
            events=self._events,
            customers=sum(partition.customers.size for partition in self.timed),
            partitions=len(self.timed),
            decode_s=self._decode_s,
            observe_s=self._take_s - close_s - judge_s,
            close_s=close_s,
            judge_s=judge_s,
            encode_s=self._encode_s,
            judged=sum(partition.judged for partition in self.timed),
            midnights=sum(one.midnights for one in reviews),
            outputs=self._outputs,
            revisions=self._revisions,
            column_bytes=sum(partition.nbytes for partition in self.timed),
            resident_bytes=grown,
        )

    def _take(self, batch: list[tuple[int, bytes, bytes]]) -> None:
        begun = process_time()
        events = [decode_event(feed, key, value, (), NOW_MS) for feed, key, value in batch]
        decoded = process_time()
        for event in events:
            self.replay.take(event)
        messages = self.replay.drain()
        taken = process_time()
        self._write(messages)
        self._encode_s += process_time() - taken
        self._take_s += taken - decoded
        self._decode_s += decoded - begun
        self._events += len(batch)

    def _write(self, messages: list[Message]) -> None:
        for message in messages:
            is_alert = isinstance(message, AlertV1)
            (self._alerts if is_alert else self._others).write(encoded(message) + b"\n")
            self._revisions += is_alert
        self._outputs += len(messages)

    def snapshots(self) -> list[bytes]:
        """The partitions once the midnight behind the load has passed: no day of theirs is open."""
        self.replay.until(END_MS + self.replay.rules.basis.disorder_ms)
        return [freeze(partition).to_bytes() for partition in self.timed]


def run(load: Path, settings: Settings, alerts: Path, snapshots: Path | None = None) -> EngineRun:
    """One pass over the load, written to files."""
    with alerts.open("wb") as file, Path(os.devnull).open("wb") as others:
        one = Pass(settings, file, others)
        figures = one.run(load)
    if snapshots is not None:
        snapshots.write_bytes(msgspec.msgpack.encode(one.snapshots()))
    return figures


def main() -> int:
    """Run once; see the module."""
    with uncollected():  # as a worker while it takes a frame
        figures = run(Path(sys.argv[1]), environment_settings(), *map(Path, sys.argv[2:]))
    print(msgspec.json.encode(figures).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
