"""Snapshots in the changelog on a real broker: written, read back, interrupted, damaged, contested, swept, cut off."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.transport.errors import StopWorkerError
from streams.transport.snapshots.log import OwnershipLostError
from streams.transport.snapshots.origin import ask_beginnings, check_origin
from streams.transport.snapshots.ownership import take_over
from streams.transport.snapshots.records import Claim, Key, Passed, to_key, to_value
from support.broker import Broker, create_topics
from support.program import ROOT, environment
from support.snapshots import NEVER, SnapshotOwner, covered

DIES_BEFORE_THE_MANIFEST = """
import os, signal, sys
from streams.transport.snapshots.sender import Sender
from support.snapshots import SnapshotOwner
send = Sender.send
def dying(self, writes, **options):
    if any(key.startswith(b"manifest") for records in writes.values() for key, _ in records):
        os.kill(os.getpid(), signal.SIGKILL)
    return send(self, writes, **options)
owner = SnapshotOwner(sys.argv[1], sys.argv[2], "dies")
owner.take_over()
Sender.send = dying
owner.write(b"never complete" * 100_000)
"""


@pytest.fixture
def log(broker: Broker, prefix: str) -> Callable[[str], SnapshotOwner]:
    """Makes owners of the partitions of one changelog, by name."""
    topic = f"{prefix}.changelog"
    create_topics(broker, {topic: 2}, {"cleanup.policy": "compact,delete", "retention.ms": "-1"})
    return lambda name: SnapshotOwner(broker.bootstrap, topic, name)


def keys_left(owner: SnapshotOwner) -> set[str]:
    return {to_key(key).decode() for key in owner.load().keys}


def test_five_megabytes_come_back_as_they_were(log: Callable[[str], SnapshotOwner]) -> None:
    payload = random.Random(3).randbytes(5_000_000)
    owner = log("a")
    owner.take_over([0, 1])
    began = time.perf_counter()
    manifest = owner.write(payload)
    wrote = time.perf_counter()
    found = owner.load()
    print(f"\nwritten in {wrote - began:.3f} s, read in {time.perf_counter() - wrote:.3f} s")
    assert found.manifest == manifest
    assert found.payload() == payload
    assert (manifest.epoch, manifest.generation, manifest.chunks) == (1, 1, 6)
    assert owner.load(1).manifest is None
    assert log("b").take_over([0, 1])[0].epoch == 2


def test_the_event_loop_goes_on_while_a_snapshot_is_written(log: Callable[[str], SnapshotOwner]) -> None:
    payload = random.Random(3).randbytes(1_000_000) * 30
    owner = log("a")
    owner.take_over()
    pauses: list[float] = []

    async def watched() -> None:
        writing = asyncio.ensure_future(owner.log.write(0, covered(), lambda: [payload]))
        while not writing.done():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - before)
        await writing

    asyncio.run(watched())
    pauses.sort()
    print(f"\n{len(pauses)} turns, {pauses[len(pauses) // 2] * 1000:.1f} ms usual, {pauses[-1] * 1000:.1f} ms longest")
    assert len(pauses) > 20
    assert pauses[int(len(pauses) * 0.9)] < 0.02


def test_a_worker_killed_between_chunks_and_manifest_leaves_the_snapshot_before(
    broker: Broker, log: Callable[[str], SnapshotOwner]
) -> None:
    first = log("first")
    first.take_over()
    first.write(b"complete")
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'deploy'}"}
    program = [sys.executable, "-c", DIES_BEFORE_THE_MANIFEST, broker.bootstrap, first.sender.topic]
    done = subprocess.run(program, env=environment({}) | path, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    again = log("again")
    owned = again.take_over()[0]
    assert owned.epoch == 3
    assert owned.loaded.payload() == b"complete"
    assert "2/1/0" in keys_left(again)
    again.write(b"next")
    assert keys_left(again) == {"1/1/0", "manifest/1/1", "3/1/0", "manifest/3/1", "claim/3"}


def test_a_damaged_chunk_is_named_and_the_snapshot_before_it_used(
    log: Callable[[str], SnapshotOwner], caplog: pytest.LogCaptureFixture
) -> None:
    owner = log("a")
    owner.take_over()
    for payload in (b"one", b"two", b"three"):
        owner.write(payload)
    owner.put(b"1/3/0", b"????damaged")
    found = owner.load()
    assert found.payload() == b"two"
    (problem,) = found.problems
    assert (problem.topic, problem.partition, problem.key) == (owner.sender.topic, 0, "1/3/0")
    assert problem.offset == found.end - 1
    again = log("b")
    assert again.take_over()[0].loaded.payload() == b"two"
    assert f"damaged: {owner.sender.topic}/0 offset {problem.offset} key 1/3/0" in caplog.text
    assert "goes on from the snapshot before it: epoch 1, generation 2" in caplog.text
    again.write(b"four")
    assert not again.load().problems


def test_a_paused_worker_that_wakes_up_does_no_harm(log: Callable[[str], SnapshotOwner]) -> None:
    paused, successor = log("paused"), log("successor")
    paused.take_over()
    paused.write(b"before")
    paused.begun([Passed(20_001, None, {"in": 9})])
    owned = successor.take_over()[0]
    assert owned.loaded.payload() == b"before"
    assert [one.boundary for one in owned.loaded.begun] == [20_001]
    with pytest.raises(OwnershipLostError, match="held under epoch 1, claimed under 2 by worker successor"):
        paused.write(b"of a zombie")
    # What was on its way when it was paused arrives all the same:
    paused.put(b"1/2/0", b"a chunk")
    paused.put(b"manifest/1/2", b"a manifest")
    paused.put(b"manifest/1/1", None)
    paused.begun([Passed(20_002, None, {"in": 11})])
    third = log("third")
    found = third.take_over()[0].loaded
    assert found.payload() == b"before"
    assert [one.boundary for one in found.begun] == [20_001]
    assert not found.problems
    third.write(b"after", boundary=20_001)
    third.write(b"later", boundary=20_002)
    assert keys_left(third) == {"claim/3", "3/1/0", "manifest/3/1", "3/2/0", "manifest/3/2"}


def test_the_versions_that_judged_what_was_begun_lie_beside_it(log: Callable[[str], SnapshotOwner]) -> None:
    """The models topic keeps the newest only."""
    first, second = log("first"), log("second")
    first.take_over()
    first.write(b"before", boundary=20_000)
    for boundary, name in ((20_001, "m1"), (20_002, "m1"), (20_003, "m2"), (20_004, None)):
        first.begun([Passed(boundary, name, {"in": 9})], models={} if name is None else {name: name.encode() * 9})
    assert {key for key in keys_left(first) if "model" in key} == {"model/1/20001", "model/1/20003"}
    found = second.take_over()[0].loaded
    assert found.models == {"m1": b"m1" * 9, "m2": b"m2" * 9}
    first.put(b"model/1/20001", None)  # of a zombie that sweeps
    first.put(b"model/1/20003", None)
    assert second.load().models == found.models
    assert {"model/2/20001", "model/2/20003"} <= set(keys_left(second))
    second.write(b"one", boundary=20_002)
    second.write(b"two", boundary=20_003)
    assert {key for key in keys_left(second) if "model" in key} == {"model/2/20003"}, "the older may be needed again"
    second.begun([Passed(20_005, "m2", {"in": 9})], models={"m2": b"again"})
    second.write(b"three", boundary=20_005)
    assert second.load().models == {"m2": b"m2" * 9}
    second.write(b"four", boundary=20_006)
    assert second.load().models == {}


def test_two_who_claim_the_same_epoch_end_up_with_two(log: Callable[[str], SnapshotOwner]) -> None:
    """Both have read the partition before either has claimed; the barrier stands between."""
    barrier = threading.Barrier(2)
    owners = [log("a"), log("b")]
    for owner in owners:
        _wait_before_the_first_claim(owner, barrier)
    epochs: dict[str, int] = {}
    threads = [
        threading.Thread(target=lambda one=one: epochs.update({one.name: one.take_over()[0].epoch})) for one in owners
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(epochs.values()) == [1, 2]
    lower, higher = sorted(owners, key=lambda one: epochs[one.name])
    higher.write(b"of the higher")
    with pytest.raises(OwnershipLostError):
        lower.write(b"of the lower")
    assert higher.load().payload() == b"of the higher"


def _wait_before_the_first_claim(owner: SnapshotOwner, barrier: threading.Barrier) -> None:
    send, waited = owner.sender.send, threading.Event()

    def waiting(*args: object, **options: object) -> object:
        if not waited.is_set():
            waited.set()
            barrier.wait(20)
        return send(*args, **options)  # type: ignore[arg-type] # passed on as it came

    owner.sender.send = waiting  # type: ignore[method-assign,assignment] # a test's double of the wire


def test_a_worker_that_others_keep_claiming_against_says_so(log: Callable[[str], SnapshotOwner]) -> None:
    owner, other = log("a"), log("other")
    send = owner.sender.send

    def contested(*args: object, **options: object) -> object:
        epoch = owner.load().highest_epoch + 1
        other.put(to_key(Key("claim", epoch)), to_value(Claim(epoch, "other")))
        return send(*args, **options)  # type: ignore[arg-type] # passed on as it came

    owner.sender.send = contested  # type: ignore[method-assign,assignment] # a test's double of the wire
    with pytest.raises(StopWorkerError, match="CHURN_INSTANCE_ID") as caught:
        take_over(owner.connection, owner.sender, [0], owner="a", stop=NEVER)
    assert "by another worker (other)" in str(caught.value)


def test_a_changelog_that_was_cut_is_refused_unless_the_inputs_reach_back(
    broker: Broker, prefix: str, log: Callable[[str], SnapshotOwner]
) -> None:
    source, group = f"{prefix}.in", f"{prefix}-group"
    create_topics(broker, {source: 2}, {"retention.ms": "-1"})
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for _ in range(10):
        producer.produce(source, b"event", partition=0)
    assert producer.flush(10) == 0
    owner = log("a")
    owner.take_over()
    owner.write(b"state")
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(source, 0, 8)], asynchronous=False)
    consumer.close()
    topic = owner.sender.topic

    def said() -> str | None:
        found = ask_beginnings({"bootstrap.servers": broker.bootstrap}, group, topic, [source], [0])
        return check_origin(log("b").take_over()[0].loaded, found[0])

    admin = broker.admin()
    for future in admin.delete_records([TopicPartition(topic, 0, owner.load().end)]).values():
        future.result(30)
    rebuilt = said()
    assert rebuilt is not None
    assert "what was before was deleted" in rebuilt
    assert f"{source}/0 was read up to offset 8" in rebuilt
    assert "rebuilt from the inputs" in rebuilt
    for future in admin.delete_records([TopicPartition(source, 0, 3)]).values():
        future.result(30)
    with pytest.raises(StopWorkerError, match=f"{source}/0 now begins at offset 3.*CHURN_APP_VERSION"):
        said()
