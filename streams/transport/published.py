"""What we published ourselves since a snapshot, so that it is not sent again when events are read again.

One pass over the output topics from the offsets that the snapshot names to their present end. Records that are none of
ours are counted and left alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import msgspec
from confluent_kafka import Message

from schemas.alert import OPEN, AlertV1, decode_alert
from schemas.dead_letter import is_buried, place_of, to_dead_letter
from schemas.example import LessonError, ProgressV1, decode_lesson
from schemas.topics import Topics
from streams.kafka.log_reader import Place, Progress, headers_of, reader
from streams.transport.snapshots.sender import epoch_in

SHARED_PARTITION: Final = 0
"""Of outputs that all partitions share: there is one order of what is learned, and of what goes on owners' lists."""

DIGEST_BYTES: Final = 16

Starts = Mapping[str, int]
"""By output topic the offset from which on a partition's outputs are not covered by its snapshot; 0 where unknown."""


class _Revision(msgspec.Struct):
    alert_id: str
    revision: int
    status: str = ""


class _Stage(msgspec.Struct):
    id: str


_revision = msgspec.json.Decoder(_Revision)
_stage = msgspec.json.Decoder(_Stage)


def digest(payload: bytes) -> bytes:
    """What stands for a labels record, a receipt, an outcome or what was held: each says what it is about."""
    return blake2b(payload, digest_size=DIGEST_BYTES).digest()


@dataclass(slots=True)
class Published:
    """What stands on the output topics of one partition. Ask before sending.

    `alerts`: the highest revision of each alert; revisions are sent in order, so those below it stand there as well.
    `left_open`: that revision as it was sent, where it leaves the alert open.
    `late` and `dead_letters` are by the topic and offset of the original, the latter with the reason. `progress`: the
    markers, as boundary and model version. `lessons` and `told`, what goes on owners' lists, are shared by all
    partitions; these and `records`, receipts, outcomes and what was held, are digests.
    """

    alerts: dict[str, int] = field(default_factory=dict)
    left_open: dict[str, bytes] = field(default_factory=dict)
    stages: set[str] = field(default_factory=set)
    late: set[Place] = field(default_factory=set)
    dead_letters: dict[Place, str] = field(default_factory=dict)
    progress: dict[str, str | None] = field(default_factory=dict)
    lessons: set[bytes] = field(default_factory=set)
    told: set[bytes] = field(default_factory=set)
    records: set[bytes] = field(default_factory=set)
    buried: set[bytes] = field(default_factory=set)
    """Keys of records that were there, of customers who were erased."""
    unreadable: int = 0

    def has_alert(self, alert_id: str, revision: int) -> bool:
        """Whether a revision stands there."""
        return self.alerts.get(alert_id, 0) >= revision

    def add_alert(self, alert_id: str, revision: int, value: bytes | None) -> None:
        """A revision stands there; `value`: None when the alert is over behind it."""
        if revision < self.alerts.get(alert_id, 0):
            return  # it was sent a second time
        self.alerts[alert_id] = revision
        if value is None:
            self.left_open.pop(alert_id, None)
        else:
            self.left_open[alert_id] = value

    def alerts_left_open(self) -> dict[str, AlertV1]:
        """The alerts behind whose highest revision they are open."""
        found = {}
        for alert_id, value in self.left_open.items():
            try:
                found[alert_id] = decode_alert(value)
            except msgspec.MsgspecError:  # of another program
                self.unreadable += 1
        return found

    def has_stage(self, change_id: str) -> bool:
        """Whether a transition stands there."""
        return change_id in self.stages

    def has_lesson(self, payload: bytes) -> bool:
        """Whether a labels record, or an erasure, stands there, byte by byte."""
        return bool(self.lessons) and digest(payload) in self.lessons

    def has_told(self, key: bytes, payload: bytes) -> bool:
        """Whether a revision, or how far a partition is, stands among what goes on owners' lists, or did."""
        return key in self.buried or (bool(self.told) and digest(payload) in self.told)

    def has_record(self, key: bytes, payload: bytes) -> bool:
        """Whether a receipt, an outcome, an erasure or what was held stands there, byte by byte, or did."""
        return key in self.buried or (bool(self.records) and digest(payload) in self.records)

    def has_progress(self, boundary: str) -> bool:
        """Whether the marker of a boundary stands there."""
        return boundary in self.progress

    def has_late(self, topic: str, offset: int) -> bool:
        """Whether an event was set aside as too late."""
        return (topic, offset) in self.late

    def has_dead_letter(self, topic: str, offset: int) -> bool:
        """Whether a record was set aside as refused."""
        return (topic, offset) in self.dead_letters

    def __len__(self) -> int:
        own = (self.alerts, self.stages, self.late, self.dead_letters, self.progress, self.records)
        return sum(map(len, (*own, self.lessons, self.told)))


def read_published(
    connection: Mapping[str, object],
    topics: Topics,
    starts: Mapping[int, Starts],
    *,
    epochs: Mapping[int, int],
    stop: threading.Event,
    on_progress: Progress = lambda _: None,
) -> dict[int, Published]:
    """Read what stands behind the starts of some partitions. Blocks. Raises what `LogReader.read` raises.

    `epochs`: of their snapshots. A revision of an earlier epoch came from a worker that was paused and did not know of
    its successor yet: it says again what was so before the snapshot.
    """
    lessons, told, buried = set[bytes](), set[bytes](), set[bytes]()
    found = {partition: Published(lessons=lessons, told=told, buried=buried) for partition in starts}
    take_of = _takers(topics, found, epochs)

    def take(message: Message) -> None:
        partition = int(message.partition() or 0)
        try:
            if is_buried(message.value(), headers_of(message)):
                _note_buried(topics, found.get(partition) or next(iter(found.values())), message)
            else:
                take_of[str(message.topic())](message)
        except (msgspec.MsgspecError, UnicodeDecodeError, LessonError, ValueError, KeyError):
            if partition in found:
                found[partition].unreadable += 1

    places = {(topic, partition): of.get(topic, 0) for partition, of in starts.items() for topic in own_outputs(topics)}
    if starts:
        for topic in shared_outputs(topics):
            places[topic, SHARED_PARTITION] = min(of.get(topic, 0) for of in starts.values())
        with reader(connection, stop=stop, on_progress=on_progress) as source:
            source.read(places, take)
    return found


def _note_buried(topics: Topics, of: Published, message: Message) -> None:
    """A record was there, of somebody who is erased since: it is not sent again. Raises ValueError for another one."""
    topic, key = str(message.topic()), message.key() or b""
    if not key:
        raise ValueError("a record without key and value")
    if topic == topics.alerts:
        of_id, _, revision = key.decode().partition("/")
        of.add_alert(of_id, int(revision), None)
    elif topic == topics.stages:
        of.stages.add(key.decode())
    elif topic == topics.late:
        of.late.add(place_of(key))
    elif topic == topics.dead_letters:
        of.dead_letters[place_of(key)] = ""
    elif topic == topics.examples:
        of.lessons.add(bytes.fromhex(key.decode()))
    else:
        of.buried.add(key)


def own_outputs(topics: Topics) -> tuple[str, ...]:
    """Output topics of which each partition number has its own partition, but that of open alerts."""
    records = topics.receipts, topics.suppressed, topics.outcomes, topics.erased
    return topics.alerts, topics.stages, *records, topics.late, topics.dead_letters


def shared_outputs(topics: Topics) -> tuple[str, ...]:
    """Output topics of one partition, in which all partitions write."""
    return topics.examples, topics.attention


def _takers(
    topics: Topics, found: Mapping[int, Published], epochs: Mapping[int, int]
) -> dict[str, Callable[[Message], None]]:
    """By topic, what to do with a record of it. What raises is not ours."""

    def alert(message: Message) -> None:
        number, value, epoch = int(message.partition() or 0), message.value() or b"", epoch_in(message)
        if epoch is None or epoch >= epochs.get(number, 0):
            one = _revision.decode(value)
            found[number].add_alert(one.alert_id, one.revision, value if one.status in OPEN else None)

    def stage(message: Message) -> None:
        found[int(message.partition() or 0)].stages.add(_stage.decode(message.value() or b"").id)

    def record(message: Message) -> None:
        found[int(message.partition() or 0)].records.add(digest(message.value() or b""))

    def late(message: Message) -> None:
        partition, place, _ = _origin(message)
        found[partition].late.add(place)

    def dead_letter(message: Message) -> None:
        partition, place, reason = _origin(message)
        found[partition].dead_letters[place] = reason

    return {
        topics.alerts: alert,
        topics.stages: stage,
        topics.receipts: record,
        topics.suppressed: record,
        topics.outcomes: record,
        topics.erased: record,
        topics.late: late,
        topics.dead_letters: dead_letter,
    } | _shared_takers(topics, found)


def _shared_takers(topics: Topics, found: Mapping[int, Published]) -> dict[str, Callable[[Message], None]]:
    """The same of the topics in which all partitions write."""

    def example(message: Message) -> None:
        payload = message.value() or b""
        lesson = decode_lesson(payload)
        if isinstance(lesson, ProgressV1):
            if lesson.partition in found:
                found[lesson.partition].progress[lesson.boundary] = lesson.model_version
        else:
            next(iter(found.values())).lessons.add(digest(payload))

    def told(message: Message) -> None:
        next(iter(found.values())).told.add(digest(message.value() or b""))

    return {topics.examples: example, topics.attention: told}


def _origin(message: Message) -> tuple[int, Place, str]:
    """Partition, then topic and offset of the original, and why it was set aside."""
    letter = to_dead_letter(message.key(), message.value(), headers_of(message))
    return letter.origin.partition, (letter.origin.topic, letter.origin.offset), letter.reason
