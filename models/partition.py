"""One partition at work: frames go in; changed records and outputs come out. Worker and `replay` run this same code.

The partition knows its clock (the watermark over the declared feeds), its calendar of reviews, and its counters; all of
it is in the partition record, which is written last in each frame. `records` is the store of packed records.
"""

from collections import Counter, deque
from collections.abc import Mapping, MutableMapping
from heapq import heappop, heappush
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from models.customer import (
    NEVER,
    RECORD_VERSION,
    Customer,
    Parcel,
    Verdict,
    decode_customer,
    encode_customer,
    peek,
)
from models.engine import Engine
from models.episodes import Output
from schemas.event import FEEDS, Event
from schemas.tick import Tick

PARTITION_KEY = b"\x00partition"
"""Reserved: no customer id can begin with a zero byte."""
OUTCOMES = ("applied", "applied_late", "duplicate", "late", "dead_lettered")
Outcome = Literal["applied", "applied_late", "duplicate", "late", "dead_lettered"]
_OUTCOME_INDEX = {name: index for index, name in enumerate(OUTCOMES)}
TICKS = len(FEEDS)
"""The tick topic's place beside the feeds in `covered`."""
REJECTIONS_IN_A_ROW = 1_000
REJECTION_WINDOW = 10_000
REJECTION_SHARE = 0.05
"""Past these limits the source is broken, not a record: stopping keeps the dead-letter topic from taking it all."""


SWEEP = 100
"""Records a frame may rewrite only to drop outputs that are safely out; more when it touches more anyway."""


class State(Struct, array_like=True):
    """What a partition knows besides its customers. Lists are by feed, -1 standing for none yet."""

    covered: list[int] = msgspec.field(default_factory=lambda: [-1] * (TICKS + 1))
    highs: list[int] = msgspec.field(default_factory=lambda: [-1] * TICKS)
    boundary: int = -1
    counts: list[list[int]] = msgspec.field(default_factory=lambda: [[0] * len(OUTCOMES) for _ in FEEDS])
    reasons: dict[str, int] = {}
    alerts_from_ms: int = 0
    sequence: int = 0
    committed: int = 0
    catalogue: str = ""
    taken: int = 0
    rejected_in_a_row: int = 0
    rejected_at: list[int] = []
    late: list[Verdict] = []
    conflicts: list[Verdict] = []


_state_encoder = msgspec.msgpack.Encoder()
_state_decoder = msgspec.msgpack.Decoder(State)


class DeadLetterLimitError(Exception):
    """Too much of the input is refused: the worker stops instead of pouring a broken source into the dead letters."""

    def __init__(self, in_a_row: int, of_last: int) -> None:
        super().__init__(
            f"{in_a_row} records refused in a row, {of_last} of the last {REJECTION_WINDOW}; limits are "
            f"{REJECTIONS_IN_A_ROW} in a row and {REJECTION_SHARE:.0%}"
        )
        self.in_a_row, self.of_last = in_a_row, of_last

    def __reduce__(self) -> tuple[type["DeadLetterLimitError"], tuple[int, int]]:
        return type(self), (self.in_a_row, self.of_last)


class Published(NamedTuple):
    """An output with the customer it is about."""

    customer_id: str
    kind: str
    ref: str
    payload: bytes


class Batch(NamedTuple):
    """What a frame changed: packed records by key, the partition's own last, and what is to be published."""

    writes: dict[bytes, bytes]
    outputs: list[Published]


class Taken(NamedTuple):
    """What became of an event. `is_again`: a redelivery, not counted; `outcome` then says what to publish once more.

    `boundary`: of a late event, the boundary that it missed, the same at each redelivery.
    """

    outcome: Outcome
    is_again: bool = False
    reason: str | None = None
    boundary: int = -1


class Partition:
    """The state machine of one partition. Not thread-safe; it never waits."""

    def __init__(
        self,
        engine: Engine,
        records: MutableMapping[bytes, bytes],
        *,
        epoch: int = 1,
        alerts_from_ms: int = 0,
        limit_dead_letters: bool = True,
    ) -> None:
        self.engine = engine
        self.records = records
        self.epoch = epoch
        self.limit_dead_letters = limit_dead_letters
        self.calendar = engine.calendar
        self.basis = engine.basis
        self._touched: dict[bytes, Customer] = {}
        self._outputs: list[Published] = []
        self._pending: dict[tuple[int, int], dict[bytes, None]] = {}
        self._calendar: dict[int, list[bytes]] = {}
        self._days: list[int] = []
        self._reached = [-1] * TICKS
        self.reviews = 0
        packed = records.get(PARTITION_KEY)
        if packed is None:
            self.state = State(alerts_from_ms=alerts_from_ms, catalogue=engine.rules.hash)
        else:
            self.state = decode_state(packed)
        engine.alerts_from_ms = self.state.alerts_from_ms
        self._unswept: deque[tuple[int, bytes]] = deque()
        self.standings: Counter[tuple[str, bool]] = Counter()
        self._restore()
        self._set_boundary(self.state.boundary)

    # -- restore

    def _restore(self) -> None:
        """Rebuild the calendar and what waits from each record's own header."""
        changed = self.state.catalogue != self.engine.rules.hash
        for key, packed in self.records.items():
            if key == PARTITION_KEY:
                continue
            header = peek(packed)
            self.standings[header.stage, header.is_at_risk] += 1
            due = header.due
            if changed:
                due = self.state.boundary + 1
                customer = self._load(key)
                customer.due, customer.quiet = due, []
            if due < NEVER:
                self._schedule(key, due)
            if header.has_outbox:
                self._unswept.append((self.state.sequence, key))
            if header.has_pending:
                for feed, day in decode_customer(packed).pending:
                    self._pending.setdefault((feed, day), {})[key] = None

    def unsent(self) -> list[Published]:
        """Outputs whose cause may not be committed: the same bytes must go out again after a restore."""
        outputs = []
        for key, packed in self.records.items():
            if key != PARTITION_KEY and peek(packed).has_outbox:
                customer_id = key.decode()
                outputs += [
                    Published(customer_id, parcel.kind, parcel.ref, parcel.payload)
                    for parcel in decode_customer(packed).outbox
                    if parcel.sequence > self.state.committed
                ]
        return outputs

    def claim(self) -> dict[bytes, bytes]:
        """The partition record under the new epoch: written at restore, it marks who owns the partition."""
        self.records[PARTITION_KEY] = encode_state(self.state, self.epoch)
        return {PARTITION_KEY: self.records[PARTITION_KEY]}

    # -- a frame

    def begin(self, committed: int) -> None:
        """Start a frame; `committed` is the highest frame whose offsets are known to be committed."""
        state = self.state
        state.sequence += 1
        state.committed = max(state.committed, committed)
        state.late = self._still_needed(state.late, self._reached)
        state.conflicts = self._still_needed(state.conflicts, self._reached)

    def _still_needed(self, entries: list[Verdict], positions: list[int]) -> list[Verdict]:
        """Entries whose frame is not known to be committed, or whose event is still to come again after a restore."""
        committed = self.state.committed
        return [entry for entry in entries if entry.sequence > committed or entry.offset > positions[entry.feed]]

    def finish(self) -> Batch:
        """End the frame: pack what was touched, the partition record last."""
        writes = {}
        committed = self.state.committed
        self._sweep(committed)
        for key, customer in self._touched.items():
            if customer.outbox or customer.verdicts:
                customer.outbox = [parcel for parcel in customer.outbox if parcel.sequence > committed]
                customer.verdicts = self._still_needed(customer.verdicts, self.state.covered)
                if customer.outbox or customer.verdicts:
                    self._unswept.append((self.state.sequence, key))
            customer.is_at_risk = self.engine.is_at_risk(customer)
            packed = encode_customer(customer, self.epoch)
            self._count_standing(self.records.get(key), -1)
            self._count_standing(packed, 1)
            writes[key] = self.records[key] = packed
        self.state.catalogue = self.engine.rules.hash  # not before the customers it put on the calendar are written
        writes[PARTITION_KEY] = self.records[PARTITION_KEY] = encode_state(self.state, self.epoch)
        outputs = self._outputs
        self._touched, self._outputs = {}, []
        return Batch(writes, outputs)

    def _sweep(self, committed: int) -> None:
        """Load records whose outbox is committed, so that it leaves them and memory: as many as the frame touched."""
        room = max(SWEEP, len(self._touched))
        while self._unswept and room and self._unswept[0][0] <= committed:
            self._find(self._unswept.popleft()[1])
            room -= 1

    def take_event(self, event: Event, offset: int) -> Taken:
        """Fold one accepted event, move the clock, review whoever became due."""
        feed, state = event.feed, self.state
        self._reached[feed] = offset
        if offset <= state.covered[feed]:
            return self._again(feed, offset)
        state.covered[feed] = offset
        state.taken += 1
        outcome, reason = self._apply(event, offset)
        state.counts[feed][_OUTCOME_INDEX[outcome]] += 1
        if outcome == "dead_lettered":
            self._count_rejection(reason or "")
        else:
            state.rejected_in_a_row = 0
            self._move(feed, event.time_ms)
        return Taken(outcome, reason=reason, boundary=state.boundary if outcome == "late" else -1)

    def take_rejected(self, feed: int, offset: int, reason: str) -> Taken:
        """Count a record that does not keep the contract; raises DeadLetterLimitError past the limits."""
        state = self.state
        self._reached[feed] = offset
        if offset <= state.covered[feed]:
            return Taken("dead_lettered", is_again=True, reason=reason)
        state.covered[feed] = offset
        state.taken += 1
        state.counts[feed][_OUTCOME_INDEX["dead_lettered"]] += 1
        self._count_rejection(reason)
        return Taken("dead_lettered", reason=reason)

    def take_tick(self, tick: Tick, offset: int) -> None:
        """Let the clock move the feeds that were idle when the tick was written, if they have been read that far."""
        state = self.state
        if offset <= state.covered[TICKS]:
            return
        state.covered[TICKS] = offset
        self.lift(
            tick.now_ms, [f for f, name in enumerate(FEEDS) if state.covered[f] + 1 >= tick.idle.get(name, NEVER)]
        )

    def take_bad_tick(self, offset: int) -> None:
        """Pass over a tick that cannot be read: the next minute brings another."""
        self.state.covered[TICKS] = max(self.state.covered[TICKS], offset)

    def lift(self, now_ms: int, feeds: list[int]) -> None:
        """Raise the clocks of feeds to an instant, as a tick does."""
        for feed in feeds:
            self._move(feed, now_ms)

    def _count_standing(self, packed: bytes | None, change: int) -> None:
        """Keep the number of customers by stage and risk without ever scanning them."""
        if packed is not None:
            header = peek(packed)
            self.standings[header.stage, header.is_at_risk] += change

    # -- events

    def _again(self, feed: int, offset: int) -> Taken:
        late = self._kept_on(self.state.late, feed, offset)
        if late is not None:
            return Taken("late", is_again=True, boundary=late.boundary)
        if self._kept_on(self.state.conflicts, feed, offset) is not None:
            return Taken("dead_lettered", is_again=True, reason="id_conflict")
        return Taken("applied", is_again=True)

    def _kept_on(self, entries: list[Verdict], feed: int, offset: int) -> Verdict | None:
        """The verdict on an event that came again; kept from now on until this frame is committed."""
        for place, entry in enumerate(entries):
            if entry.feed == feed and entry.offset == offset:
                entries[place] = msgspec.structs.replace(entry, sequence=self.state.sequence)
                return entry
        return None

    def _apply(self, event: Event, offset: int) -> tuple[Outcome, str | None]:
        feed, state = event.feed, self.state
        key = event.customer_id.encode()
        customer = self._find(key)
        if customer is not None and offset <= customer.offsets[feed]:
            return self._recount(customer, feed, offset)
        is_declared = feed in self.basis.feeds  # other feeds decide nothing and have no clock: they are never late
        if is_declared and event.time_ms < self._boundary_ms - self.basis.lateness_ms:
            state.late.append(Verdict(state.sequence, feed, offset, "late", state.boundary))
            return "late", None
        day = self.calendar.day_of(event.time_ms)
        if customer is None:
            customer = self._touched[key] = Customer()
        reviewed = max(state.boundary, customer.reviewed)  # after a crash in the middle of a boundary some are ahead
        is_late = is_declared and (event.time_ms < self._boundary_ms or day < customer.reviewed)
        observed = self.engine.observe(customer, event, offset, day)
        if observed == "duplicate":
            customer.verdicts.append(Verdict(state.sequence, feed, offset, "duplicate"))
            return "duplicate", None
        if observed == "id_conflict":
            customer.verdicts.append(Verdict(state.sequence, feed, offset, "dead_lettered"))
            state.conflicts.append(Verdict(state.sequence, feed, offset, "dead_lettered"))
            return "dead_lettered", "id_conflict"
        if is_late:
            customer.has_late = True
            customer.verdicts.append(Verdict(state.sequence, feed, offset, "applied_late"))
            self._look_at(key, customer, reviewed + 1)
            return "applied_late", None
        self._look_at(key, customer, max(day, reviewed) + 1)
        if self.engine.may_announce(event):
            self._announce_or_wait(key, customer, feed, day, event.time_ms)
        return "applied", None

    def _recount(self, customer: Customer, feed: int, offset: int) -> tuple[Outcome, str | None]:
        """The outcome of an event that the customer's record holds already and the partition's does not count."""
        verdict = self._kept_on(customer.verdicts, feed, offset)
        if verdict is None:
            return "applied", None
        if verdict.outcome == "dead_lettered":
            self.state.conflicts.append(Verdict(self.state.sequence, feed, offset, "dead_lettered"))
            return "dead_lettered", "id_conflict"
        return ("duplicate", None) if verdict.outcome == "duplicate" else ("applied_late", None)

    def _count_rejection(self, reason: str) -> None:
        state = self.state
        state.reasons[reason] = state.reasons.get(reason, 0) + 1
        if not self.limit_dead_letters:  # what passes knowingly is not held against what comes after
            state.rejected_in_a_row, state.rejected_at = 0, []
            return
        state.rejected_in_a_row += 1
        horizon = state.taken - REJECTION_WINDOW
        state.rejected_at = [at for at in state.rejected_at if at > horizon]
        state.rejected_at.append(state.taken)
        too_many = state.taken >= REJECTION_WINDOW and len(state.rejected_at) > REJECTION_SHARE * REJECTION_WINDOW
        if state.rejected_in_a_row > REJECTIONS_IN_A_ROW or too_many:
            raise DeadLetterLimitError(state.rejected_in_a_row, len(state.rejected_at))

    # -- announcements

    def _announce_or_wait(self, key: bytes, customer: Customer, feed: int, day: int, time_ms: int) -> None:
        """Announce at once, unless an event of an earlier day can still arrive: within the bound of disorder it can."""
        if max(self.state.highs[feed], time_ms) >= self._settled_ms(day):
            self._announce(key, customer, feed, day)
        elif (feed, day) not in customer.pending:
            customer.pending.append((feed, day))
            self._pending.setdefault((feed, day), {})[key] = None

    def _settled_ms(self, day: int) -> int:
        """When a feed's clock shows this, no event of an earlier day is still to come."""
        return self.calendar.start_of(day) + self.basis.disorder_ms

    def _announce(self, key: bytes, customer: Customer, feed: int, day: int) -> None:
        customer_id = key.decode()
        self._publish(customer_id, customer, self.engine.announce(customer, customer_id, feed, day))

    def _release(self, feed: int, high_ms: int) -> None:
        """Announce what had to wait for the feed's clock."""
        ripe = sorted(entry for entry in self._pending if entry[0] == feed and self._settled_ms(entry[1]) <= high_ms)
        for entry in ripe:
            for key in self._pending.pop(entry):
                customer = self._load(key)
                customer.pending = [waiting for waiting in customer.pending if tuple(waiting) != entry]
                self._announce(key, customer, *entry)

    # -- the clock and the calendar

    def _move(self, feed: int, time_ms: int) -> None:
        """Raise a feed's clock, which never falls; pass the boundaries that the watermark has reached."""
        highs = self.state.highs
        if time_ms <= highs[feed]:
            return
        highs[feed] = time_ms
        if self._pending:
            self._release(feed, time_ms)
        if time_ms >= self._next_turn_ms:
            self._advance()

    @property
    def watermark_ms(self) -> int | None:
        """The least clock over the declared feeds, less the bound of disorder; None until each has shown an event."""
        least = min(self.state.highs[feed] for feed in self.basis.feeds)
        return None if least < 0 else least - self.basis.disorder_ms

    def _advance(self) -> None:
        watermark = self.watermark_ms
        if watermark is None:
            return
        target = self.calendar.day_of(watermark)
        if target <= self.state.boundary:
            return
        self._review_until(target)
        self._set_boundary(target)

    def _set_boundary(self, boundary: int) -> None:
        self.state.boundary = boundary
        self._boundary_ms = -1 if boundary < 0 else self.calendar.start_of(boundary)
        self._next_turn_ms = 0 if boundary < 0 else self.calendar.start_of(boundary + 1) + self.basis.disorder_ms

    def _review_until(self, target: int) -> None:
        """Review, day by day, every customer whose day has come."""
        while self._days and self._days[0] <= target:
            day = heappop(self._days)
            for key in self._calendar.pop(day):
                if key in self._touched or peek(self.records[key]).due == day:
                    customer = self._load(key)
                    if customer.due == day:
                        self._review(key, customer, day)

    def _review(self, key: bytes, customer: Customer, boundary: int) -> None:
        customer_id = key.decode()
        self._publish(customer_id, customer, self.engine.review(customer, customer_id, boundary))
        self.reviews += 1
        if customer.due < NEVER:
            self._schedule(key, customer.due)

    def _look_at(self, key: bytes, customer: Customer, boundary: int) -> None:
        """Make sure that the customer is reviewed at a boundary, or before."""
        if boundary < customer.due:
            customer.due = boundary
            self._schedule(key, boundary)

    def _schedule(self, key: bytes, boundary: int) -> None:
        keys = self._calendar.get(boundary)
        if keys is None:
            self._calendar[boundary] = [key]
            heappush(self._days, boundary)
        else:
            keys.append(key)

    # -- records and outputs

    def _find(self, key: bytes) -> Customer | None:
        customer = self._touched.get(key)
        if customer is None:
            packed = self.records.get(key)
            if packed is None:
                return None
            customer = self._touched[key] = decode_customer(packed)
        return customer

    def _load(self, key: bytes) -> Customer:
        customer = self._find(key)
        if customer is None:
            raise KeyError(key)
        return customer

    def _publish(self, customer_id: str, customer: Customer, outputs: list[Output]) -> None:
        for output in outputs:
            customer.outbox.append(Parcel(self.state.sequence, output.kind, output.ref, output.payload))
            self._outputs.append(Published(customer_id, *output))


def encode_state(state: State, epoch: int) -> bytes:
    """Pack the partition record: the same header as a customer's, then MessagePack."""
    return bytes((RECORD_VERSION,)) + epoch.to_bytes(4, "big") + _state_encoder.encode(state)


def decode_state(packed: bytes) -> State:
    """Unpack a partition record."""
    return _state_decoder.decode(memoryview(packed)[5:])


def epoch_of(packed: bytes) -> int:
    """The epoch of the worker that wrote a record."""
    return int.from_bytes(packed[1:5], "big")


def total_counts(states: Mapping[int, State]) -> dict[str, dict[str, int]]:
    """Outcomes by feed, summed over partitions."""
    return {
        feed: {
            outcome: sum(state.counts[index][place] for state in states.values())
            for place, outcome in enumerate(OUTCOMES)
        }
        for index, feed in enumerate(FEEDS)
    }
