"""One partition at work: frames go in; changed records and outputs come out. Worker and `replay` run this same code.

The partition knows its clock (the watermark over the declared feeds), its calendar of reviews, and its counters; all of
it is in the partition record, which is written last in each frame. `records` is the store of packed records.
"""

from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from typing import Final, NamedTuple

import msgspec

from models.census import Census, Entry, Taker
from models.customer import NEVER, Customer, Outline, Parcel, Verdict
from models.customer_record import (
    Header,
    by_header,
    decode_customer,
    decode_outline,
    due_of,
    encode_customer,
    peek,
)
from models.dead_letter_limit import count_rejection
from models.engine import Engine
from models.episodes import Output
from models.learning.crowd import Crowd
from models.learning.foresight import Insight
from models.partition_record import (
    OUTCOME_INDEX,
    PARTITION_KEY,
    TICKS,
    Outcome,
    State,
    decode_state,
    encode_state,
)
from models.schedule import Schedule
from models.scoring.snapshots import last_complete
from models.scoring.version import Version
from models.watermark import Watermark
from schemas.event import FEEDS, Event
from schemas.example import ProgressV1, encode_lesson
from schemas.tick import Tick

SWEEP = 100
"""Records a frame may rewrite only to drop outputs that are safely out; more when it touches more anyway."""
TOGETHER = 1_000
"""Customers scored in one go: enough to share the cost of a call, few enough for their features to fit a cache."""


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


_APPLIED: Final = Taken("applied")
"""What becomes of nearly every event: made once."""


class Partition:
    """The state machine of one partition. Not thread-safe; it never waits."""

    spreads = False
    """Whether reviews wait for `go_on`, so that a midnight of many customers does not hold up the events behind it."""

    def __init__(
        self,
        engine: Engine,
        records: MutableMapping[bytes, bytes],
        *,
        number: int = 0,
        epoch: int = 1,
        alerts_from_ms: int = 0,
        limit_dead_letters: bool = True,
        versions: Callable[[int], Version | None] = lambda _boundary: None,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """`versions`: of the model, by boundary; `progress` is called now and then while a boundary is gone through."""
        self.engine = engine
        self.records = records
        self.number = number
        self.epoch = epoch
        self.limit_dead_letters = limit_dead_letters
        self._versions = versions
        self._progressed = progress
        self._learning = engine.basis.learning
        self._crowd = Crowd(0 if self._learning is None else self._learning.step_days)
        self.calendar = engine.calendar
        self.basis = engine.basis
        self._touched: dict[bytes, Customer] = {}
        self._outputs: list[Published] = []
        self._pending: dict[tuple[int, int], dict[bytes, None]] = {}
        self.schedule = Schedule()
        self._reached = [-1] * TICKS
        self.reviews = 0
        packed = records.get(PARTITION_KEY)
        if packed is None:
            self.state = State(alerts_from_ms=alerts_from_ms, catalogue=engine.rules.hash)
        else:
            self.state = decode_state(packed)
        engine.alerts_from_ms = self.state.alerts_from_ms
        self._unswept: deque[tuple[int, bytes]] = deque()
        self.census = Census()
        self._taker = Taker(engine.rules, self.state.alerts_from_ms)
        self._counted: dict[bytes, Entry] = {}
        self.watermark = Watermark(self.state, self.basis)
        self._restore()
        self._owes_progress = self.is_behind
        self._count_waiting()

    # -- restore

    def _restore(self) -> None:
        """Rebuild the calendar, the census and what waits: most customers are known by their record's header."""
        packed = self.records
        groups = by_header(item for item in packed.items() if item[0] != PARTITION_KEY)
        next_review = min([self.state.boundary + 1, *(header.due for header, _ in groups)])
        scores_since = self._crowd.since(next_review)
        for header, keys in groups:
            if not header.has_alerts:
                self.census.add_bare(header.stage, len(keys))
            if not header.is_plain:
                for key in keys:
                    self._restore_more(key, header, decode_outline(packed[key]), scores_since)
            if header.due < NEVER:
                self.schedule.add_all(keys, header.due)
        if self.state.catalogue != self.engine.rules.hash:
            self._judge_everybody_anew()

    def _judge_everybody_anew(self) -> None:
        """By a catalogue that no record knows yet."""
        self.schedule.clear()
        for key in self.records:
            if key != PARTITION_KEY:
                customer = self._load(key)
                customer.due, customer.quiet = min(customer.due, self.state.boundary + 1), bytearray()
                self.schedule.add(key, customer.due)

    def _restore_more(self, key: bytes, header: Header, customer: Outline, scores_since: int) -> None:
        """What a record has besides its day and stage; of the scores those that will be compared with."""
        if header.has_alerts:
            self.census.move(None, self._taker.entry(customer))
        for risk in customer.risks:
            if risk.boundary >= scores_since:
                self._crowd.add(risk)
        if header.has_outbox:
            self._unswept.append((self.state.sequence, key))
        for feed, day in customer.pending:
            self._pending.setdefault((feed, day), {})[key] = None

    def unsent(self) -> list[Published]:
        """After a restore: outputs whose cause may not be committed; the same bytes must go out again.

        How far the partition has come is told again behind them: all that matured until then is then surely out.
        """
        outputs: list[Published] = []
        for _, key in self._unswept:
            customer_id = key.decode()
            outputs += [
                Published(customer_id, parcel.kind, parcel.ref, parcel.payload)
                for parcel in decode_outline(self.records[key]).outbox
                if parcel.sequence > self.state.committed
            ]
        return outputs + self._progress()

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
            self.census.move(self._counted.get(key), self._taker.entry(customer))
            writes[key] = self.records[key] = encode_customer(customer, self.epoch)
        self.state.catalogue = self.engine.rules.hash  # not before the customers it put on the calendar are written
        writes[PARTITION_KEY] = self.records[PARTITION_KEY] = encode_state(self.state, self.epoch)
        outputs = self._outputs
        if self._owes_progress and not self.is_behind:
            outputs += self._progress()
            self._owes_progress = False
        self._touched, self._counted, self._outputs = {}, {}, []
        self._count_waiting()
        return Batch(writes, outputs)

    def _count_waiting(self) -> None:
        """Between frames: in the middle of one the calendar does not hold those who are being reviewed."""
        boundary = self.state.boundary
        self.waiting = self.schedule.waiting(boundary)
        """Customers whose review as of a boundary that was passed is still to come, some perhaps counted twice."""
        self.gone_through = min(self.schedule.first - 1, boundary)
        """The last boundary as of which everybody due was reviewed."""

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
        if self._pending:  # before the event is folded, as by a tick just before it: the announcement says the same
            self._release(feed, event.time_ms)
        outcome, reason = self._apply(event, offset)
        state.counts[feed][OUTCOME_INDEX[outcome]] += 1
        if outcome == "dead_lettered":
            count_rejection(state, reason or "", is_limited=self.limit_dead_letters)
        else:
            state.rejected_in_a_row = 0
            self._move(feed, event.time_ms)
        if outcome == "applied":
            return _APPLIED
        return Taken(outcome, reason=reason, boundary=state.boundary if outcome == "late" else -1)

    def take_rejected(self, feed: int, offset: int, reason: str) -> Taken:
        """Count a record that does not keep the contract; raises DeadLetterLimitError past the limits."""
        state = self.state
        self._reached[feed] = offset
        if offset <= state.covered[feed]:
            return Taken("dead_lettered", is_again=True, reason=reason)
        state.covered[feed] = offset
        state.taken += 1
        state.counts[feed][OUTCOME_INDEX["dead_lettered"]] += 1
        count_rejection(state, reason, is_limited=self.limit_dead_letters)
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
        if is_declared and event.time_ms < self.watermark.boundary_ms - self.basis.lateness_ms:
            state.late.append(Verdict(state.sequence, feed, offset, "late", state.boundary))
            return "late", None
        day = self.calendar.day_of(event.time_ms)
        if customer is None:
            customer = self._touched[key] = Customer()
        reviewed = max(state.boundary, customer.reviewed)  # after a crash in the middle of a boundary some are ahead
        is_late = is_declared and (event.time_ms < self.watermark.boundary_ms or day < customer.reviewed)
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
        self._look_at(key, customer, max(max(day, reviewed) + 1, self.engine.news_from(customer, event)))
        if self.engine.may_announce(event):
            self._announce_or_wait(key, customer, feed, day)
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

    # -- announcements

    def _announce_or_wait(self, key: bytes, customer: Customer, feed: int, day: int) -> None:
        """Announce at once, unless an event of an earlier day can still arrive: within the bound of disorder it can."""
        if self.watermark.is_settled(feed, day):
            self._announce(key, customer, feed, day)
        elif (feed, day) not in customer.pending:
            customer.pending.append((feed, day))
            self._pending.setdefault((feed, day), {})[key] = None

    def _announce(self, key: bytes, customer: Customer, feed: int, day: int) -> None:
        customer_id = key.decode()
        self._publish(customer_id, customer, self.engine.announce(customer, customer_id, feed, day))

    def _release(self, feed: int, time_ms: int) -> None:
        """Announce what had to wait for the feed's clock."""
        ripe = sorted(at for at in self._pending if at[0] == feed and self.watermark.is_settled(*at, time_ms))
        for entry in ripe:
            for key in self._pending.pop(entry):
                customer = self._load(key)
                customer.pending = [waiting for waiting in customer.pending if tuple(waiting) != entry]
                self._announce(key, customer, *entry)

    # -- the clock and the calendar

    def _move(self, feed: int, time_ms: int) -> None:
        """Raise a feed's clock, which never falls; pass the boundaries that the watermark has reached."""
        if not self.watermark.raise_clock(feed, time_ms):
            return
        if self._pending:
            self._release(feed, time_ms)
        target = self.watermark.boundary_reached(time_ms)
        if target is not None:
            self.go_on()  # what is left of an earlier boundary comes first
            self.watermark.pass_boundary(target)
            self._owes_progress = True
            version = self._versions(target)
            self.state.model = None if version is None else version.name
            if not self.spreads:
                self.go_on()

    @property
    def is_behind(self) -> bool:
        """Whether customers wait for their review as of a boundary that was passed: events are taken all the same.

        A review looks at closed days only, so it does not matter how many events of later days came before it.
        """
        return self.schedule.first <= self.state.boundary

    def go_on(self, most: int = NEVER) -> None:
        """Review, day by day, whose day has come: everybody, or about `most` of them."""
        left = most
        while left > 0 and (found := self.schedule.take(self.state.boundary, min(left, TOGETHER))):
            boundary, keys = found
            due = {key.decode(): self._load(key) for key in keys if self._due(key) == boundary}
            self._review_all(due, boundary)
            self._progressed()
            left -= len(keys)

    def _due(self, key: bytes) -> int:
        customer = self._touched.get(key)
        return due_of(self.records[key]) if customer is None else customer.due

    def _review_all(self, due: Mapping[str, Customer], boundary: int) -> None:
        """Review these as of a boundary, scored together."""
        foreseen = self.engine.foresee(due, boundary, Insight(self._versions(boundary), self._crowd))
        for customer_id, customer in due.items():
            outputs = self.engine.review(customer, customer_id, boundary, foreseen.get(customer_id))
            self._publish(customer_id, customer, outputs)
            if customer.due < NEVER:
                self.schedule.add(customer_id.encode(), customer.due)
        self.reviews += len(due)

    def _progress(self) -> list[Published]:
        """How far the partition has come, for the learner: behind every example that matured until then."""
        boundary, learning = self.state.boundary, self._learning
        if learning is None or boundary < 0 or self.is_behind:
            return []
        text_of = self.calendar.text_of
        complete = text_of(last_complete(boundary, learning))
        progress = ProgressV1(self.number, text_of(boundary), complete, self.state.model)
        return [Published("", "progress", text_of(boundary), encode_lesson(progress))]

    def _look_at(self, key: bytes, customer: Customer, boundary: int) -> None:
        """Make sure that the customer is reviewed at a boundary, or before."""
        if boundary < customer.due:
            customer.due = boundary
            self.schedule.add(key, boundary)

    # -- records and outputs

    def _find(self, key: bytes) -> Customer | None:
        customer = self._touched.get(key)
        if customer is None:
            packed = self.records.get(key)
            if packed is None:
                return None
            customer = self._touched[key] = decode_customer(packed)
            self._counted[key] = self._taker.written(peek(packed), customer)
        return customer

    def _load(self, key: bytes) -> Customer:
        customer = self._find(key)
        assert customer is not None  # only keys of `records` and of this frame are asked for
        return customer

    def _publish(self, customer_id: str, customer: Customer, outputs: list[Output]) -> None:
        for output in outputs:
            customer.outbox.append(Parcel(self.state.sequence, output.kind, output.ref, output.payload))
            self._outputs.append(Published(customer_id, *output))
