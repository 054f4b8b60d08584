"""The events of a frame as columns, so that what is plain among them is taken in all at once."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from models.customers.arrays import Bools, Ints
from models.customers.customers import Customers
from models.engine.arrivals import Arrival
from models.engine.ids import DAY_SHIFT, Keys, SeenIds, hashes, keys_of
from models.engine.watermark import Watermark
from schemas.event import FEEDS, LOGIN, PURCHASE, Event

ADDED_UP: Final = (PURCHASE, LOGIN)
"""Feeds whose events are merely added up. Those of others may begin an early alert, and are taken one by one."""
_IS_ADDED_UP: Final = np.array([feed in ADDED_UP for feed in range(len(FEEDS))])


IS_ERASED: Final = -2
"""The row of who is erased: nothing is taken in."""


class Single(NamedTuple):
    """An event that is taken by itself: its place in the frame, its customer's row, its day, the key of its id.

    The row is -1 where nobody knows the customer, as the event is too late, and IS_ERASED where nobody is to know them.
    `is_found`: a closed day holds the key.
    """

    place: int
    row: int
    day: int
    key: int
    is_found: bool


class Frame:
    """Events of a partition in the order in which they came, with their topics and offsets."""

    def __init__(self, arrivals: Sequence[Arrival], covered: Sequence[int], customers: Customers) -> None:
        feeds, offsets, events = zip(*arrivals, strict=True)
        self.events: tuple[Event, ...] = events
        self.feeds, self.offsets = np.array(feeds, np.intp), np.array(offsets, np.int64)
        self.times = np.array([event.time_ms for event in events], np.int64)
        self.is_again = self._redelivered(covered)
        self.customers = customers
        self._days = customers.basis.calendar.days_of(self.times)
        self._hashed = hashes([event.id for event in events])
        self._rows = customers.roster.rows_of([event.customer_id for event in events])
        self._keys: Keys = np.empty(0, np.uint64)

    def __len__(self) -> int:
        return len(self.events)

    def _redelivered(self, covered: Sequence[int]) -> Bools:
        """Which records were taken before: an offset of a topic is taken once, and in order."""
        found = np.zeros(len(self.events), np.bool_)
        for feed in range(len(FEEDS)):
            own = (self.feeds == feed).nonzero()[0]
            if len(own):
                offsets = self.offsets[own]
                found[own] = offsets <= np.maximum.accumulate(np.concatenate(([covered[feed]], offsets[:-1])))
        return found

    def until_turn(self, first: int, watermark: Watermark) -> int:
        """The place behind the next event that may bring a boundary."""
        may_turn = self.times[first:] >= watermark.next_turn_ms
        if not may_turn.any():
            return len(self)
        is_behind = np.array(watermark.highs) < watermark.next_turn_ms  # the last clock to come brings it
        turns = (may_turn & is_behind[self.feeds[first:]]).nonzero()[0]
        return first + int(turns[0]) + 1 if len(turns) else len(self)

    def look_up(self, first: int, end: int, ids: SeenIds, watermark: Watermark) -> tuple[Ints, list[Single]]:
        """The places of what is plain in [first, end), and the rest. Customers who are new get their rows.

        Ids of days that were closed meanwhile are put away first. `add_up` goes on with the keys of this part.
        """
        ids.put_away(self.customers.boundary)
        feeds, is_past = self.feeds[first:end], self.times[first:end] < watermark.boundary_ms
        if self.customers.erased:
            self._leave_out_erased(first, end, watermark.boundary)
        self._enrol(first, end, watermark)
        rows = self._rows[first:end]
        self._keys = keys_of(self._hashed[first:end], feeds, rows)
        is_found = ids.find(self._keys)
        is_single = is_past | is_found | ~_IS_ADDED_UP[feeds] | _repeated(self._keys.tolist(), ids)
        is_single |= rows == IS_ERASED
        if self.customers.aliases:
            is_single |= np.isin(rows, self.customers.aliases.rows)
        is_new = ~self.is_again[first:end]
        single = (is_single & is_new).nonzero()[0]
        columns = (single + first, rows[single], self._days[single + first], self._keys[single], is_found[single])
        singles = map(Single, *[column.tolist() for column in columns])
        return (~is_single & is_new).nonzero()[0] + first, list(singles)

    def _leave_out_erased(self, first: int, end: int, boundary: int) -> None:
        """Mark in [first, end) what counts for nothing; a row may have become nobody's since the frame came."""
        erased, roster, rows = self.customers.erased, self.customers.roster, self._rows[first:end]
        known = (rows >= 0).nonzero()[0]
        if roster.holes:
            rows[known[roster.is_hole(rows[known])]] = -1
        is_asked = rows < 0
        if erased.due:
            is_asked |= np.isin(rows, roster.rows_of([*erased.due]))
        for place in (is_asked & ~self.is_again[first:end]).nonzero()[0].tolist():
            if erased.refuses(self.events[first + place].customer_id, int(self._days[first + place]), boundary):
                rows[place] = IS_ERASED

    def _enrol(self, first: int, end: int, watermark: Watermark) -> None:
        """Give rows to who is new in [first, end), unless by an event that is too late, or was taken before."""
        new = first + ((self._rows[first:end] == -1) & ~self.is_again[first:end]).nonzero()[0]
        if len(new):
            customers = self.customers
            new = new[self.times[new] >= watermark.boundary_ms - customers.basis.lateness_ms]
            self._rows[new] = customers.enrol([self.events[place].customer_id for place in new.tolist()])
            if customers.aliases.leaving:
                customers.aliases.find_rows(customers.roster)

    def add_up(self, first: int, plain: Ints, ids: SeenIds) -> None:
        """Take in plain events of the part looked up last, which begins at `first`."""
        events, days = self.events, self._days[plain]
        packed = (days << DAY_SHIFT).tolist()
        prints = [events[place].fingerprint for place in plain.tolist()]
        ids.recent.update(zip(self._keys[plain - first].tolist(), map(int.__or__, packed, prints), strict=True))
        feeds = self.feeds[plain]
        for day in sorted(set(days.tolist())):
            for feed in ADDED_UP:
                own = plain[(days == day) & (feeds == feed)]
                if len(own):
                    opened, rows, times = self.customers.days.opened(day), self._rows[own], self.times[own]
                    if feed == LOGIN:
                        opened.add_logins(rows, times)
                    else:
                        purchases = [events[place].data for place in own.tolist()]
                        opened.add_purchases(rows, times, purchases, self.customers.basis)


def _repeated(keys: list[int], ids: SeenIds) -> Bools:
    """Which keys came before on open days, or come several times."""
    if ids.recent.keys().isdisjoint(keys) and len(set(keys)) == len(keys):
        return np.zeros(len(keys), np.bool_)
    times = Counter(keys)
    return np.array([key in ids.recent or times[key] > 1 for key in keys], np.bool_)
