"""Workers for several partitions without Kafka, that send each other what they have to; any of them may die.

Time goes by in windows of some hours, in which each worker reads what came of its own topics, and of what others sent
as much as it happens to see.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.catalogue.rules import Rules
from models.engine.ledger import COMMANDS, MOVED, TICKS, total_counts
from models.engine.partition import Partition
from models.engine.replay import Replay, Then, canonical_states
from models.engine.snapshot import load
from models.engine.taking_up import plan
from schemas.command import Command
from schemas.event import FEEDS, Event
from schemas.moved import AnnouncedV1, ForgetV1, HistoryV1, MarkV1, Moved, MovedEventV1, decode_moved, encode_moved
from schemas.partitioner import partition_of
from schemas.tick import Tick
from streams.files.commands import among
from support.one_partition import HOUR_MS, Broker, Entry, Key, Kind, Worker, by_key

WINDOW_MS: Final = 6 * HOUR_MS
MOVES: Final = (AnnouncedV1, ForgetV1, HistoryV1, MarkV1, MovedEventV1)


@dataclass
class Lot(Broker):
    """What survives of one of several partitions; `everybody` knows the others."""

    number: int = 0
    everybody: list[Lot] = field(default_factory=list)
    then: Sequence[Then] = ()
    saved_by: dict[bytes, Rules] = field(default_factory=dict)
    """The catalogue of each snapshot."""

    def keep(self, sent: Any) -> None:
        """What is sent to another partition lies there once it is durable, byte by byte."""
        if isinstance(sent, MOVES):
            record = decode_moved(encode_moved(sent))
            assert record is not None
            self.everybody[sent.to].logs[MOVED].append(Entry(0, record))  # type: ignore[arg-type] # a log like others
        else:
            super().keep(sent)


class Member(Worker):
    """One life of the worker of one of several partitions."""

    broker: Lot

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
        moved: list[Moved] = self.partition.drain_moved()
        self.unflushed += moved  # type: ignore[arg-type] # a record like others


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
    crashes: float = 0.0, then: Sequence[Then] = (),
) -> Found:  # fmt: skip
    """What workers come to, of whom in each window one in so many dies."""
    lots = [Lot([[] for _ in range(MOVED + 1)], number=number, then=then) for number in range(partitions)]
    for lot in lots:
        lot.everybody = lots
    inputs: list[Event | Command] = [*said, *events]
    inputs.sort(key=lambda one: one.time_ms if isinstance(one, Event) else one.at_ms)
    workers = [Member(lot, rules, Kind(spreads=dice.random() < 0.5)) for lot in lots]
    ends_ms = range(_time_of(inputs[0]) // WINDOW_MS * WINDOW_MS + WINDOW_MS, until_ms + WINDOW_MS, WINDOW_MS)
    left = deque(inputs)
    for end_ms in ends_ms:
        while left and _time_of(left[0]) < end_ms:
            _post(lots, left.popleft())
        for lot in lots:
            _tick(lot, min(end_ms, until_ms))
        for number in dice.sample(range(partitions), partitions):
            workers[number] = _go_on(workers[number], rules, dice, crashes)
        if dice.random() < 0.5:
            for worker in workers:
                worker.flush()
    _finish(workers, dice)
    return _found(lots, workers)


def _go_on(worker: Member, rules: Rules, dice: random.Random, crashes: float) -> Member:
    """A window of one worker, who may die at its end; then another goes on."""
    _read(worker, dice)
    if dice.random() < crashes:
        worker.crash(dice)
        worker = Member(worker.broker, rules, Kind(spreads=dice.random() < 0.5))
        _read(worker, dice)
    if dice.random() < 0.1:
        worker.save()
    if dice.random() < 0.7:
        worker.flush()
    return worker


def _time_of(one: Event | Command) -> int:
    return one.time_ms if isinstance(one, Event) else one.at_ms


def _post(lots: Sequence[Lot], one: Event | Command) -> None:
    place = one.feed if isinstance(one, Event) else COMMANDS
    lot = lots[partition_of(one.customer_id.encode(), len(lots))]
    lot.logs[place].append(Entry(_time_of(one), one))


def _tick(lot: Lot, now_ms: int) -> None:
    ends = {name: len(lot.logs[feed]) for feed, name in enumerate(FEEDS)}
    lot.logs[TICKS].append(Entry(now_ms, Tick(now_ms, ends)))


def _read(worker: Member, dice: random.Random, *, all_moved: bool = False) -> None:
    """Take in what is there: of the own topics all, in order of time; of what others sent the beginning, anywhere."""
    logs, positions = worker.broker.logs, worker.positions
    rows = [
        (entry.arrived_ms, place, offset)
        for place, log in enumerate(logs[:MOVED])
        for offset, entry in enumerate(log[positions[place] :], positions[place])
    ]
    frame = [(place, offset) for _, place, offset in sorted(rows)]
    moved = range(positions[MOVED], len(logs[MOVED]))
    if not all_moved and dice.random() < 0.3:
        moved = moved[: dice.randint(0, len(moved))]
    at = sorted(dice.randint(0, len(frame)) for _ in moved)
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
    moved = Counter(type(entry.content).__name__ for lot in lots for entry in lot.logs[MOVED])
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
