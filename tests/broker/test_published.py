"""What we published is read back from the offsets a snapshot names; what lies wrong among the open alerts is found."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
import pytest
from confluent_kafka import Producer

from schemas.dead_letter import Origin, dead_letter_headers, late_headers
from schemas.example import LabelV1, LessonV1, ProgressV1, SnapshotV1, encode_lesson
from schemas.topics import Topics
from streams.transport.open_alerts import OpenAlerts, read_open
from streams.transport.published import Published, own_outputs, read_published, shared_outputs
from streams.transport.snapshots.sender import epoch_header
from support.broker import Broker, create_topics
from support.snapshots import NEVER

Headers = list[tuple[str, bytes]]


class Wire:
    """The output topics of one deployment of two partitions, written to by hand."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self.topics = topics = Topics(prefix)
        two = (topics.alerts_open, *own_outputs(topics))
        create_topics(broker, dict.fromkeys(two, 2) | dict.fromkeys(shared_outputs(topics), 1), {"retention.ms": "-1"})
        self.connection = {"bootstrap.servers": broker.bootstrap}
        self._producer = Producer(dict(self.connection))

    def put(
        self,
        topic: str,
        partition: int,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers | None = None,
    ) -> None:
        self._producer.produce(topic, value, key, partition, headers=None if headers is None else [*headers])

    def alert(
        self, partition: int, alert_id: str, revision: int, *, status: str = "firing", epoch: int | None = None
    ) -> None:
        of = {"alert_id": alert_id, "revision": revision, "status": status, "summary": "x" * 600}
        headers = None if epoch is None else [epoch_header(epoch)]
        self.put(self.topics.alerts, partition, msgspec.json.encode(of), key=b"c1", headers=headers)

    def read(self, starts: dict[int, dict[str, int]], epochs: Mapping[int, int] | None = None) -> dict[int, Published]:
        self.flush()
        return read_published(self.connection, self.topics, starts, epochs=epochs or {}, stop=NEVER)

    def read_open(self, starts: dict[int, int]) -> dict[int, OpenAlerts]:
        self.flush()
        return read_open(self.connection, self.topics.alerts_open, starts, stop=NEVER)

    def flush(self) -> None:
        assert self._producer.flush(20) == 0


@pytest.fixture
def wire(broker: Broker, prefix: str) -> Wire:
    return Wire(broker, prefix)


def lesson(customer: str) -> bytes:
    labels = (LabelV1(0, "2026-01-02T00:00:00Z", is_true=True),)
    return encode_lesson(LessonV1(customer, "q1", (SnapshotV1("2026-01-01T00:00:00Z", b"\0\0\0\0", None, labels),)))


def test_each_kind_is_found_again_from_its_offset_on(wire: Wire) -> None:
    topics = wire.topics
    origin = Origin(topics.event(1), 0, 41, 1_000)
    refused = dead_letter_headers(
        origin, stage="codec", reason="not_json", error="no", key=b"c1", value=b"{", headers=[("theirs", b"x")]
    )
    late = late_headers(Origin(topics.event(2), 0, 7, 1_000), event_time_ms=1, boundary_ms=2, key=b"c1", headers=[])
    wire.alert(0, "before", 1)
    for revision in (1, 2, 3):
        wire.alert(0, "a1", revision)
    wire.alert(1, "a2", 1)
    wire.put(topics.stages, 0, b'{"id":"s0"}')
    wire.put(topics.stages, 0, b'{"id":"s1","to_stage":"lapsed"}')
    wire.put(topics.dead_letters, 0, b"{", key=b"c1", headers=refused)
    wire.put(topics.late, 0, b"{}", key=b"c1", headers=late)
    wire.put(topics.examples, 0, lesson("before"))
    wire.put(topics.examples, 0, lesson("c1"))
    wire.put(topics.examples, 0, encode_lesson(ProgressV1(0, "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "m1")))
    wire.put(topics.examples, 0, encode_lesson(ProgressV1(1, "2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", None)))
    found = wire.read({0: {topics.alerts: 1, topics.stages: 1, topics.examples: 1}, 1: {topics.examples: 1}})
    first, second = found[0], found[1]
    assert [first.has_alert("a1", revision) for revision in (1, 2, 3, 4)] == [True, True, True, False]
    assert not first.has_alert("before", 1)
    assert not first.has_alert("a2", 1)
    assert second.has_alert("a2", 1)
    assert first.has_stage("s1")
    assert not first.has_stage("s0")
    assert first.has_dead_letter(topics.event(1), 41)
    assert first.dead_letters[topics.event(1), 41] == "not_json"
    assert first.has_late(topics.event(2), 7)
    assert not first.has_late(topics.event(1), 41)
    assert first.progress == {"2026-01-02T00:00:00Z": "m1"}
    assert second.progress == {"2026-01-03T00:00:00Z": None}
    assert [one.has_lesson(lesson("c1")) for one in (first, second)] == [True, True], "one partition for all"
    assert not first.has_lesson(lesson("before"))
    assert first.unreadable == second.unreadable == 0


def test_the_earliest_of_the_snapshots_decides_where_the_examples_are_read_from(wire: Wire) -> None:
    topics = wire.topics
    for name in ("c0", "c1", "c2"):
        wire.put(topics.examples, 0, lesson(name))
    found = wire.read({0: {topics.examples: 2}, 1: {topics.examples: 1}})
    assert [found[0].has_lesson(lesson(name)) for name in ("c0", "c1", "c2")] == [False, True, True]


def test_what_a_worker_says_again_that_woke_up_behind_the_snapshot_of_its_successor_is_not_believed(wire: Wire) -> None:
    """The alert is over in the snapshot: its first revision, told once more behind it, does not leave it open."""
    wire.alert(0, "over", 1, epoch=1)
    wire.alert(0, "open", 1, epoch=2)
    wire.alert(0, "by-hand", 1)
    found = wire.read({0: {}}, {0: 2})[0]
    assert set(found.alerts) == set(found.left_open) == {"open", "by-hand"}
    assert set(wire.read({0: {}}, {0: 1})[0].left_open) == {"over", "open", "by-hand"}


def test_without_a_snapshot_everything_is_read(wire: Wire) -> None:
    wire.alert(0, "a1", 1)
    wire.put(wire.topics.examples, 0, lesson("c1"))
    found = wire.read({0: {}})
    assert found[0].has_alert("a1", 1)
    assert found[0].has_lesson(lesson("c1"))
    assert not wire.read({})


def test_what_is_not_ours_is_counted_and_left_alone(wire: Wire) -> None:
    topics = wire.topics
    for topic in (topics.alerts, topics.stages, topics.late, topics.dead_letters, topics.examples):
        wire.put(topic, 0, b"\xff")
        wire.put(topic, 0, None)
    wire.alert(0, "a1", 1)
    found = wire.read({0: {}})
    assert found[0].has_alert("a1", 1)
    assert len(found[0]) == 1
    assert found[0].unreadable == 10


def test_a_hundred_thousand_revisions_are_read_quickly(wire: Wire) -> None:
    for number in range(100_000):
        wire.alert(number % 2, f"{number // 4:032x}", number % 4 + 1)
        if number % 1_000 == 0:
            wire._producer.poll(0)
    wire.flush()
    began = time.perf_counter()
    found = wire.read({0: {}, 1: {}})
    print(f"\n100,000 revisions of 25,000 alerts read back in {time.perf_counter() - began:.2f} s")
    assert sum(len(one) for one in found.values()) == 50_000


def test_what_a_paused_worker_left_among_the_open_alerts_is_found_and_put_right(wire: Wire) -> None:
    topic = wire.topics.alerts_open
    told: list[tuple[bytes, bytes | None, int]] = [
        (b"fires", b"r2", 2),
        (b"over", b"r1", 1),
        (b"over", None, 2),
        (b"gone", b"r1", 1),  # the tombstone of its end is compacted away
        (b"unharmed", b"r5", 2),
        (b"ended by us", None, 2),
        # A worker of epoch 1 wakes up:
        (b"fires", b"r1", 1),
        (b"over", b"r1", 1),
        (b"unharmed", b"r5", 1),
    ]
    for key, value, epoch in told:
        wire.put(topic, 1, value, key=key, headers=[epoch_header(epoch)])
    wire.put(topic, 1, b"r1", key=b"of an earlier program")
    found = wire.read_open({1: 0})[1]
    is_open = {"fires", "unharmed", "of an earlier program"}.__contains__
    wrong = found.corrections(is_open)
    assert wrong == {b"fires": b"r2", b"over": None, b"gone": None}
    assert found.end == len(told) + 1
    for key, value in wrong.items():
        wire.put(topic, 1, value, key=key, headers=[epoch_header(2)])
    again = wire.read_open({1: found.end})[1]
    assert again.last.keys() == wrong.keys()
    assert not again.corrections(is_open)
