"""A worker with the smallest owner there is: it counts the events of each key. Run as a program by the broker tests.

Usage: python counting_worker.py '{"bootstrap": …, "prefix": …, …}' [fetch bytes]
"""

from __future__ import annotations

import json
import logging
import struct
import sys
import time
import zlib
from collections.abc import Sequence

from schemas.topics import Topics
from streams.kafka.connection import librdkafka_config
from streams.settings import Settings
from streams.transport.app import FETCH_BYTES, build_app
from streams.transport.changelog import Changelog
from streams.transport.errors import StopWorkerError
from streams.transport.producer import Outputs
from streams.transport.record_state import RecordState
from streams.transport.records import Record
from streams.transport.run import run_worker

INPUTS = len(Topics().inputs)
FORMAT = struct.Struct(f">BIQI{INPUTS}q")
"""Format byte, epoch, events counted, checksum over the order of (topic, offset), last offset of each topic."""
NOTHING = (1, 0, 0, 0, *[-1] * INPUTS)
"""What is known of a key before the first record."""

PARTITION_KEY = b"\0partition"
STOP_VALUE = b"stop with 3"


class CountingOwner:
    """Counts; a redelivered record is recognised by its offset. May echo each event to a topic, or be slow."""

    def __init__(self, topics: Topics, outputs: Outputs, changelog: Changelog) -> None:
        self._index = {topic: index for index, topic in enumerate(topics.inputs)}
        self._outputs, self._changelog = outputs, changelog
        self._records: dict[int, dict[bytes, bytes]] = {}
        self._epoch: dict[int, int] = {}
        self.echo_topic: str | None = None
        self.pause_s = 0.0

    def restored(self, partition: int, records: dict[bytes, bytes]) -> None:
        marker = records.get(PARTITION_KEY)
        self._records[partition] = records
        self._epoch[partition] = 1 + (FORMAT.unpack(marker)[1] if marker else 0)
        self._count(partition, PARTITION_KEY, None)

    async def take(self, partition: int, sequence: int, records: Sequence[Record]) -> None:  # noqa: ARG002 - the port's
        if any(record.value == STOP_VALUE for record in records):
            raise StopWorkerError("as told", 3)
        time.sleep(len(records) * self.pause_s)  # noqa: ASYNC251 - one that is busy holds the loop up
        for record in records:
            self._count(partition, PARTITION_KEY, record)
            if record.key is not None:
                self._count(partition, record.key, record)
                if self.echo_topic is not None:
                    self._outputs.send(self.echo_topic, None, record.key, record.value)
        touched = {record.key for record in records if record.key is not None} | {PARTITION_KEY}
        for key in touched:
            self._changelog.write(partition, key, self._records[partition][key])

    def committed(self, partition: int, sequence: int) -> None:
        pass

    def is_behind(self, partition: int) -> bool:  # noqa: ARG002 - the port's
        return False

    def revoked(self, partition: int) -> None:
        del self._records[partition]

    def rewrite(self, partition: int, key: bytes) -> None:
        self._changelog.write(partition, key, self._records[partition].get(key))

    def _count(self, partition: int, key: bytes, record: Record | None) -> None:
        own = self._records[partition]
        old = own.get(key)
        _, _, count, chain, *last = FORMAT.unpack(old) if old else NOTHING
        if record is not None:
            index = self._index[record.topic]
            if record.offset <= last[index]:
                return
            last[index] = record.offset
            chain = zlib.crc32(b"%d %d" % (index, record.offset), chain)
            count += 1
        own[key] = FORMAT.pack(1, self._epoch[partition], count, chain, *last)
        if record is None:
            self._changelog.write(partition, key, own[key])


def main() -> int:
    """Run until a signal."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    options = json.loads(sys.argv[1])
    fetch_bytes = int(options.pop("fetch_bytes", FETCH_BYTES))
    echo = options.pop("echo", None)
    name = options.pop("changelog", None)
    pause_s = float(options.pop("pause_s", 0))
    settings = Settings(**options)
    topics = Topics(settings.prefix)
    outputs = Outputs(librdkafka_config(settings))
    changelog = Changelog(outputs, name or topics.changelog)
    owner = CountingOwner(topics, outputs, changelog)
    owner.pause_s = pause_s
    owner.echo_topic = f"{settings.prefix}.{echo}" if echo else None
    state = RecordState(changelog, owner)
    return run_worker(build_app(settings, owner, outputs=outputs, state=state, fetch_bytes=fetch_bytes))


if __name__ == "__main__":
    raise SystemExit(main())
