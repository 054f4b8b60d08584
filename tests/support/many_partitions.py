"""Workers for several partitions without Kafka, that send each other what they have to; any of them may die.

Time goes by in windows of some hours, in which each worker reads what came of its own topics, and of what others sent
as much as it happens to see.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final, NamedTuple

from models.catalogue.rules import Rules
from models.engine.arrivals import Passed
from models.engine.ledger import COMMANDS, MOVED, TICKS, total_counts
from models.engine.partition import Partition
from models.engine.replay import Replay, Then, canonical_states
from models.engine.snapshot import load
from models.engine.taking_up import plan
from schemas.command import Command
from schemas.errors import RejectedError
from schemas.event import FEEDS, Event
from schemas.moved import Moved, decode_moved, encode_moved, moved_key
from schemas.partitioner import partition_of
from schemas.tick import Tick
from streams.agents.publishing import time_of
from streams.files.commands import among
from support.one_partition import HOUR_MS, Broker, Entry, Key, Kind, Worker, by_key

WINDOW_MS: Final = 6 * HOUR_MS
GONE: Final = Entry(0, RejectedError("empty", "a later record has its key"))
"""Where a record lay."""


@dataclass(frozen=True)
class Course:
    """How things go: of how many windows one ends with a crash, and one with a snapshot, for each worker.

    `ticks`: whether a clock moves feeds that are silent; without, partitions pass many boundaries at once. `lags`: how
    often a worker does nothing for a window. `compacts`: how often a broker takes away what lies there anew.
    `is_said_first`: whether all commands are there before the first event.
    """

    crashes: float = 0.0
    saves: float = 0.1
    ticks: bool = True
    lags: float = 0.0
    compacts: float = 0.2
    is_said_first: bool = False


class Posting(NamedTuple):
    """When something is posted."""

    at_ms: int
    content: Event | Command


class Posted(NamedTuple):
    """What goes to another partition: its key, timestamp and record."""

    key: bytes
    at_ms: int
    record: Moved


@dataclass
class Lot(Broker):
    """What survives of one of several partitions; `everybody` knows the others."""

    number: int = 0
    lives: int = 0
    keys: list[bytes] = field(default_factory=list)
    """Of the records that others sent."""
    everybody: list[Lot] = field(default_factory=list)
    then: Sequence[Then] = ()
    saved_by: dict[bytes, Rules] = field(default_factory=dict)
    """The catalogue of each snapshot."""

    def keep(self, sent: Any) -> None:
        """What is sent to another partition lies there once it is durable, byte by byte."""
        if isinstance(sent, Posted):
            record = decode_moved(encode_moved(sent.record))
            assert record is not None
            lot = self.everybody[sent.record.to]
            lot.logs[MOVED].append(Entry(sent.at_ms, record))  # type: ignore[arg-type] # a log like others
            lot.keys.append(sent.key)
        else:
            if isinstance(sent, Passed) and self._is_same(sent):
                return
            super().keep(sent)

    def _is_same(self, passed: Passed) -> bool:
        """Whether a boundary was passed again where it was passed, but for records that lie there no more."""
        before = self.begun.get(passed.boundary)
        if before is None:
            return False
        *ours, moved = passed.covered
        *theirs, until = before.covered
        between = self.logs[MOVED][moved + 1 : until + 1]
        again = before._replace(covered=(*theirs, moved))
        return ours == theirs and moved <= until and passed == again and all(one is GONE for one in between)

    def see_to(self, course: Course, now_ms: int, dice: random.Random, *, is_last: bool) -> None:
        """What happens in a window beside posting: the clock ticks, the broker cleans up."""
        if course.ticks or is_last:
            ends = {name: len(self.logs[feed]) for feed, name in enumerate(FEEDS)}
            self.logs[TICKS].append(Entry(now_ms, Tick(now_ms, ends)))
        if dice.random() < course.compacts:
            self.compact()

    def compact(self) -> None:
        """Of what others sent under one key the last is kept; the others' offsets stay empty."""
        last = {key: offset for offset, key in enumerate(self.keys)}
        log = self.logs[MOVED]
        for offset, key in enumerate(self.keys):
            if last[key] > offset:
                log[offset] = GONE


class Member(Worker):
    """One life of the worker of one of several partitions."""

    broker: Lot

    def __init__(self, lot: Lot, rules: Rules, dice: random.Random) -> None:
        super().__init__(lot, rules, Kind(spreads=dice.random() < 0.5))
        lot.lives += 1
        self.life = lot.lives
        self.has_begun = False

    def _restored(self, rules: Rules, alerts_from_ms: int) -> Partition:
        lot, count = self.broker, len(self.broker.everybody)
        if lot.snapshot is None:
            partition = Partition(
                rules, number=lot.number, partitions=count, alerts_from_ms=alerts_from_ms, limit_dead_letters=False
            )
        else:
            rules = lot.saved_by[lot.snapshot]
            partition = load(lot.snapshot, rules, number=lot.number, partitions=count, limit_dead_letters=False)
        plan(partition, [(one.boundary, one.rules) for one in lot.then if one.boundary > partition.boundary])
        return partition

    def save(self) -> None:
        """Take a snapshot; its catalogue is noted beside it."""
        super().save()
        if self.unflushed and isinstance(data := self.unflushed[-1], bytes):
            self.broker.saved_by[data] = self.partition.rules

    def take(self, frame: Sequence[tuple[int, int]], reviews: int = 0) -> None:
        """The same, and what goes to others leaves as well."""
        super().take(frame, reviews)
        self.unflushed += [
            Posted(moved_key(one, 1, self.life), time_of(one, self.partition), one)  # type: ignore[misc] # like others
            for one in self.partition.drain_moved()
        ]


@dataclass
class Found:
    """What all partitions told and know."""

    told: dict[Key, set[bytes]]
    states: dict[str, dict[str, Any]]
    counts: dict[str, dict[str, int]]
    moved: Counter[str]


def replayed(
    rules: Rules, events: Sequence[Event], said: Sequence[Command], partitions: int, until_ms: int,
    then: Sequence[Then] = (),
) -> Found:  # fmt: skip
    """What the product's own replay says."""
    replay = Replay(rules, partitions, then=then)
    in_order = sorted(events, key=lambda one: (one.time_ms, one.feed))
    for one in among(sorted(said, key=lambda one: (one.at_ms, one.id)), in_order):
        replay.take(one)
    replay.until(until_ms)
    told, _ = by_key(replay.drain())
    states = {one["customer_id"]: one for one in replay.states()}
    counts = total_counts(partition.ledger for partition in replay.partitions)
    return Found(told, states, counts, Counter())


def lived(
    rules: Rules, events: Sequence[Event], said: Sequence[Command], partitions: int, until_ms: int, dice: random.Random,
    course: Course = Course(), then: Sequence[Then] = (),
) -> Found:  # fmt: skip
    """What workers come to."""
    lots = [Lot([[] for _ in range(MOVED + 1)], number=number, then=then) for number in range(partitions)]
    for lot in lots:
        lot.everybody = lots
    first_ms = min(one.time_ms for one in events)
    inputs = [Posting(one.time_ms, one) for one in events]
    inputs += [Posting(first_ms if course.is_said_first else one.at_ms, one) for one in said]
    left = deque(sorted(inputs, key=lambda one: one.at_ms))
    workers = [Member(lot, rules, dice) for lot in lots]
    for end_ms in range(left[0].at_ms // WINDOW_MS * WINDOW_MS + WINDOW_MS, until_ms + WINDOW_MS, WINDOW_MS):
        while left and left[0].at_ms < end_ms:
            _post(lots, left.popleft())
        for lot in lots:
            lot.see_to(course, min(end_ms, until_ms), dice, is_last=end_ms >= until_ms)
        for number in dice.sample(range(partitions), partitions):
            if dice.random() >= course.lags:
                workers[number] = _go_on(workers[number], rules, dice, course)
        if dice.random() < 0.5:
            for worker in workers:
                worker.flush()
    _finish(workers, dice)
    return _found(lots, workers)


def _go_on(worker: Member, rules: Rules, dice: random.Random, course: Course) -> Member:
    """A window of one worker, who may die at its end; then another goes on."""
    _read(worker, dice)
    if dice.random() < course.crashes:
        worker.crash(dice)
        worker = Member(worker.broker, rules, dice)
        _read(worker, dice)
    if dice.random() < course.saves:
        worker.save()
    if dice.random() < 0.7:
        worker.flush()
    return worker


def _post(lots: Sequence[Lot], posting: Posting) -> None:
    one = posting.content
    place = one.feed if isinstance(one, Event) else COMMANDS
    lot = lots[partition_of(one.customer_id.encode(), len(lots))]
    lot.logs[place].append(Entry(*posting))


def _read(worker: Member, dice: random.Random, *, all_moved: bool = False) -> None:
    """Take in what is there: of the own topics all, in order of time; of what others sent the beginning, anywhere.

    The first time in a life all of it, each where its time is.
    """
    logs, positions = worker.broker.logs, worker.positions
    rows = sorted(
        (entry.arrived_ms, place, offset)
        for place, log in enumerate(logs[:MOVED])
        for offset, entry in enumerate(log[positions[place] :], positions[place])
    )
    frame = [(place, offset) for _, place, offset in rows]
    moved = [offset for offset in range(positions[MOVED], len(logs[MOVED])) if logs[MOVED][offset] is not GONE]
    if worker.has_begun:
        if not all_moved and dice.random() < 0.3:
            moved = moved[: dice.randint(0, len(moved))]
        at = sorted(dice.randint(0, len(frame)) for _ in moved)
    else:  # what is read again is read in step
        clocks = accumulate((logs[MOVED][offset].arrived_ms for offset in moved), max)
        at = [bisect_right(rows, (clock, MOVED)) for clock in clocks]
    worker.has_begun = True
    for place, offset in reversed([*zip(at, moved, strict=True)]):
        frame.insert(place, (MOVED, offset))
    for place, offset in frame:
        positions[place] = max(positions[place], offset + 1)
    while frame:
        size = dice.choice((1, 5, 40, 200))
        worker.take(frame[:size], reviews=dice.choice((0, 1, 3, 1 << 60)))
        frame = frame[size:]
    if dice.random() < 0.7:
        worker.take([], reviews=1 << 60)


def _finish(workers: Sequence[Member], dice: random.Random) -> None:
    """Until nobody has anything to say any more."""
    before = -1
    while before != (before := sum(len(worker.broker.logs[MOVED]) for worker in workers)) or _unread(workers):
        for worker in workers:
            worker.broker.logs[TICKS].append(worker.broker.logs[TICKS][-1])  # one that came too soon said nothing
            _read(worker, dice, all_moved=True)
            worker.take([], reviews=1 << 60)
            worker.flush()


def _unread(workers: Sequence[Member]) -> bool:
    return any(worker.positions[MOVED] < len(worker.broker.logs[MOVED]) for worker in workers)


def _found(lots: Sequence[Lot], workers: Sequence[Member]) -> Found:
    assert not any(worker.is_waiting for worker in workers)
    assert [lot.slips for lot in lots] == [[] for _ in lots]
    told, _ = by_key([message for lot in lots for message in lot.outputs])
    states = {one["customer_id"]: one for worker in workers for one in canonical_states(worker.partition)}
    counts = total_counts(worker.partition.ledger for worker in workers)
    moved = Counter(type(entry.content).__name__ for lot in lots for entry in lot.logs[MOVED] if entry is not GONE)
    return Found(told, states, counts, moved)


def unlike(found: Found, truth: Found, limit: int = 3, *, is_worded_anyhow: bool = False) -> list[str]:
    """What distinguishes two, in words; empty when nothing does. Announcements may be worded by arrival, if so said."""

    def of(told: Found, key: Key) -> object:
        is_free = is_worded_anyhow and key[0] == "alert" and key[2] == 1
        return key in told.told if is_free else sorted(told.told.get(key, ()))

    keys = sorted(found.told.keys() | truth.told.keys())
    said = [
        f"{key} was told in versions: {ours}" for key in keys if isinstance(ours := of(found, key), list) and ours[1:]
    ]
    said += [f"{key}: {of(found, key)} is not {of(truth, key)}" for key in keys if of(found, key) != of(truth, key)]
    said = said[:limit]
    said += [
        f"state of {who}: {found.states.get(who)} is not {truth.states.get(who)}"
        for who in sorted(found.states.keys() | truth.states.keys())
        if found.states.get(who) != truth.states.get(who)
    ][:limit]
    for name in (*FEEDS, "command"):
        if found.counts[name] != truth.counts[name]:
            said.append(f"{name}: {found.counts[name]} are not {truth.counts[name]}")
    return said
