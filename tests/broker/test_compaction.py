"""Snapshots in a changelog that a real broker has compacted: two generations are left, and both can be read."""

from __future__ import annotations

import os

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.transport.snapshots.records import Passed, from_key
from support.broker import Broker, create_topics
from support.snapshots import SnapshotOwner
from support.waiting import wait_until

COMPACTED_AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "200",
    "min.cleanable.dirty.ratio": "0.001",
    "delete.retention.ms": "0",
}
"""What the changelog is after days, here after a second."""


def raw_keys(owner: SnapshotOwner) -> list[bytes]:
    """The keys of all records that lie in the partition, deleted or not."""
    consumer = Consumer({**owner.connection, "group.id": "look", "enable.partition.eof": True})
    consumer.assign([TopicPartition(owner.sender.topic, 0, 0)])
    keys: list[bytes] = []
    while True:
        for message in consumer.consume(1_000, 0.5):
            if message.error() is not None:
                consumer.close()
                return keys
            keys.append(message.key() or b"")


@pytest.mark.slow
def test_older_generations_are_really_gone_after_compaction(broker: Broker, prefix: str) -> None:
    topic = f"{prefix}.changelog"
    create_topics(broker, {topic: 1}, COMPACTED_AT_ONCE)
    owner = SnapshotOwner(broker.bootstrap, topic, "a")
    owner.take_over()
    for number in range(4):
        owner.write(os.urandom(100_000), boundary=20_000 + number)
        owner.begun([Passed(20_001 + number, "m", {"in": number})])
    kept = {b"claim/1", b"begun/1", b"manifest/1/3", b"1/3/0", b"manifest/1/4", b"1/4/0"}
    left: set[bytes] = set()

    def is_compacted() -> bool:
        owner.put(b"rolls the segment", b"x")
        left.clear()
        left.update(key for key in raw_keys(owner) if from_key(key))
        return left == kept

    wait_until(is_compacted, 60, lambda: f"left: {sorted(left)}")
    newest = owner.load()
    assert newest.manifest is not None
    assert newest.manifest.generation == 4
    assert [one.boundary for one in newest.begun] == [20_004]
    owner.put(b"1/4/0", b"????damaged")
    older = owner.load()
    assert older.manifest is not None
    assert older.manifest.generation == 3, "the one before is whole, compacted or not"
    assert [one.boundary for one in older.begun] == [20_003, 20_004], "and what began since it is still told"
