"""Owners of partitions that write snapshots of nothing in particular, for tests of the log they lie in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.transport.snapshots.load import Loaded, load
from streams.transport.snapshots.log import SnapshotLog
from streams.transport.snapshots.ownership import Owned, take_over
from streams.transport.snapshots.records import Covered, Manifest, Passed
from streams.transport.snapshots.sender import Sender

NEVER = threading.Event()


def covered(boundary: int = 20_000, **more: Any) -> Covered:
    """What a snapshot stands for, as far as a test does not care."""
    values: dict[str, Any] = {"zone": "UTC", "catalogue": "c0ffee", "alerts_from_ms": 0, "sources": {"in": 7}}
    return Covered(boundary=boundary, **(values | more))


class SnapshotOwner:
    """One process as the log sees it."""

    def __init__(self, bootstrap: str, topic: str, name: str) -> None:
        self.name = name
        self.connection = {"bootstrap.servers": bootstrap}
        self.sender = Sender(self.connection, topic)
        self.log = SnapshotLog(self.connection, self.sender, name)

    def take_over(self, partitions: Iterable[int] = (0,)) -> dict[int, Owned]:
        owned = take_over(self.connection, self.sender, partitions, owner=self.name, stop=NEVER)
        for one in owned.values():
            self.log.begin(one)
        return owned

    def write(self, payload: bytes, partition: int = 0, boundary: int = 20_000, **more: Any) -> Manifest:
        return asyncio.run(self.log.write(partition, covered(boundary, **more), lambda: [payload]))

    def begun(self, passed: Sequence[Passed], partition: int = 0, models: Mapping[str, bytes] | None = None) -> None:
        asyncio.run(self.log.begun(partition, passed, models or {}))

    def put(self, key: bytes, value: bytes | None, partition: int = 0) -> None:
        """A record by nobody's rules."""
        self.sender.send({partition: [(key, value)]}, epoch=1, stop=NEVER)

    def load(self, partition: int = 0) -> Loaded:
        return load(self.connection, self.sender.topic, [partition], stop=NEVER)[partition]
