"""What the programs of all peers share: the engine as they call it, and the clock that they stop themselves.

  python -m benchmarks.peers.PEER EVENTS FIGURES     (settings as the worker's, in CHURN_*)

Each runs in an environment of its own, reads the four event topics, and folds them in a `Partition` for each partition
of Kafka: reviews follow the clock of a partition, which a state by customer alone cannot know.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, MutableMapping
from pathlib import Path
from time import monotonic, process_time
from typing import NamedTuple

import msgspec
from models.partition import Partition

from benchmarks.engine_alone import NOW_MS
from benchmarks.measuring import SystemRun, resident_bytes
from benchmarks.outputs import Routed, routed
from models.engine import Engine
from schemas.codec import decode_event
from schemas.event import Event
from schemas.topics import Topics
from streams.catalogue_file import load_rules
from streams.settings import Settings, environment_settings


class Record(NamedTuple):
    """One record as a peer hands it over."""

    topic: str
    offset: int
    key: bytes
    value: bytes


class Folded(NamedTuple):
    """What came of some records: to be produced, and packed records to be kept by key."""

    outputs: list[Routed]
    writes: dict[bytes, bytes]


class Fold:
    """The engine for all partitions that this process reads. `store`: where a partition keeps its packed records."""

    def __init__(self, settings: Settings, store: Callable[[int], MutableMapping[bytes, bytes]] | None = None) -> None:
        self.topics = Topics(settings.prefix)
        self._feeds = {topic: feed for feed, topic in enumerate(self.topics.events)}
        self._rules = load_rules(settings)
        self._store = store
        self._partitions: dict[int, Partition] = {}

    def take(self, number: int, records: Iterable[Record]) -> Folded:
        """Decode and fold records of one partition, as many as the peer has at hand."""
        events = (
            (decode_event(self._feeds[topic], key, value, (), NOW_MS), offset) for topic, offset, key, value in records
        )
        return self.take_events(number, events)

    def take_events(self, number: int, events: Iterable[tuple[Event, int]]) -> Folded:
        """Fold events, with their offsets, of one partition."""
        partition = self._partitions.get(number)
        if partition is None:
            records = {} if self._store is None else self._store(number)
            partition = Partition(Engine(self._rules), records, number=number, limit_dead_letters=False)
            self._partitions[number] = partition
        partition.begin(partition.state.sequence)
        for event, offset in events:
            partition.take_event(event, offset)
        batch = partition.finish()
        outputs = [record for output in batch.outputs for record in routed(self.topics, number, output)]
        return Folded(outputs, batch.writes)


class Stopwatch:
    """From the first event to the end that the program declares; counts CPU time of all threads of the process."""

    def __init__(self, events: int, figures: Path) -> None:
        self.events = events
        self._left, self._figures = events, figures
        self._started: tuple[float, float] | None = None

    @property
    def is_over(self) -> bool:
        """Whether all events were taken."""
        return self._left <= 0

    def taking(self, events: int) -> None:
        """Some events are about to be folded."""
        if self._started is None:
            self._started = monotonic(), process_time()
        self._left -= events

    def stop(self) -> None:
        """Write the figures: all is done, and committed where the peer commits."""
        assert self._started is not None and self.is_over, f"{self._left} events were not taken"  # noqa: PT018 - one state
        at, cpu_s = self._started
        pid = os.getpid()
        found = SystemRun(monotonic() - at, process_time() - cpu_s, resident_bytes(pid), resident_bytes(pid, "VmHWM"))
        self._figures.write_bytes(msgspec.json.encode(found))


def from_command_line() -> tuple[Settings, Stopwatch]:
    """What every peer is started with."""
    return environment_settings(), Stopwatch(int(sys.argv[1]), Path(sys.argv[2]))
