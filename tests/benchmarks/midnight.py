"""A midnight of many customers without Kafka, in a process of its own: its cost, and the longest step of it.

  python -m benchmarks.midnight FOLDER     (partitions and catalogue in CHURN_*)

FOLDER holds a snapshot of each partition. A day of events is taken in, then the clock passes midnight: as in a worker,
everybody is judged some at a time, and what is decided is encoded before the next step. Prints the figures as JSON.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from benchmarks.days import day_of_events
from benchmarks.engine_alone import NOW_MS
from benchmarks.measuring import resident_bytes
from benchmarks.outputs import encoded
from models.engine.arrivals import Arrival
from models.engine.partition import Partition
from models.engine.population import population_of
from models.engine.snapshot import freeze, load
from schemas.codec import decode_event
from schemas.event import FEEDS
from streams.files.catalogue_file import load_rules
from streams.memory import uncollected
from streams.settings import Settings, environment_settings

T = TypeVar("T")
Part = Literal["close", "step", "count", "copy"]

REVIEWS_A_FRAME: Final = 60_000
"""As `streams.agents.customers`, which brings Faust and its memory with it."""


class Longest(Struct):
    """By the clock, in milliseconds, with what is encoded: each holds up the events of a worker as long."""

    close: float
    """The first step, which closes the day."""
    step: float
    """Another one."""
    count: float
    """Counting for the metrics."""
    copy: float
    """Copying for the snapshot."""

    @property
    def most(self) -> float:
        """The longest of all."""
        return max(self.close, self.step, self.count, self.copy)


class MidnightRun(Struct, frozen=True):
    """CPU of the midnight in all partitions."""

    customers: int
    events: int
    judge_s: float
    encode_s: float
    keep_s: float
    """Copying, and packing the copy as bytes, which a worker does in a thread."""
    outputs: int
    longest_ms: Longest
    resident_bytes: int
    peak_bytes: int

    @property
    def cpu_s(self) -> float:
        """Judged and encoded."""
        return self.judge_s + self.encode_s


class Midnight:
    """All partitions of a company."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        rules = load_rules(settings)
        self._partitions = [
            load(snapshot_of(folder, number).read_bytes(), rules, number=number)
            for number in range(settings.partitions)
        ]
        self._events = 0
        self._judge_s = self._encode_s = self._keep_s = 0.0
        self._outputs = 0
        self._longest = Longest(0.0, 0.0, 0.0, 0.0)

    def run(self) -> MidnightRun:
        """A day, then the midnight behind it."""
        for partition in self._partitions:
            self._day(partition)
        resident = resident_bytes(os.getpid())
        for partition in self._partitions:
            self._pass(partition)
        return MidnightRun(
            customers=sum(partition.customers.size for partition in self._partitions),
            events=self._events,
            judge_s=self._judge_s,
            encode_s=self._encode_s,
            keep_s=self._keep_s,
            outputs=self._outputs,
            longest_ms=self._longest,
            resident_bytes=resident,
            peak_bytes=resident_bytes(os.getpid(), "VmHWM"),
        )

    def _day(self, partition: Partition) -> None:
        events = day_of_events(partition.customers.roster.ids)
        offsets = [0] * len(FEEDS)
        frame = []
        for one in events:
            frame.append(Arrival(one.feed, offsets[one.feed], decode_event(one.feed, one.key, one.value, (), NOW_MS)))
            offsets[one.feed] += 1
        partition.observe(frame)
        partition.drain()
        self._events += len(events)

    def _pass(self, partition: Partition) -> None:
        calendar, basis = partition.basis.calendar, partition.basis
        partition.spreads = True
        partition.lift(calendar.start_of(partition.boundary + 1) + basis.disorder_ms, range(len(FEEDS)))
        self._time("close", lambda: self._step(partition))
        while partition.is_behind:
            self._time("step", lambda: self._step(partition))
        self._time("count", lambda: population_of(partition))
        begun = process_time()
        frozen = self._time("copy", lambda: freeze(partition))
        frozen.to_bytes()
        self._keep_s += process_time() - begun

    def _step(self, partition: Partition) -> None:
        begun = process_time()
        partition.go_on(REVIEWS_A_FRAME)
        messages = partition.drain()
        judged = process_time()
        for message in messages:
            encoded(message)
        self._judge_s += judged - begun
        self._encode_s += process_time() - judged
        self._outputs += len(messages)

    def _time(self, name: Part, do: Callable[[], T]) -> T:
        begun = perf_counter()
        found = do()
        took_ms = (perf_counter() - begun) * 1e3
        setattr(self._longest, name, max(getattr(self._longest, name), took_ms))
        return found


def snapshot_of(folder: Path, partition: int) -> Path:
    """Where the snapshot of a partition is."""
    return folder / f"partition-{partition}"


def main() -> int:
    """Run once; see the module."""
    with uncollected():
        figures = Midnight(environment_settings(), Path(sys.argv[1])).run()
    print(msgspec.json.encode(figures).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
