"""A worker for one partition without Kafka: logs, arrival patterns, frames, commits, crashes, restores.

It mirrors `streams.agents.customers.Customers` around the real `Partition`: a claim at restore (here acknowledged
before anything else), outputs sent again, commit numbers counted from the restored sequence, reviews of a boundary
spread over frames without records between those of events. What a broker would keep is in `Broker`; what a crash may
lose is whatever was sent or written after the last flush: a random prefix of each becomes durable, independently.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from models.episodes import ALERTS
from models.oracle import Oracle, canonical_states
from models.partition import Partition, Published, Taken
from models.partition_record import PARTITION_KEY, TICKS, State, epoch_of

from models.catalogue.catalogue import Rules
from models.customers.columns import NEVER
from models.engine import Engine
from schemas.event import FEEDS, Event
from schemas.tick import Tick

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MAX_FRAME = 60


class Entry(NamedTuple):
    """A record of a log: when it arrived (its timestamp) and what it says."""

    arrived_ms: int
    content: Event | Tick


Logs = list[list[Entry]]
"""Per-feed logs, ticks in the fifth; the offset is the position."""
Pattern = Callable[[Logs, Sequence[int], random.Random], Iterator[tuple[int, int]]]
"""Yields (log, offset) in the order of arrival, from the given positions on."""


class Daily(Partition):
    """Reviews everybody at every boundary and judges every signal: what scheduling must be indistinguishable from."""

    first_boundary = 0
    _gone_through = -1

    def go_on(self, most: int = NEVER) -> None:  # noqa: ARG002 - always everybody
        for boundary in range(max(self._gone_through + 1, self.first_boundary), self.state.boundary + 1):
            self._gone_through = boundary
            keys = sorted({*self.records, *self._touched} - {PARTITION_KEY})
            everybody = {key.decode(): self._load(key) for key in keys}
            for customer in everybody.values():
                customer.quiet = bytearray()
            self._review_all(everybody, boundary)
            self.schedule.clear()


# -- logs


def logs_of(events: Sequence[Event]) -> Logs:
    """Logs in order of event time, ties in the order given."""
    logs: Logs = [[] for _ in range(TICKS + 1)]
    for event in sorted(events, key=lambda e: e.time_ms):
        logs[event.feed].append(Entry(event.time_ms, event))
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
    logs: Logs, start: Sequence[int], rng: random.Random, delays: Sequence[int] = (0,) * 5
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
        return ((place, offset) for place in (*order, TICKS) for offset in range(start[place], len(logs[place])))

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


@dataclass
class Broker:
    """What survives a crash: the logs, what was flushed, and the committed positions."""

    logs: Logs
    outputs: list[Published] = field(default_factory=list)
    asides: list[tuple[str, int, int]] = field(default_factory=list)
    changelog: list[tuple[bytes, bytes]] = field(default_factory=list)
    committed: list[int] = field(default_factory=lambda: [0] * (TICKS + 1))
    restarts: int = 0

    def restored(self) -> dict[bytes, bytes]:
        """The records of the partition: the highest epoch wins, then the last write."""
        records: dict[bytes, bytes] = {}
        for key, value in self.changelog:
            if key not in records or epoch_of(value) >= epoch_of(records[key]):
                records[key] = value
        return records


class Worker:
    """One life of a worker, from restore to crash. `unflushed` holds what only the next flush makes durable."""

    def __init__(self, broker: Broker, rules: Rules, made: type[Partition], alerts_from_ms: int = 0) -> None:
        self.broker = broker
        self.outputs: list[Published | tuple[str, int, int]] = []
        self.writes: list[tuple[bytes, bytes]] = []
        records = broker.restored()
        epoch = 1 + max((epoch_of(packed) for packed in records.values()), default=0)
        self.partition = made(
            Engine(rules), records, epoch=epoch, alerts_from_ms=alerts_from_ms, limit_dead_letters=False
        )
        self.partition.spreads = True
        self.positions = list(broker.committed)
        self._base = self.partition.state.sequence
        self._committed = self.partition.state.committed
        self._frames = 0
        self.broker.changelog.extend(self.partition.claim().items())  # acknowledged before anything else
        self.outputs.extend(self.partition.unsent())

    def take(self, frame: Sequence[tuple[int, int]], reviews: int = 0) -> None:
        """Process one frame, and review so many who wait; what leaves waits for the next flush."""
        partition = self.partition
        self._frames += 1
        partition.begin(self._committed)
        asides: list[tuple[str, int, int]] = []
        for place, offset in frame:
            content = self.broker.logs[place][offset].content
            self.positions[place] = offset + 1
            if isinstance(content, Tick):
                partition.take_tick(content, offset)
                continue
            taken: Taken = partition.take_event(content, offset)
            if taken.outcome in ("late", "dead_lettered"):
                asides.append((taken.outcome, place, offset))
        partition.go_on(reviews)
        batch = partition.finish()
        self.outputs.extend(asides)
        self.outputs.extend(batch.outputs)
        self.writes.extend(self.ordered(batch.writes))

    def ordered(self, writes: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Records in the order of writing: the partition's own comes last."""
        return list(writes.items())

    def commit(self, *, is_known: bool = True) -> None:
        """Flush outputs and records, then commit the positions; the notice of it may be lost."""
        self._keep(len(self.outputs), len(self.writes))
        self.broker.committed = list(self.positions)
        if is_known:
            self._committed = self._base + self._frames

    def crash(self, rng: random.Random) -> list[tuple[bytes, bytes]]:
        """Die: a prefix of what was sent and of what was written is durable. Returns the writes that were not."""
        outputs, writes = rng.randint(0, len(self.outputs)), rng.randint(0, len(self.writes))
        lost = self.writes[writes:]
        self._keep(outputs, writes)
        return lost

    def _keep(self, outputs: int, writes: int) -> None:
        for output in self.outputs[:outputs]:
            if isinstance(output, Published):
                self.broker.outputs.append(output)
            else:
                self.broker.asides.append(output)
        self.broker.changelog.extend(self.writes[:writes])
        self.outputs, self.writes = [], []


class _Revision(msgspec.Struct):
    alert_id: str
    revision: int
    status: str
    signal: str
    customer_id: str


_revision = msgspec.json.Decoder(_Revision)
Key = tuple[str, str, int]


@dataclass
class Outcome:
    """What a run leaves behind. `told`: payloads by (kind, id, revision)."""

    told: dict[Key, set[bytes]]
    states: list[dict[str, Any]]
    state: State
    asides: set[tuple[str, int, int]]
    customers: dict[Key, str]
    records: dict[bytes, bytes]


def run(
    rules: Rules,
    logs: Logs,
    pattern: Pattern,
    rng: random.Random,
    *,
    crashes: int = 0,
    made: type[Partition] = Partition,
    life: type[Worker] | None = None,
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
    zombie: list[tuple[bytes, bytes]] = []
    live = life or Worker
    worker = live(broker, rules, made, alerts_from_ms)
    stream = pattern(logs, broker.committed, rng)
    while frame := _frame(stream, rng, max_frame):
        worker.take(frame)
        done += len(frame)
        while worker.partition.is_behind and rng.random() < 0.7:
            worker.take([], reviews=rng.randint(1, 3))
        if rng.random() < 0.3:
            worker.commit(is_known=rng.random() < 0.8)
            if zombie:  # a paused worker's writes arrive after those of its successor
                broker.changelog.extend(zombie)
                zombie = []
        if crash_after and done >= crash_after[0]:
            crash_after.pop(0)
            lost = worker.crash(rng)
            zombie = lost[: rng.randint(0, len(lost))] if rng.random() < 0.3 else []
            worker = live(broker, rules, made, alerts_from_ms)
            stream = pattern(logs, broker.committed, rng)
    _last_tick(worker, until_ms)
    worker.take([], reviews=NEVER)
    worker.commit()
    return _outcome(broker, rules, worker.partition)


def _frame(stream: Iterator[tuple[int, int]], rng: random.Random, most: int) -> list[tuple[int, int]]:
    return [entry for _, entry in zip(range(rng.randint(1, most)), stream, strict=False)]


def _with_last_tick(logs: Logs, until_ms: int | None) -> Logs:
    if until_ms is None:
        return logs
    ends = {name: len(logs[feed]) for feed, name in enumerate(FEEDS)}
    last = Entry(until_ms, Tick(until_ms, ends))
    return [*logs[:TICKS], [*logs[TICKS], last]]


def _last_tick(worker: Worker, until_ms: int | None) -> None:
    """A tick read before its feeds had been read that far is void: the next minute's brings the same."""
    if until_ms is None:
        return
    log = worker.broker.logs[TICKS]
    log.append(log[-1])
    worker.take([(TICKS, len(log) - 1)])


def _outcome(broker: Broker, rules: Rules, partition: Partition) -> Outcome:
    told: dict[Key, set[bytes]] = {}
    customers: dict[Key, str] = {}
    for output in broker.outputs:
        key = key_of(output)
        if key[0] != "progress":  # how far each frame came depends on the frames, and only that
            told.setdefault(key, set()).add(output.payload)
            customers[key] = output.customer_id
    states = list(canonical_states(broker.restored().items(), partition.state.boundary, rules))
    return Outcome(told, states, partition.state, set(broker.asides), customers, broker.restored())


def key_of(output: Published) -> Key:
    """What makes an output one of a kind: a revision of an alert, a change of stage, a label that became known."""
    if output.kind not in ALERTS:
        return output.kind, f"{output.customer_id}/{output.ref}", 0
    alert = _revision.decode(output.payload)
    return "alert", alert.alert_id, alert.revision


def oracle(rules: Rules, events: Sequence[Event], until_ms: int | None = None, alerts_from_ms: int = 0) -> Outcome:
    """The truth: the product's own replay over one partition."""
    truth = Oracle(rules, 1, alerts_from_ms)
    outputs: list[Published] = []
    asides: set[tuple[str, int, int]] = set()
    offsets = [0] * TICKS
    for event in sorted(events, key=lambda e: (e.time_ms, e.feed)):
        taken, published = truth.take(event)
        if taken.outcome in ("late", "dead_lettered"):
            asides.add((taken.outcome, event.feed, offsets[event.feed]))
        offsets[event.feed] += 1
        outputs += published
    if until_ms is not None:
        truth.until(until_ms)
    outputs += truth.finish()
    partition = truth.partitions[0]
    told: dict[Key, set[bytes]] = {}
    customers: dict[Key, str] = {}
    for output in outputs:
        if output.kind != "progress":
            told.setdefault(key_of(output), set()).add(output.payload)
            customers[key_of(output)] = output.customer_id
    records = dict(partition.records)
    return Outcome(told, list(truth.states()), partition.state, asides, customers, records)


# -- comparison


def differences(found: Outcome, truth: Outcome, *, is_shuffled: bool = False, limit: int = 3) -> list[str]:
    """What distinguishes a run from the truth, in words; empty when nothing does.

    Payloads are compared byte by byte. Only the announcement (first revision of a signal announced at once) may word
    its evidence by arrival when records were shuffled within their topic.
    """
    told: list[str] = []
    for key, payloads in found.told.items():
        if len(payloads) > 1:
            told.append(f"{key} was told in {len(payloads)} versions: {sorted(payloads)}")
    told += [f"missing {key}: {truth.told[key]!r}" for key in truth.told.keys() - found.told.keys()]
    told += [f"unknown {key}: {found.told[key]!r}" for key in found.told.keys() - truth.told.keys()]
    for key in truth.told.keys() & found.told.keys():
        if truth.told[key] != found.told[key] and not (is_shuffled and key[0] == "alert" and key[2] == 1):
            told.append(f"{key} differs: {truth.told[key]!r} is not {found.told[key]!r}")
    told = sorted(told)[:limit]
    told += _state_differences(found, truth)[:limit]
    if found.state.counts != truth.state.counts:
        told.append(f"counts {found.state.counts} are not {truth.state.counts}")
    if not is_shuffled and found.asides != truth.asides:
        told.append(f"set aside {sorted(found.asides)} are not {sorted(truth.asides)}")
    if found.state.boundary != truth.state.boundary:
        told.append(f"boundary {found.state.boundary} is not {truth.state.boundary}")
    return told


def _state_differences(found: Outcome, truth: Outcome) -> list[str]:
    left = {state["customer_id"]: state for state in found.states}
    right = {state["customer_id"]: state for state in truth.states}
    return [
        f"state of {who}: {left.get(who)} is not {right.get(who)}"
        for who in sorted(left.keys() | right.keys())
        if left.get(who) != right.get(who)
    ]


def counted(state: State) -> list[int]:
    """How many distinct records were counted, by feed: what the outcomes must add up to."""
    return [sum(outcomes) for outcomes in state.counts]
