"""A worker for one partition without Kafka: logs, arrival patterns, frames, snapshots, crashes, restores.

It does around the real `Partition` what a worker does: boundaries that were passed are durable before the first output
of theirs, a snapshot counts once it and everything sent before it is durable, a restart goes on from the newest
snapshot, reads again what came since, and passes boundaries where they were passed. Reviews of a boundary are spread
over calls between those with records. What a broker would keep is in `Broker`; a crash makes a random prefix of the
rest durable.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from models.catalogue.rules import Rules
from models.engine.arrivals import Arrival, Fate, Passed
from models.engine.ledger import COMMANDS, MOVED, TICKS
from models.engine.partition import Partition
from models.engine.replay import Replay, canonical_states
from models.engine.review import Message
from models.engine.snapshot import freeze, load
from models.engine.taking_up import plan
from models.scoring.version import Version
from schemas.alert import AlertV1, decode_alert, encode_alert
from schemas.command import Command
from schemas.erasure import ErasureV1, encode_erasure
from schemas.errors import RejectedError
from schemas.event import FEEDS, Event
from schemas.example import LessonV1, ProgressV1, encode_lesson
from schemas.outcome import OutcomeV1, encode_outcome
from schemas.receipt import ReceiptV1, encode_receipt
from schemas.reviewed import ReviewedV1
from schemas.stage import StageChangeV1, encode_stage_change
from schemas.suppressed import SuppressedV1, encode_suppressed
from schemas.tick import Tick
from streams.files.commands import among

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MAX_FRAME = 60


class Entry(NamedTuple):
    """A record of a log: when it arrived (its timestamp) and what it says."""

    arrived_ms: int
    content: Event | Tick | Command | RejectedError


Logs = list[list[Entry]]
"""Per-feed logs, then those of ticks and commands; the offset is the position."""
Pattern = Callable[[Logs, Sequence[int], random.Random], Iterator[tuple[int, int]]]
"""Yields (log, offset) in the order of arrival, from the given positions on."""
Versions = Callable[[int], Version | None]
"""By boundary, the version of the model that a worker has in force when it is passed."""


# -- logs


def logs_of(events: Sequence[Event], commands: Sequence[Command] = ()) -> Logs:
    """Logs in order of time, ties in the order given."""
    logs: Logs = [[] for _ in range(MOVED + 1)]
    for event in sorted(events, key=lambda e: e.time_ms):
        logs[event.feed].append(Entry(event.time_ms, event))
    logs[COMMANDS] = [Entry(one.at_ms, one) for one in sorted(commands, key=lambda one: one.at_ms)]
    return logs


def shuffled(logs: Logs, rng: random.Random, bound_ms: int = HOUR_MS) -> Logs:
    """Records delayed within their own topic by up to the bound on disorder."""
    moved = [
        [Entry(entry.arrived_ms + rng.randrange(bound_ms), entry.content) for entry in log] if place < TICKS else log
        for place, log in enumerate(logs)
    ]
    return [sorted(log, key=lambda entry: entry.arrived_ms) for log in moved]


# -- arrival patterns


def by_time(
    logs: Logs, start: Sequence[int], rng: random.Random, delays: Sequence[int] = (0,) * (MOVED + 1)
) -> Iterator[tuple[int, int]]:
    """All logs in step by the records' timestamps, each delayed by its own constant."""
    rows = [
        (entry.arrived_ms + delays[place], place, offset)
        for place, log in enumerate(logs)
        for offset, entry in enumerate(log)
        if offset >= start[place]
    ]
    return ((place, offset) for _, place, offset in sorted(rows))


def aligned(logs: Logs, start: Sequence[int], rng: random.Random) -> Iterator[tuple[int, int]]:
    """Random fetches, read in step: always from the log whose next buffered record is the oldest."""
    positions, fetched = list(start), list(start)
    while True:
        for place, log in enumerate(logs):
            if fetched[place] <= positions[place] < len(log):
                fetched[place] = min(len(log), positions[place] + rng.randint(1, 80))
        heads = [
            (log[positions[p]].arrived_ms, rng.random(), p) for p, log in enumerate(logs) if positions[p] < len(log)
        ]
        if not heads:
            return
        place = min(heads)[2]
        yield place, positions[place]
        positions[place] += 1


def mixed(logs: Logs, start: Sequence[int], rng: random.Random) -> Iterator[tuple[int, int]]:
    """Random fetches of random topics, as a plain consumer loop on a backlog sees them."""
    positions = list(start)
    while open_logs := [place for place, log in enumerate(logs) if positions[place] < len(log)]:
        place = rng.choice(open_logs)
        for _ in range(min(rng.choice((1, 5, 30, 150)), len(logs[place]) - positions[place])):
            yield place, positions[place]
            positions[place] += 1


def delayed(logs: Logs, start: Sequence[int], rng: random.Random) -> Iterator[tuple[int, int]]:
    """Each topic late by a random constant below the bound on disorder."""
    return by_time(logs, start, rng, [rng.randrange(HOUR_MS) for _ in logs])


def topic_after_topic(order: Sequence[int]) -> Pattern:
    """One whole topic, then the next."""

    def pattern(logs: Logs, start: Sequence[int], rng: random.Random) -> Iterator[tuple[int, int]]:
        return (
            (place, offset) for place in (*order, TICKS, COMMANDS) for offset in range(start[place], len(logs[place]))
        )

    return pattern


PATTERNS: dict[str, Pattern] = {
    "sorted": by_time,
    "purchases to e-mails": topic_after_topic((0, 1, 2, 3)),
    "e-mails to purchases": topic_after_topic((3, 2, 1, 0)),
    "tickets first": topic_after_topic((2, 0, 3, 1)),
    "tickets last": topic_after_topic((1, 3, 0, 2)),
    "aligned": aligned,
    "mixed": mixed,
    "delayed": delayed,
}


# -- the broker and the worker


class Aside(NamedTuple):
    """A record set aside: late, or refused."""

    outcome: str
    place: int
    offset: int


@dataclass
class Broker:
    """What survives a crash: the logs, outputs, boundaries that were passed, and the newest snapshot."""

    logs: Logs
    outputs: list[Message] = field(default_factory=list)
    asides: set[Aside] = field(default_factory=set)
    begun: dict[int, Passed] = field(default_factory=dict)
    snapshot: bytes | None = None
    snapshots: int = 0
    read: list[int] = field(default_factory=lambda: [0] * (MOVED + 1))
    """By log, the offset behind what any life has read."""
    versions: dict[str, Version] = field(default_factory=dict)
    slips: list[str] = field(default_factory=list)
    """Boundaries that were passed elsewhere, or with another version of the model, when they were passed again."""

    def keep(self, sent: Message | Aside | Passed | bytes) -> None:
        """Make something that was sent durable."""
        if isinstance(sent, Aside):
            self.asides.add(sent)
        elif isinstance(sent, Passed):
            if self.begun.get(sent.boundary, sent) != sent:
                self.slips.append(f"{self.begun[sent.boundary]} was passed again as {sent}")
            self.begun[sent.boundary] = sent
        elif isinstance(sent, bytes):
            self.snapshot = sent
            self.snapshots += 1
        else:
            self.outputs.append(sent)


@dataclass(frozen=True)
class Kind:
    """Which worker: `made` builds a new partition, `restored` one from a snapshot."""

    made: type[Partition] = Partition
    expects: bool = True
    """Whether boundaries are passed again where they were passed."""
    versions: Versions = lambda _boundary: None
    spreads: bool = True


class Worker:
    """One life of a worker, from restore to crash. `unflushed` holds what is sent and not durable yet, in order."""

    def __init__(self, broker: Broker, rules: Rules, kind: Kind = Kind(), alerts_from_ms: int = 0) -> None:
        self.broker, self._kind = broker, kind
        self.unflushed: list[Message | Aside | Passed | bytes] = []
        self.partition = self._restored(rules, alerts_from_ms)
        self.partition.spreads = kind.spreads
        self.partition.versions = self._version_of
        self.positions = [offset + 1 for offset in self.partition.ledger.covered]
        self._held: list[deque[int]] = [deque() for _ in broker.logs]
        expected = [broker.begun[boundary] for boundary in sorted(broker.begun)] if kind.expects else []
        self._last_expected = expected[-1].boundary if expected else -1
        self.partition.expect(expected)

    def _restored(self, rules: Rules, alerts_from_ms: int) -> Partition:
        if self.broker.snapshot is None:
            return self._kind.made(rules, alerts_from_ms=alerts_from_ms, limit_dead_letters=False)
        partition = load(self.broker.snapshot, rules, limit_dead_letters=False)
        partition.__class__ = self._kind.made  # a test double adds no state of its own
        return partition

    def _version_of(self, boundary: int) -> Version | None:
        """The version a boundary was begun with, or else the one in force."""
        begun = self.broker.begun.get(boundary)
        if begun is not None and self._kind.expects:
            return None if begun.version is None else self.broker.versions[begun.version]
        version = self._kind.versions(boundary)
        if version is not None:
            self.broker.versions[version.name] = version
        return version

    def take(self, frame: Sequence[tuple[int, int]], reviews: int = 0) -> None:
        """Process one frame, and judge about so many who wait; what leaves waits for the next flush."""
        together: list[tuple[int, int]] = []
        for place, offset in frame:
            self.broker.read[place] = max(self.broker.read[place], offset + 1)
        for record in frame:
            if self.partition.boundary < self._last_expected:
                self._take_in_turn(*record)
            else:
                together.append(record)
        self._observe(together)
        self.partition.go_on(reviews)
        self.unflushed += self.partition.drain()

    def _take_in_turn(self, place: int, offset: int) -> None:
        """Take a record when it is its turn: behind a boundary that was passed before it, and behind its own topic."""
        self._held[place].append(offset)
        while sum(self._take_held(place) for place in range(len(self._held))):
            pass  # what was taken of one topic may let another go on

    def _take_held(self, place: int) -> bool:
        held, before = self._held[place], len(self._held[place])
        while held and not self.partition.is_beyond(place, held[0]):
            self._observe([(place, held.popleft())])
        return len(held) < before

    def _observe(self, records: Sequence[tuple[int, int]]) -> None:
        arrivals = [Arrival(place, offset, self.broker.logs[place][offset].content) for place, offset in records]
        fates = self.partition.observe(arrivals)
        self.unflushed += self.partition.passed
        self.partition.passed.clear()
        self.unflushed += sorted(_set_aside(records, fates))

    def save(self) -> None:
        """Take a snapshot, unless a boundary is being judged."""
        if not self.partition.is_behind:
            self.unflushed.append(freeze(self.partition).to_bytes())

    def flush(self) -> None:
        """Everything sent is durable now."""
        for sent in self.unflushed:
            self.broker.keep(sent)
        self.unflushed = []

    def crash(self, rng: random.Random) -> None:
        """Die: a prefix of what was sent is durable; a snapshot is in several pieces and may lack one."""
        for sent in self.unflushed[: rng.randint(0, len(self.unflushed))]:
            if not isinstance(sent, bytes) or rng.random() < 0.7:
                self.broker.keep(sent)

    @property
    def is_waiting(self) -> bool:
        """Whether a record waits for its turn."""
        return any(self._held)


Key = tuple[str, str, int]


@dataclass
class Outcome:
    """What a run leaves behind. `told`: payloads by (kind, id, revision)."""

    told: dict[Key, set[bytes]]
    customers: dict[Key, str]
    asides: set[Aside]
    partition: Partition
    states: list[dict[str, Any]]
    begun: dict[int, Passed] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    slips: list[str] = field(default_factory=list)

    @property
    def counts(self) -> list[dict[str, int]]:
        """How many records had which outcome, by feed."""
        return self.partition.ledger.counts


def run(
    rules: Rules,
    logs: Logs,
    pattern: Pattern,
    rng: random.Random,
    *,
    crashes: int = 0,
    kind: Kind = Kind(),
    life: type[Worker] = Worker,
    alerts_from_ms: int = 0,
    max_frame: int = MAX_FRAME,
    until_ms: int | None = None,
) -> Outcome:
    """Feed the logs to workers that die `crashes` times; a last tick moves the clock to `until_ms`."""
    logs = _with_last_tick(logs, until_ms)
    broker = Broker(logs)
    total = sum(map(len, logs))
    crash_after = sorted(rng.randint(0, total) for _ in range(crashes))
    done = 0
    worker = life(broker, rules, kind, alerts_from_ms)
    stream = pattern(logs, worker.positions, rng)
    while frame := _frame(stream, rng, max_frame):
        worker.take(frame)
        done += len(frame)
        while worker.partition.is_behind and rng.random() < 0.7:
            worker.take([], reviews=rng.randint(1, 3))
        if rng.random() < 0.3:
            worker.save()
        if rng.random() < 0.3:
            worker.flush()
        while crash_after and done >= crash_after[0]:
            crash_after.pop(0)
            worker.crash(rng)
            worker = life(broker, rules, kind, alerts_from_ms)
            again = [max(0, position - rng.choice((0, 0, 1, 9))) for position in worker.positions]  # some twice
            stream = pattern(logs, again, rng)
            if crash_after and rng.random() < 0.3:  # dies again, before it is where it was
                done = max(done, crash_after[0])
                worker.take(_frame(stream, rng, max_frame), reviews=rng.randint(0, 3))
    _last_tick(worker, until_ms)
    worker.take([], reviews=1 << 60)
    worker.flush()
    assert not worker.is_waiting
    return _outcome(broker, worker.partition)


def _frame(stream: Iterator[tuple[int, int]], rng: random.Random, most: int) -> list[tuple[int, int]]:
    return [entry for _, entry in zip(range(rng.randint(1, most)), stream, strict=False)]


def _with_last_tick(logs: Logs, until_ms: int | None) -> Logs:
    if until_ms is None:
        return logs
    return [*logs[:TICKS], [*logs[TICKS], Entry(until_ms, tick_at(until_ms, logs))], *logs[COMMANDS:]]


def tick_at(now_ms: int, logs: Logs) -> Tick:
    """What a worker writes at an instant when it has read everything that had arrived by then."""
    ends = {name: sum(entry.arrived_ms <= now_ms for entry in logs[feed]) for feed, name in enumerate(FEEDS)}
    return Tick(now_ms, ends)


def _last_tick(worker: Worker, until_ms: int | None) -> None:
    """A tick read before its feeds had been read that far is void: the next minute's brings the same."""
    if until_ms is None:
        return
    log = worker.broker.logs[TICKS]
    log.append(log[-1])
    worker.take([(TICKS, len(log) - 1)])


def _outcome(broker: Broker, partition: Partition) -> Outcome:
    told, customers = by_key(broker.outputs)
    states = list(canonical_states(partition))
    return Outcome(told, customers, broker.asides, partition, states, broker.begun, broker.versions, broker.slips)


def by_key(messages: Sequence[Message]) -> tuple[dict[Key, set[bytes]], dict[Key, str]]:
    """Payloads and customers by what makes a message one of a kind: a revision, a change of stage, known labels."""
    told: dict[Key, set[bytes]] = {}
    customers: dict[Key, str] = {}
    for message in messages:
        if isinstance(message, ProgressV1 | ReviewedV1):  # how far each frame came depends on the frames, and only that
            continue
        key, payload = _identified(message)
        told.setdefault(key, set()).add(payload)
        customers[key] = _customer_of(message)
    return told, customers


def _customer_of(message: AlertV1 | StageChangeV1 | LessonV1 | ReceiptV1 | SuppressedV1 | OutcomeV1 | ErasureV1) -> str:
    if isinstance(message, ErasureV1):
        return message.customer
    return message.alert.customer_id if isinstance(message, SuppressedV1) else message.customer_id


def _identified(
    message: AlertV1 | StageChangeV1 | LessonV1 | ReceiptV1 | SuppressedV1 | OutcomeV1 | ErasureV1,
) -> tuple[Key, bytes]:
    if isinstance(message, AlertV1):
        return ("alert", message.alert_id, message.revision), encode_alert(message)
    if isinstance(message, StageChangeV1):
        return ("stage", message.id, 0), encode_stage_change(message)
    if isinstance(message, ReceiptV1 | ErasureV1):
        kind = "receipt" if isinstance(message, ReceiptV1) else "erasure"
        payload = encode_receipt(message) if isinstance(message, ReceiptV1) else encode_erasure(message)
        return (kind, payload.hex(), 0), payload
    if isinstance(message, SuppressedV1):
        return ("held", message.alert.alert_id, message.alert.revision), encode_suppressed(message)
    if isinstance(message, OutcomeV1):
        return ("outcome", message.alert_id, 0), encode_outcome(message)
    payload = encode_lesson(message)
    return ("lesson", payload.hex(), 0), payload


def oracle(
    rules: Rules,
    events: Sequence[Event],
    until_ms: int | None = None,
    alerts_from_ms: int = 0,
    commands: Sequence[Command] = (),
    then: Sequence[tuple[int, Rules]] = (),
) -> Outcome:
    """The truth: the product's own replay over one partition; `then`: other catalogues, by boundary."""
    replay = Replay(rules, 1, alerts_from_ms)
    noting = _Noting(rules, alerts_from_ms=alerts_from_ms, limit_dead_letters=False)
    plan(noting, then)
    replay.partitions = [noting]
    in_order = sorted(events, key=lambda e: (e.time_ms, e.feed))
    for one in among(sorted(commands, key=lambda one: one.at_ms), in_order):
        replay.take(one)
    if until_ms is not None:
        replay.until(until_ms)
    told, customers = by_key(replay.drain())
    return Outcome(told, customers, noting.asides, noting, list(replay.states()))


class _Noting(Partition):
    """Notes what is set aside."""

    def observe(self, arrivals: Sequence[Arrival]) -> list[Fate]:
        fates = super().observe(arrivals)
        self.asides |= _set_aside([one[:2] for one in arrivals], fates)
        return fates

    @cached_property
    def asides(self) -> set[Aside]:
        """All of them so far."""
        return set()


def _set_aside(records: Sequence[tuple[int, int]], fates: Sequence[Fate]) -> set[Aside]:
    return {
        Aside(fate.outcome, *record)
        for record, fate in zip(records, fates, strict=True)
        if fate.outcome in ("late", "dead_lettered")
    }


def told_again(rules: Rules, logs: Logs, found: Outcome, *, alerts_from_ms: int = 0) -> Outcome:
    """An undisturbed worker that passes every boundary where they were passed in a run: what must agree with it."""
    broker = Broker(logs, begun=dict(found.begun), versions=found.versions)
    worker = Worker(broker, rules, Kind(spreads=False), alerts_from_ms)
    worker.take(list(by_time(logs, worker.positions, random.Random(0))))
    worker.flush()
    assert not worker.is_waiting
    return _outcome(broker, worker.partition)


# -- comparison


def without_forsaken(found: Outcome, truth: Outcome) -> Outcome:
    """A run without the early alerts that a life fired for an event that a later life found late.

    A boundary that was not begun yet may be passed sooner after a crash where feeds are not read in step. What was in
    time then is late, and what it fired stands alone: comparing open alerts with what is open puts that right.
    """

    def is_forsaken(key: Key, payload: bytes) -> bool:
        is_early = key[0] == "alert" and key[2] == 1 and decode_alert(payload).stage is None
        return is_early and payload not in truth.told.get(key, ())

    told = {key: {one for one in payloads if not is_forsaken(key, one)} for key, payloads in found.told.items()}
    return replace(found, told={key: payloads for key, payloads in told.items() if payloads})


def differences(found: Outcome, truth: Outcome, *, is_shuffled: bool = False, limit: int = 3) -> list[str]:
    """What distinguishes a run from the truth, in words; empty when nothing does.

    Payloads are compared byte by byte. Only what is fired early (first revision of a presence signal) may word its
    evidence by arrival when records were shuffled within their topic: then the wording that stands there counts.
    """
    told: list[str] = []

    def may_vary(key: Key) -> bool:
        return is_shuffled and key[0] == "alert" and key[2] == 1

    for key, payloads in found.told.items():
        if len(payloads) > 1 and not may_vary(key):
            told.append(f"{key} was told in {len(payloads)} versions: {sorted(payloads)}")
    told += [f"missing {key}: {truth.told[key]!r}" for key in truth.told.keys() - found.told.keys()]
    told += [f"unknown {key}: {found.told[key]!r}" for key in found.told.keys() - truth.told.keys()]
    for key in truth.told.keys() & found.told.keys():
        if truth.told[key] != found.told[key] and not may_vary(key):
            told.append(f"{key} differs: {truth.told[key]!r} is not {found.told[key]!r}")
    told = sorted(told)[:limit] + found.slips[:limit]
    told += _state_differences(found, truth)[:limit]
    if found.partition.ledger.commands != truth.partition.ledger.commands:
        told.append(f"{found.partition.ledger.commands} are not {truth.partition.ledger.commands}")
    if found.counts != truth.counts:
        told.append(f"counts {found.counts} are not {truth.counts}")
    if not is_shuffled and found.asides != truth.asides:
        told.append(f"set aside {sorted(found.asides)} are not {sorted(truth.asides)}")
    if found.partition.boundary != truth.partition.boundary:
        told.append(f"boundary {found.partition.boundary} is not {truth.partition.boundary}")
    return told


def _state_differences(found: Outcome, truth: Outcome) -> list[str]:
    left = {state["customer_id"]: state for state in found.states}
    right = {state["customer_id"]: state for state in truth.states}
    return [
        f"state of {who}: {left.get(who)} is not {right.get(who)}"
        for who in sorted(left.keys() | right.keys())
        if left.get(who) != right.get(who)
    ]


def counted(outcome: Outcome) -> list[int]:
    """How many distinct records were counted, by feed: what the outcomes must add up to."""
    return [sum(of_feed.values()) for of_feed in outcome.counts]
