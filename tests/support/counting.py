"""Posts events, runs counting workers as processes, and reads back what they counted."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.topics import Topics
from streams.transport.restore import Restored, restore
from support.broker import Broker, create_topics
from support.counting_worker import FORMAT, PARTITION_KEY
from support.program import ROOT, Process, start
from support.waiting import wait_until

START_MS: Final = 1_700_000_000_000
WEIGHTS: Final = (1.0, 6.0, 0.2, 2.0)
"""How busy the four feeds are: a backlog of unequal topics is the hard case for an aligner."""


@dataclass
class Scene:
    """Topics of one test, what was posted to them, and workers that count."""

    broker: Broker
    prefix: str
    folder: Path
    partitions: int = 4
    truth: Counter[bytes] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.topics = Topics(self.prefix)
        names = (*self.topics.inputs, self.topics.alerts)
        # The events are years old: any retention would delete them while the test runs.
        create_topics(self.broker, dict.fromkeys(names, self.partitions), {"retention.ms": "-1"})
        self.begin_anew(self.topics.changelog)
        self._random = random.Random(7)
        self._clock_ms = START_MS
        self._workers = 0
        self.producer = Producer(
            {
                "bootstrap.servers": self.broker.bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 20,
                "enable.idempotence": True,
            }
        )

    def begin_anew(self, changelog: str) -> None:
        """Use another changelog, still empty, from here on."""
        create_topics(self.broker, {changelog: self.partitions}, {"retention.ms": "-1"})
        self.changelog = changelog

    def post(self, count: int, *, customers: int = 2_000, flush_s: float = 30) -> None:
        """Post events 10 ms apart, each up to five seconds out of order; ties are frequent."""
        for number in range(count):
            key = b"c%d" % self._random.randrange(customers)
            feed = self._random.choices(range(4), WEIGHTS)[0]
            self._clock_ms += 10
            at_ms = self._clock_ms + self._random.randrange(0, 5_000, 50)
            self.producer.produce(self.topics.event(feed), b"x" * 150, key, timestamp=at_ms)
            self.truth[key] += 1
            if number % 1_000 == 0:
                self.producer.poll(0)
        if flush_s:
            self.producer.flush(flush_s)

    @property
    def posted(self) -> int:
        return sum(self.truth.values())

    @contextmanager
    def worker(self, **options: Any) -> Iterator[Process]:
        """A counting worker, killed when the block ends if it still runs."""
        process = self.start(**options)
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)

    def start(self, **options: Any) -> Process:
        settings: dict[str, Any] = {"bootstrap": self.broker.bootstrap, "prefix": self.prefix, "group": self.prefix}
        settings |= {"partitions": self.partitions, "commit_interval_s": 0.2, "changelog": self.changelog} | options
        self._workers += 1
        with (self.folder / f"worker-{self._workers}.log").open("wb") as log:
            command = [sys.executable, str(ROOT / "tests/support/counting_worker.py"), json.dumps(settings)]
            path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'deploy'}"}
            return start(command, {**os.environ, **path}, log, log)

    def log(self) -> str:
        """What the worker started last has logged."""
        return (self.folder / f"worker-{self._workers}.log").read_text(errors="replace")

    def restored(self) -> dict[int, Restored]:
        """The state as a worker would restore it now."""
        connection = {"bootstrap.servers": self.broker.bootstrap}
        return restore(connection, self.changelog, range(self.partitions), stop=threading.Event())

    def last_writes(self, partition: int) -> dict[bytes, bytes | None]:
        """Of each key what stands last in a changelog partition, whoever wrote it: what compaction would keep."""
        return dict(self._read([TopicPartition(self.changelog, partition, 0)]))

    def logged(self) -> Counter[bytes]:
        """Events in the log, by key."""
        places = [TopicPartition(topic, p, 0) for topic in self.topics.events for p in range(self.partitions)]
        return Counter(key for key, _ in self._read(places))

    def _read(self, places: list[TopicPartition]) -> Iterator[tuple[bytes, bytes | None]]:
        settings = {"bootstrap.servers": self.broker.bootstrap, "group.id": "look", "enable.partition.eof": True}
        consumer = Consumer(settings)
        left = len(places)
        try:
            consumer.assign(places)
            while left:
                for message in consumer.consume(10_000, 0.5):
                    if message.error() is None:
                        yield message.key() or b"", message.value()
                    else:
                        left -= 1
        finally:
            consumer.close()

    def counts(self) -> dict[bytes, int]:
        """Events counted by key."""
        return {
            key: FORMAT.unpack(value)[2]
            for found in self.restored().values()
            for key, value in found.records.items()
            if key != PARTITION_KEY
        }

    def chains(self) -> dict[int, int]:
        """Of each partition the checksum over the order in which its records were taken."""
        return {p: FORMAT.unpack(found.records[PARTITION_KEY])[3] for p, found in self.restored().items()}

    def total(self) -> int:
        return sum(self.counts().values())

    def epochs(self) -> dict[int, int]:
        return {p: int.from_bytes(found.highest_epoch(), "big") for p, found in self.restored().items()}

    def wait_for(self, count: int, *, within_s: float = 60) -> None:
        """Wait until at least so many events are counted. All is read once at the end, not again at each look."""

        def told() -> str:
            return f"{self.total()} of {count} events counted"

        with self._marks() as marked:
            wait_until(lambda: marked() >= count, within_s, told)
        wait_until(lambda: self.total() >= count, within_s, told)  # a mark may stand before what it speaks of

    @contextmanager
    def _marks(self) -> Iterator[Callable[[], int]]:
        """How many events the partitions' own records speak of: each look reads on where the last one ended."""
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": "look"})
        consumer.assign([TopicPartition(self.changelog, p, 0) for p in range(self.partitions)])
        marks: dict[int, tuple[int, int]] = {}

        def marked() -> int:
            for message in consumer.consume(10_000, 0.1):
                partition, value = message.partition(), message.value()
                if message.error() is None and message.key() == PARTITION_KEY and partition is not None and value:
                    _, epoch, count, *_ = FORMAT.unpack(value)
                    marks[partition] = max(marks.get(partition, (0, 0)), (epoch, count))
            return sum(count for _, count in marks.values())

        try:
            yield marked
        finally:
            consumer.close()

    def wrong(self) -> Mapping[bytes, tuple[int, int]]:
        """Keys counted wrongly: (posted, counted)."""
        counted = self.counts()
        keys = self.truth.keys() | counted.keys()
        return {k: (self.truth[k], counted.get(k, 0)) for k in keys if self.truth[k] != counted.get(k, 0)}
