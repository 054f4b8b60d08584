"""Early firing: presence signals are published at once, as a function of one feed's days, today included.

An early episode begins on a day with evidence on which the condition holds, and ends at the first boundary at which its
end condition holds, or at which the customer has opted out. All that is read from the feed's own days and from what was
said alone, so what is fired a year ahead of the reviews is the same as what is fired on the day.
"""

from typing import Final, NamedTuple

from models.alerts.attention.quiet import Heard
from models.alerts.episode import NEVER_MS, NO_EPISODE, EpisodeState, SignalAlerts, Walk
from models.catalogue.rules import Signal
from models.config import Basis, Number
from models.customers.buckets import EMAIL_ACTIONS, REFUSALS, TICKET_COUNTS, Bucket, bucket_of_notes
from models.measures.daily import DAILY
from schemas.event import EMAIL, TICKET

_PLACES: Final = {
    name: tuple(names.index(column) for column in measure.columns)
    for feed, names in ((TICKET, TICKET_COUNTS), (EMAIL, EMAIL_ACTIONS))
    for name, measure in DAILY.items()
    if measure.feed == feed
}
"""Of each measure that buckets tell, the places of its counts."""

SINCE_START: Final = -1


class FeedDays:
    """One customer's days in one feed, open ones included; `boundary` moves over them. See `terms.Evening`."""

    __slots__ = ("_first_day", "basis", "boundary", "days", "feed", "start")

    def __init__(self, feed: int, days: dict[int, Bucket], first_day: int, basis: Basis) -> None:
        """`first_day`: of the first activity in the feed, NEVER for none."""
        self.feed, self.days, self._first_day, self.basis = feed, days, first_day, basis
        self.boundary = 0
        self.start = 0
        """First day of the episode under judgement."""

    def at(self, boundary: int, start: int = NO_EPISODE) -> "FeedDays":
        """The same as of another boundary, for an episode that began on `start`."""
        self.boundary, self.start = boundary, start
        return self

    def total(self, measure: str, length: int, skip: int) -> Number:
        """The sum of a measure over a window, or from the episode's first day on."""
        end = self.boundary - skip
        first = self.start if length == SINCE_START else end - length
        first = max(first, self.boundary - self.basis.keep_days)
        total, places = 0, _PLACES[measure]
        for day, bucket in self.days.items():
            if first <= day < end:
                counts = bucket.counts
                for place in places:
                    total += counts[place]
        return total

    def channels(self, length: int) -> int:
        """Distinct channels of tickets opened in a window."""
        first = self.boundary - length
        return len({name for day, b in self.days.items() if first <= day < self.boundary for name in b.channels})

    def days_since_first_ticket(self) -> int | None:
        """None before it."""
        return self.boundary - 1 - self._first_day if self._first_day < self.boundary else None

    def refused_on(self, day: int) -> int:
        """The ways in which e-mails were refused on a day, as bits; of another feed none is known."""
        if self.feed != EMAIL or day not in self.days:
            return 0
        counts = self.days[day].counts
        return sum(1 << bit for bit, action in enumerate(REFUSALS) if counts[EMAIL_ACTIONS.index(action)])

    def counted(self, before: int) -> int:
        """How much is counted of the days before one: more whenever something is added to one of them."""
        return sum(sum(bucket.counts) for day, bucket in self.days.items() if day < before)

    def evidence_days(self, first: int, last: int) -> list[int]:
        """Days in [first, last] on which something happened that can begin an episode."""
        return sorted(day for day, bucket in self.days.items() if first <= day <= last and bucket.notes)


class Beginning(NamedTuple):
    """An episode begins, with this score; None when that is unknown."""

    score: float | None


def beginning(signal: Signal, days: FeedDays, cooled: tuple[int, float | None] | None) -> Beginning | None:
    """Whether the condition holds as of the days' boundary and the cool-down allows it."""
    if not signal.when.condition.is_true(days):
        return None
    value = signal.score.term.term.value(days)
    score = None if value is None else round(float(value), 4)
    if cooled is not None and days.boundary < cooled[0] + signal.cooldown_days:
        return Beginning(score) if signal.score.is_worse(score, cooled[1]) else None
    return Beginning(score)


def begins(
    alerts: SignalAlerts, row: int, days: FeedDays, day: int, reviewed: int, heard: Heard
) -> Beginning | None:  # fmt: skip
    """Whether an episode begins on this very day, the newest with evidence since the last review."""
    if not alerts.signal.when.condition.is_true(days.at(day + 1)):
        return None
    walk = _walk(alerts, row, days, day, reviewed, heard)
    if day < reviewed or day not in days.days or not days.days[day].notes:
        return None
    state = _ended(alerts.signal, days, walk.state, (walk.reached, day), heard)
    return beginning(alerts.signal, days.at(day + 1), state.cooled) if state.start is None else None


def _walk(alerts: SignalAlerts, row: int, days: FeedDays, day: int, reviewed: int, heard: Heard) -> Walk:
    """The days since the last review and before this one: those that were gone through already are not again."""
    known, fired = alerts.walks.get(row), alerts.early.get(row, ())
    if known is None or known.words != heard.words or not _still_holds(known, days, day, reviewed):
        known = Walk(reviewed, reviewed, 0, reviewed, _as_reviewed(alerts, row), heard.words)
    signal, state, reached = alerts.signal, known.state, known.reached
    for evening in days.evidence_days(known.until, day - 1):
        state = _ended(signal, days, state, (reached, evening), heard)
        reached = evening
        if state.start is None:
            found = beginning(signal, days.at(evening + 1), state.cooled)
            if found is not None:
                state = EpisodeState(evening, found.score, state.cooled, was_sent=evening in fired)
    walk = alerts.walks[row] = Walk(reviewed, max(day, reviewed), days.counted(day), reached, state, heard.words)
    return walk


def _still_holds(walk: Walk, days: FeedDays, day: int, reviewed: int) -> bool:
    """Whether a walk is part of the way to this day: no review came between, and nothing late to what it saw."""
    return walk.reviewed == reviewed and walk.until <= day and walk.counted == days.counted(walk.until)


def _ended(signal: Signal, days: FeedDays, state: EpisodeState, within: tuple[int, int], heard: Heard) -> EpisodeState:
    """The same once the boundaries behind one and up to another were passed."""
    if state.start is None:
        return state
    reached, evening = within
    ended = _first_end(signal, days, state.start, reached + 1, evening)
    if heard.words:
        was_sent = state.was_sent
        for boundary in range(max(reached, state.start) + 1, evening + 1 if ended is None else ended):
            if was_sent and heard.is_out(boundary):
                return EpisodeState(None, None, (boundary, state.score))
            was_sent |= not heard.is_held(boundary)
        state = state._replace(was_sent=was_sent)
    return state if ended is None else EpisodeState(None, None, (ended, state.score))


def _as_reviewed(alerts: SignalAlerts, row: int) -> EpisodeState:
    """As the last review left it."""
    start = score = cooled = None
    was_sent = False
    place = alerts.open.place(row)
    if place is not None:
        start, score = int(alerts.open.column("start")[place]), float(alerts.open.column("initial")[place])
        was_sent = bool(alerts.open.column("sent_ms")[place] != NEVER_MS)
    place = alerts.cooling.place(row)
    if place is not None:
        cooled = int(alerts.cooling.column("ended")[place]), float(alerts.cooling.column("initial")[place])
    return EpisodeState(start, score, cooled, was_sent)


def _first_end(signal: Signal, days: FeedDays, start: int, first: int, last: int) -> int | None:
    """The first boundary in [first, last] at which an early episode is over by its own feed's days."""
    for boundary in range(max(first, start + 1), last + 1):
        is_expired = signal.expires_days is not None and boundary >= start + signal.expires_days
        if is_expired or signal.ends.condition.is_true(days.at(boundary, start)):
            return boundary
    return None


def first_true_ms(signal: Signal, days: FeedDays, day: int) -> int:
    """When on an episode's first day its condition became true, by event time and not by arrival."""
    whole = days.days
    notes = whole[day].notes if day in whole else []
    for count in range(1, len(notes)):
        partial = bucket_of_notes(notes[:count], is_email=signal.announced_feed == EMAIL)
        days.days = {**whole, day: partial}
        is_true = signal.when.condition.is_true(days.at(day + 1))
        days.days = whole
        if is_true:
            return notes[count - 1].time_ms
    return notes[-1].time_ms if notes else days.basis.calendar.start_of(day + 1)
