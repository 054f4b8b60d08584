"""The compacted topic of open alerts, kept right: a paused worker that wakes up must not leave there what is over.

Compaction keeps the last record of a key, whoever wrote it. Each record carries the epoch of its writer; when an older
epoch's lies behind a newer one's, the newer one's is written again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from confluent_kafka import Message

from streams.kafka.log_reader import reader
from streams.transport.snapshots.sender import epoch_in


class Lying(NamedTuple):
    """A record on the topic: the alert's last revision, None once it is over."""

    epoch: int
    value: bytes | None


@dataclass(slots=True)
class OpenAlerts:
    """What lies on one partition, by alert id, up to `end`.

    `best`: of the highest epoch, among equals the later; `values`: the best of those that say that it is open.
    `newest`: the highest epoch that was seen; once a lower one lies behind it, `is_doubtful`.
    """

    last: dict[bytes, Lying] = field(default_factory=dict)
    best: dict[bytes, Lying] = field(default_factory=dict)
    values: dict[bytes, Lying] = field(default_factory=dict)
    end: int = 0
    newest: int = 0
    is_doubtful: bool = False

    def add(self, key: bytes, lying: Lying) -> None:
        """Take one record, in the order of the log."""
        self.is_doubtful = self.is_doubtful or lying.epoch < self.newest
        self.newest = max(self.newest, lying.epoch)
        self.last[key] = lying
        for found in (self.best, self.values) if lying.value is not None else (self.best,):
            known = found.get(key)
            if known is None or lying.epoch >= known.epoch:
                found[key] = lying

    def corrections(self, is_open: Callable[[str], bool]) -> dict[bytes, bytes | None]:
        """What to write so that the topic says what is so. `is_open`: whether an alert is, by its id.

        An alert that is over and was told by nobody of a newer epoch gets its tombstone.
        """
        wrong: dict[bytes, bytes | None] = {}
        for key, lying in self.last.items():
            best, value = self.best[key], self.values.get(key)
            if not is_open(key.decode(errors="replace")):
                if lying.value is not None:
                    wrong[key] = None
            elif lying.value is None and value is not None:
                wrong[key] = value.value
            elif lying.epoch < best.epoch and lying.value != best.value:
                wrong[key] = best.value
        return wrong


def read_open(
    connection: Mapping[str, object],
    topic: str,
    starts: Mapping[int, int],
    *,
    newest: Mapping[int, int] | None = None,
    stop: threading.Event,
) -> dict[int, OpenAlerts]:
    """Read partitions of the topic from some offsets to their present end; `newest`: the epochs known before.

    Blocks. Raises what `LogReader.read` raises.
    """
    found = {partition: OpenAlerts(newest=(newest or {}).get(partition, 0)) for partition in starts}

    def take(message: Message) -> None:
        lying = Lying(epoch_in(message) or 0, message.value())
        found[int(message.partition() or 0)].add(message.key() or b"", lying)

    if starts:
        with reader(connection, stop=stop) as source:
            ends = source.read({(topic, partition): first for partition, first in starts.items()}, take)
        for (_, partition), end in ends.items():
            found[partition].end = end
    return found
