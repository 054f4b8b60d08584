"""One partition at work, for worker and replay alike.

An event is folded into its open day. When the watermark passes a midnight, the day is closed and everybody is judged
(`judging`, `review`). Presence signals are fired early, from the open day of one feed. Nothing here reads a clock or
sends anything: what was decided is taken with `drain`.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from models.engine.arrivals import (
    AGAIN,
    APPLIED,
    APPLIED_LATE,
    AWAY,
    CONFLICT,
    ERASED,
    Arrival,
    Fate,
)
from models.engine.frame import ADDED_UP, IS_ERASED, Frame, Single
from models.engine.judging import EVERYBODY, Judging
from models.engine.ledger import COMMANDS, MOVED, TICKS
from schemas.command import Command
from schemas.errors import RejectedError
from schemas.event import FEEDS, Event
from schemas.moved import Moved
from schemas.tick import Tick

TOGETHER: Final = 4_000
"""Events that are made columns at once: enough to share the cost of a call, few enough to stay in a cache."""


class Partition(Judging):
    """The state machine of one partition. Not thread-safe; it never waits."""

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
            fate = fates[at + single.place] = self._apply(event, single, int(frame.offsets[single.place]))
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
            if fate.outcome.startswith("applied"):
                self.merging.announce()
        elif isinstance(content, Moved):
            fate = self.merging.take(content, offset)
            self._cross()
        elif feed != TICKS:
            fate = Fate("dead_lettered", reason=content.reason) if isinstance(content, RejectedError) else ERASED
        if self._expected:
            self._pass_expected()
        if feed in (COMMANDS, MOVED):
            (ledger.commands if feed == COMMANDS else ledger.moved)[fate.outcome] += 1
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

    def _apply(self, event: Event, at: Single, offset: int) -> Fate:
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
        if event.customer_id in self.customers.aliases.gone:
            self.merging.move(event, feed, offset)
            return AWAY
        if day >= boundary:
            if self.customers.add(at.row, event, day):
                self._outputs += self.early.hear(feed, at.row, day)
        else:
            self._take_late((at.row, event, day))
        if self.customers.aliases.leaving.get(event.customer_id, day + 1) <= day:
            return AWAY  # it leaves with all that is known of the alias
        return APPLIED_LATE if is_past else APPLIED
