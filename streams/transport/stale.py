"""Looks behind our own records in the changelog for a while: a paused worker may still write after we took over.

A restore is not fooled by such a record, its epoch is lower. But compaction keeps the last record of a key, whoever
wrote it; so the owner writes its record once more, behind the stale one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition

from schemas.epoch import epoch_of
from streams.transport.changelog import Changelog, epoch_of_tombstone

WATCH_FOR_S: Final = 300.0
"""How long after a restore: a worker that was paused notices after its session at the latest, and what it had queued is
given up after the message timeout (120 s). Well below `min.compaction.lag.ms` (600 s), so nothing is compacted yet."""

TAIL_SETTINGS: Final[Mapping[str, object]] = {
    "enable.auto.commit": False,
    "auto.offset.reset": "latest",
    "queued.max.messages.kbytes": 8_192,
}


@dataclass(slots=True)
class WatchedChangelog:
    """A partition being watched: the next offset to read, and until when (monotonic seconds)."""

    offset: int
    until: float


class StaleWatch(threading.Thread):
    """Tails the changelog of partitions restored a short while ago, in a thread of its own.

    `on_stale(partition, key)` is called in that thread for each record of a lower epoch than the partition's.
    """

    def __init__(
        self, connection: Mapping[str, object], changelog: Changelog, on_stale: Callable[[int, bytes], None]
    ) -> None:
        super().__init__(name="stale-watch", daemon=True)
        self._settings = {**connection, **TAIL_SETTINGS, "group.id": f"{changelog.topic}-tail"}
        self._changelog, self._on_stale = changelog, on_stale
        self._watched: dict[int, WatchedChangelog] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()

    def watch(self, owned: Iterable[int], restored: Mapping[int, int]) -> None:
        """From now on: what is owned, and of what was just restored the offset where its changelog ended.

        A changelog that was empty had no owner before, so there is nobody to watch for.
        """
        keep = frozenset(owned)
        until = time.monotonic() + WATCH_FOR_S
        with self._lock:
            self._watched = {p: w for p, w in self._watched.items() if p in keep and p not in restored}
            self._watched |= {p: WatchedChangelog(end, until) for p, end in restored.items() if end > 0}
        self._changed.set()

    def run(self) -> None:
        """For the life of the process; asleep while there is nothing to watch."""
        while True:
            self._changed.wait()
            consumer = Consumer(self._settings)
            try:
                while self._assign(consumer):
                    self._read(consumer)
            finally:
                consumer.close()

    def _assign(self, consumer: Any) -> bool:
        """Whether anything is left to watch. Assigns anew when that changed."""
        now = time.monotonic()
        with self._lock:
            over = [partition for partition, watched in self._watched.items() if watched.until < now]
            for partition in over:
                del self._watched[partition]
            if over or self._changed.is_set():
                topic = self._changelog.topic
                consumer.assign([TopicPartition(topic, p, watched.offset) for p, watched in self._watched.items()])
            self._changed.clear()
            return bool(self._watched)

    def _read(self, consumer: Any) -> None:
        for message in consumer.consume(5_000, 0.5):
            if message.error() is not None:
                continue  # librdkafka goes on by itself; a watch that misses something costs one compaction
            partition = message.partition()
            value = message.value()
            epoch = epoch_of_tombstone(message.headers()) if value is None else epoch_of(value)
            if epoch < self._changelog.epoch(partition):
                self._on_stale(partition, message.key())
            watched = self._watched.get(partition)
            if watched is not None:
                watched.offset = message.offset() + 1
