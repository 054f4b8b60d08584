"""What the programs of all peers share: the engine as they call it, and the clock that they stop themselves.

  python -m benchmarks.peers.PEER EVENTS FIGURES     (settings as the worker's, in CHURN_*)

Each runs in an environment of its own, reads the four event topics, and folds them in a `Partition` for each partition
of Kafka: everybody in it is judged at each midnight, which a state by customer alone cannot do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from time import monotonic, process_time
from typing import NamedTuple

import msgspec

from benchmarks.engine_alone import NOW_MS
from benchmarks.measuring import SystemRun, resident_bytes
from benchmarks.outputs import SNAPSHOT_S, Routed, routed
from models.engine.arrivals import Arrival
from models.engine.partition import Partition
from models.engine.snapshot import freeze, load
from schemas.codec import decode_event
from schemas.event import Event
from schemas.topics import Topics
from streams.files.catalogue_file import load_rules
from streams.settings import Settings, environment_settings


class Record(NamedTuple):
    """One record as a peer hands it over."""

    topic: str
    offset: int
    key: bytes
    value: bytes


class Fold:
    """The engine for all partitions that this process reads."""

    def __init__(self, settings: Settings) -> None:
        self.topics = Topics(settings.prefix)
        self._feeds = {topic: feed for feed, topic in enumerate(self.topics.events)}
        self._rules = load_rules(settings)
        self._partitions: dict[int, Partition] = {}
        self._snapshot_at: dict[int, float] = {}

    def take(self, number: int, records: Iterable[Record]) -> list[Routed]:
        """Decode and fold records of one partition, as many as the peer has at hand; what is to be produced."""
        feeds = self._feeds
        return self.take_events(
            number,
            ((decode_event(feeds[topic], key, value, (), NOW_MS), offset) for topic, offset, key, value in records),
        )

    def take_events(self, number: int, events: Iterable[tuple[Event, int]]) -> list[Routed]:
        """Fold events, with their offsets, of one partition."""
        partition = self._partition(number)
        partition.observe([Arrival(event.feed, offset, event) for event, offset in events])
        return [record for message in partition.drain() for record in routed(self.topics, number, message)]

    def snapshot(self, number: int) -> bytes:
        """A partition as it stands."""
        return freeze(self._partition(number)).to_bytes()

    def is_due(self, number: int) -> bool:
        """Whether it is time for the next snapshot of a partition; asked once for each."""
        now = monotonic()
        if now - self._snapshot_at.setdefault(number, now) < SNAPSHOT_S:
            return False
        self._snapshot_at[number] = now
        return True

    def restore(self, number: int, snapshot: bytes) -> None:
        """Go on from a snapshot."""
        self._partitions[number] = load(snapshot, self._rules, number=number, limit_dead_letters=False)

    def _partition(self, number: int) -> Partition:
        found = self._partitions.get(number)
        if found is None:
            found = self._partitions[number] = Partition(self._rules, number=number, limit_dead_letters=False)
        return found


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
