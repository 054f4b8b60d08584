"""One partition at work, for worker and replay alike.

An event is folded into its open day. When the watermark passes a midnight, the day is closed and everybody is judged
(`review`). Presence signals are fired early, from the open day of one feed. Nothing here reads a clock or sends
anything: what was decided is taken with `drain`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from models.calendar import DAY_MS
from models.catalogue.rules import Rules
from models.customers.customers import Customers
from models.engine.arrivals import AGAIN, APPLIED, APPLIED_LATE, CONFLICT, ERASED, Arrival, Expected, Fate, Passed
from models.engine.early_firing import EVER, EarlyFiring
from models.engine.erasing import Erasing, LateEvent
from models.engine.frame import ADDED_UP, IS_ERASED, Frame, Single
from models.engine.ids import SeenIds
from models.engine.inbox import Inbox
from models.engine.ledger import COMMANDS, TICKS, Ledger
from models.engine.progress import progress_of
from models.engine.review import Message, Review
from models.engine.watermark import Watermark
from models.scoring.version import Version
from schemas.command import Command
from schemas.errors import RejectedError
from schemas.event import FEEDS, Event
from schemas.tick import Tick

EVERYBODY: Final = 1 << 60
MOST_KNOWN: Final = 50
"""Changes of the catalogue that are remembered."""
TOGETHER: Final = 4_000
"""Events that are made columns at once: enough to share the cost of a call, few enough to stay in a cache."""


class Coming(NamedTuple):
    """A catalogue that waits for its boundary, and what takes it up: see `models.engine.taking_up`."""

    boundary: int
    take_up: Callable[[], None]


class Partition:
    """The state machine of one partition. Not thread-safe; it never waits."""

    def __init__(
        self, rules: Rules, *, number: int = 0, alerts_from_ms: int = 0, limit_dead_letters: bool = True
    ) -> None:
        self.number, self.limit_dead_letters = number, limit_dead_letters
        self.coming: list[Coming] = []
        """Catalogues that are taken up later, the next first."""
        self.judged_by: list[tuple[int, str]] = []
        """Since which boundary which catalogue judges, by its hash; the newest last."""
        self.versions: Callable[[int], Version | None] = lambda _boundary: None
        """The version of the model in force, asked when a boundary is passed."""
        self._version: Version | None = None
        """With which the boundary that was passed last is judged to its end. Of no use before the next, so not kept."""
        self.spreads = False
        """Whether reviews wait for `go_on`, so that a midnight of many customers does not hold up the events behind."""
        self.passed: list[Passed] = []
        """Boundaries passed, the newest last; whoever writes them down clears the list."""
        self._expected = Expected()
        self._is_unsure = True
        """Whether the watermark may have reached a boundary before anything is taken: other feeds are declared now."""
        self._outputs: list[Message] = []
        self.judged = 0
        """Customers judged at boundaries so far, a boundary at a time."""
        self.set_up(rules, alerts_from_ms)

    def set_up(self, rules: Rules, alerts_from_ms: int) -> None:
        """Begin without customers, by rules."""
        self.rules, self.basis = rules, rules.basis
        self.customers = Customers(rules.basis)
        self.ledger = Ledger()
        self.watermark = Watermark(rules.basis)
        self.review = Review(rules, self.customers, alerts_from_ms, self.number)
        self.ids = SeenIds(-(-rules.basis.lateness_ms // DAY_MS) + 1)
        self.inbox = Inbox(self.customers, self.watermark, self.review.quiet)
        self.early = EarlyFiring(self.review, self.watermark, self._settle)
        self._held: list[LateEvent] = []
        """Late events of closed days that came while a boundary is judged: they count from the next one on."""
        self._erasing = Erasing(self.review, self.inbox, self.early, self._held)

    # -- what others ask

    @property
    def boundary(self) -> int:
        """The last midnight that was passed, -1 for none."""
        return self.watermark.boundary

    @property
    def is_behind(self) -> bool:
        """Whether customers wait for their judgement as of a boundary that was passed."""
        return not self.review.is_done or self.customers.boundary < self.watermark.boundary

    @property
    def judged_boundary(self) -> int:
        """The last boundary as of which everybody was judged, -1 for none."""
        return self.customers.boundary if self.review.is_done else self.customers.boundary - 1

    @property
    def unjudged(self) -> int:
        """Customers who wait to be judged, those of several boundaries counted several times."""
        behind = (self.boundary - max(self.customers.boundary, 0)) * self.is_behind
        return max(0, self.review.as_of.size - self.review.reached) + self.customers.size * behind

    @property
    def nbytes(self) -> int:
        """Memory of the columns."""
        return self.customers.nbytes + self.review.windows.nbytes

    def drain(self) -> list[Message]:
        """What was decided since the last call."""
        found, self._outputs = self._outputs, []
        return found

    def observe(self, arrivals: Sequence[Arrival]) -> list[Fate]:
        """Take records in, in order. Raises DeadLetterLimitError past the limits."""
        fates = [APPLIED] * len(arrivals)
        first = 0
        others = [place for place, one in enumerate(arrivals) if not isinstance(one.content, Event)]
        for end in (*others, len(arrivals)):
            for start in range(first, end, TOGETHER):
                self._observe(arrivals[start : min(end, start + TOGETHER)], start, fates)
            if end < len(arrivals):
                fates[end] = self._take_other(arrivals[end])
            first = end + 1
        return fates

    def _observe(self, arrivals: Sequence[Arrival], at: int, fates: list[Fate]) -> None:
        """Take events in, from one turn of the clock to the next; their fates begin at a place."""
        frame = Frame(arrivals, self.ledger.covered, self.customers)
        for place in frame.is_again.nonzero()[0].tolist():
            fates[at + place] = AGAIN
        first = 0
        while first < len(frame):
            frame.customers = self.customers  # by another catalogue they are others
            end = self._until_turn(frame, first)
            is_raised = self._take_events(frame, first, end, at, fates)
            if is_raised or self._is_unsure:  # the clock comes first: what it lets fire is fired before the boundary
                self._cross()
            if self._expected:
                self._pass_expected()
            first = end

    def _until_turn(self, frame: Frame, first: int) -> int:
        """Behind which event of a frame a boundary may have to be passed."""
        if self._expected:
            return first + self._expected.until_reached(frame.feeds[first:], frame.offsets[first:], self.ledger.covered)
        return first + 1 if self._is_unsure else frame.until_turn(first, self.watermark)

    def _take_events(self, frame: Frame, first: int, end: int, at: int, fates: list[Fate]) -> bool:
        """Take in the events of a frame in [first, end); whether a feed's clock was raised."""
        ledger, highs, clocks = self.ledger, self.watermark.highs, self.watermark.highs.copy()
        plain, singles = frame.look_up(first, end, self.ids, self.watermark)
        for single in singles:  # what they begin asks nothing of those that are plain
            event = frame.events[single.place]
            fate = fates[at + single.place] = self._apply(event, single)
            ledger.counts[event.feed][fate.outcome] += 1
            if fate is CONFLICT:
                self._reject_conflict(frame, first, single.place + 1)
            elif event.time_ms > highs[event.feed]:
                highs[event.feed] = event.time_ms
                self._outputs += self.early.release(event.feed, event.time_ms)
        if len(plain):
            frame.add_up(first, plain, self.ids)
        for feed in ADDED_UP:
            times = frame.times[plain[frame.feeds[plain] == feed]]
            if len(times):
                ledger.counts[feed]["applied"] += len(times)
                highs[feed] = max(highs[feed], int(times.max()))
        ledger.cover(frame.feeds[first:end], frame.offsets[first:end])
        ledger.taken += end - first - int(np.count_nonzero(frame.is_again[first:end]))
        return highs != clocks

    def _reject_conflict(self, frame: Frame, first: int, end: int) -> None:
        """Refuse the last event of [first, end)."""
        ledger, feed, offset = self.ledger, int(frame.feeds[end - 1]), int(frame.offsets[end - 1])
        ledger.cover(frame.feeds[first:end], frame.offsets[first:end])
        taken = ledger.taken + int(np.count_nonzero(~frame.is_again[first:end]))
        ledger.reject(str(CONFLICT.reason), taken, feed, offset, is_limited=self.limit_dead_letters)

    def _take_other(self, arrival: Arrival) -> Fate:
        """A tick, a command, or a record that does not keep the contract."""
        feed, offset, content = arrival
        ledger, fate = self.ledger, APPLIED
        if offset <= ledger.covered[feed]:
            return AGAIN
        ledger.covered[feed] = offset
        if isinstance(content, Tick):
            self._take_tick(content)
        elif isinstance(content, Command):
            fate = self.inbox.take(content, self.ids)
        elif feed != TICKS:
            fate = Fate("dead_lettered", reason=content.reason) if isinstance(content, RejectedError) else ERASED
        if self._expected:
            self._pass_expected()
        if feed == COMMANDS:
            ledger.commands[fate.outcome] += 1
        elif feed != TICKS:
            ledger.set_aside(fate.outcome, fate.reason, feed, offset, is_limited=self.limit_dead_letters)
        return fate

    def _take_tick(self, tick: Tick) -> None:
        """Let the clock move the feeds that were idle when the tick was written, if they have been read that far."""
        at = self.ledger.covered
        self.lift(tick.now_ms, [f for f, name in enumerate(FEEDS) if at[f] + 1 >= tick.idle.get(name, EVERYBODY)])

    def lift(self, now_ms: int, feeds: Iterable[int]) -> None:
        """Raise the clocks of feeds to an instant, as a tick does; they never fall."""
        for feed in feeds:
            if now_ms > self.watermark.highs[feed]:
                self.watermark.highs[feed] = now_ms
                self._outputs += self.early.release(feed, now_ms)
                self._cross()

    def _apply(self, event: Event, at: Single) -> Fate:
        """Take in an event of which anything may be the case."""
        if at.row == IS_ERASED:
            return ERASED
        feed, day, boundary = event.feed, at.day, self.watermark.boundary
        is_past = event.time_ms < self.watermark.boundary_ms  # declared or not: older ids are forgotten
        if event.time_ms < self.watermark.boundary_ms - self.basis.lateness_ms:
            return Fate("late", boundary=boundary)
        seen = self.ids.add(at.key, day, event.fingerprint, boundary, is_found=at.is_found)
        if seen != "new":
            return Fate("duplicate") if seen == "duplicate" else CONFLICT
        self._outputs += self.early.release(feed, event.time_ms)  # as by a tick just before it
        if day >= boundary:
            if self.customers.add(at.row, event, day):
                self._outputs += self.early.hear(feed, at.row, day)
        elif self.is_behind:
            self._held.append((at.row, event, day))
        else:
            self.customers.add_late(at.row, event, day)
        return APPLIED_LATE if is_past else APPLIED

    # -- the clock

    def will_take_up(self, coming: Sequence[Coming]) -> None:
        """Have other catalogues taken up, the next first; what is fired early waits for the one whose day it is."""
        self.coming = list(coming)
        self.early.until = coming[0].boundary if coming else EVER
        for feed, high_ms in enumerate(self.watermark.highs):
            self._outputs += self.early.release(feed, high_ms)

    def _cross(self) -> None:
        """A feed's clock was raised: pass the boundaries that the watermark has reached."""
        if self._expected:
            return
        self._is_unsure = False
        target = self.watermark.boundary_reached()
        if target is not None:
            self._pass(target)

    def expect(self, passed: Iterable[Passed]) -> None:
        """After a restart: pass these boundaries again where they were passed, so that the same events are late."""
        self._expected = Expected(one for one in passed if one.boundary > self.boundary)
        self._is_unsure = True

    def is_beyond(self, feed: int, offset: int) -> bool:
        """Whether a record must wait until the next boundary that is expected was passed."""
        if not self._expected.lies_beyond(feed, offset):
            return False
        self._pass_expected()
        return self._expected.lies_beyond(feed, offset)

    def _pass_expected(self) -> None:
        while (boundary := self._expected.take_reached(self.ledger.covered)) is not None:
            self._pass(boundary)
        self._cross()  # it may have stopped between two boundaries that were passed at the same place

    def _pass(self, target: int) -> None:
        while self.coming and self.coming[0].boundary <= target:
            boundary, take_up = self.coming.pop(0)
            if self.boundary < boundary - 1:
                self._pass_one(boundary - 1)
            self.go_on()
            take_up()
            self._pass_one(boundary)
        if self.boundary < target:
            self._pass_one(target)

    def _pass_one(self, target: int) -> None:
        self.go_on()  # what is left of an earlier boundary comes first
        self.watermark.pass_boundary(target)
        self._version, name = self.versions(target), self.rules.hash
        if not self.judged_by or self.judged_by[-1][1] != name:
            self.judged_by = [*self.judged_by, (target, name)][-MOST_KNOWN:]
        version = getattr(self._version, "name", None)
        self.passed.append(Passed(target, tuple(self.ledger.covered), version, name))
        if self.customers.boundary < 0:
            self.customers.boundary = min([target, *self.customers.days.open])
            if not self.is_behind:  # nobody was seen yet: no command can speak of an alert
                told, due = self._erasing.due(target)
                self._outputs += [*told, *self.review.follow_up.begin(due, target, 0), *self._progress()]
        if not self.spreads:
            self.go_on()

    def go_on(self, most: int = EVERYBODY) -> None:
        """Judge everybody who waits, or about `most` customers; to close a day or to score it is a step of its own."""
        review, customers = self.review, self.customers
        while most > 0 and self.is_behind:
            if review.is_done:
                told, due = self._erasing.due(customers.boundary + 1)
                self._outputs += [*told, *review.begin(customers.boundary, due)]
                most -= customers.size
            elif not review.is_scored:
                self._outputs += review.score(self._version)
                most -= customers.size
                self._outputs += self._progress()
            else:
                before = review.reached
                self._outputs += review.judge(most)
                most -= max(1, review.reached - before)
                self.judged += review.reached - before
                self._outputs += self._progress()
        if not self.is_behind:
            for late in self._held:
                customers.add_late(*late)
            self._held.clear()

    def _progress(self) -> list[Message]:
        return progress_of(self.number, self.review, self._version)

    def _settle(self, row: int) -> None:
        """See to it that what is decided of a customer follows from what the last boundary makes of late events."""
        if self.is_behind and self.review.has_late(row):
            self.go_on()
