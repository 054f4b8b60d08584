"""Feeds that are down: which days are lost in which feed, for each group of customers that share a partition.

A day is lost in a feed if a silence that is an outage (`silence`) takes a quarter of what is usual on it; the whole
days of that silence are lost with it. A feed is down as of a boundary whose day is lost, and back at the first one
whose day is not. Everything follows from closed days: late events count from the boundary on at which they are put
where they belong, and take nothing back of what was found before.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from models.config import Basis
from models.customers.arrays import Bools, Ints
from models.customers.days import Days
from models.customers.hours import DAY_HOURS, WEEK_HOURS, HourCounts, HourSpan
from models.customers.roster import Roster
from models.customers.silence import FeedPast, days_looked_at, least_count, usual_of
from schemas.event import FEEDS

_NONE: Final = -1


class FeedState(Struct):
    """What is kept of a feed in a group: lost days, ascending; of the outage that lasts its first hour and day.

    `run`: the hour since which nothing has come at all, where that is the outage. Both are -1 where there is none.
    """

    lost: list[int] = []
    began: int = _NONE
    run: int = _NONE
    back: int = 0
    """The first day on which the feed was back behind the last outage: the next one began on it at the earliest."""

    @property
    def is_down(self) -> bool:
        """Whether the day before the boundary is lost."""
        return self.began != _NONE


class OutageChange(NamedTuple):
    """An outage that was found at a boundary, or is over: in which group and feed, since which hour.

    `hours` of silence, and how many customers came in as many hours of the quietest week; both 0 where it is over.
    """

    group: int
    feed: int
    began: int
    is_over: bool = False
    hours: int = 0
    usual: int = 0


class Outages:
    """The outages of a partition, or of several whose customers stand together (`groups`)."""

    def __init__(self, basis: Basis) -> None:
        self._basis, self._silence = basis, basis.silence
        self._group_of: Callable[[str], int] | None = None
        self._of_row: Ints = np.zeros(0, np.int16)
        self.states = [[FeedState() for _ in FEEDS]]
        self.changes: list[OutageChange] = []
        """What was found at the last boundary."""
        self._hours = self._new_hours()

    def _new_hours(self) -> HourCounts:
        return HourCounts(len(self.states), 0 if self._silence is None else days_looked_at(self._silence))

    def part(self, groups: int, group_of: Callable[[str], int]) -> None:
        """Tell customers of several partitions apart, by their ids; before any came."""
        self.states = [[FeedState() for _ in FEEDS] for _ in range(groups)]
        self._group_of, self._hours = group_of, self._new_hours()

    def kept(self) -> list[FeedState]:
        """A copy of what is kept, of a partition that stands alone."""
        (states,) = self.states
        return [replace(state, lost=state.lost.copy()) for state in states]

    # -- whom it concerns

    def groups_of(self, roster: Roster) -> Ints:
        """The group of each customer, by row."""
        known = len(self._of_row)
        if known < len(roster):
            new = np.zeros(len(roster) - known, np.int16)
            if self._group_of is not None:
                new[:] = [self._group_of(customer_id) for customer_id in roster.ids_since(known)]
            self._of_row = np.concatenate((self._of_row, new))
        return self._of_row

    @property
    def is_any(self) -> bool:
        """Whether any day that is kept is lost."""
        return any(state.lost for states in self.states for state in states)

    def down(self, group: int) -> frozenset[int]:
        """The feeds that are down in a group."""
        return frozenset(feed for feed, state in enumerate(self.states[group]) if state.is_down)

    def began_day(self, group: int) -> int | None:
        """The day on which the first of the outages that last began; None where nothing is down."""
        hours = [state.began for state in self.states[group] if state.is_down]
        return min(hours) // DAY_HOURS if hours else None

    def lost(self, group: int, feeds: Collection[int]) -> list[int]:
        """The days lost in any of some feeds, ascending."""
        return sorted({day for feed in feeds for day in self.states[group][feed].lost})

    def lost_behind(self, roster: Roster, last: Ints, feeds: Collection[int]) -> Ints:
        """How many days behind a day that each customer has its own of are lost in any of some feeds, by row."""
        found, groups = np.zeros(len(last), np.int64), self.groups_of(roster)[: len(last)]
        for group in range(len(self.states)):
            days = self.lost(group, feeds)
            if days:
                own = groups == group
                found[own] = len(days) - np.searchsorted(days, last[own], side="right")
        return found

    def touched(self, roster: Roster, feeds: Collection[int], first: int) -> Bools:
        """Those in whose group a day from `first` on is lost in any of some feeds, by row."""
        is_lost = [any(day >= first for day in self.lost(group, feeds)) for group in range(len(self.states))]
        found: Bools = np.array(is_lost, np.bool_)[self.groups_of(roster)]
        return found

    # -- when a day closes

    def close(self, days: Days, boundary: int, changed: Iterable[int], roster: Roster) -> None:
        """Look at the day that has just closed; `changed`: older days to which late events were added."""
        self.changes = []
        judged = () if self._silence is None else self._basis.feeds
        if judged:
            self._count(days, {boundary - 1, *changed}, boundary, roster)
        is_suspect = self._hours.may_be_silent(least_count(self._silence)) if self._silence else None
        for group, states in enumerate(self.states):
            for feed, state in enumerate(states):
                if feed not in judged:
                    self._end(group, feed, state, boundary)
                    state.lost = []
                elif state.lost or (is_suspect is not None and is_suspect[group, feed]):
                    self._judge(group, feed, state)
                if state.lost and state.lost[0] < boundary - self._basis.keep_days:
                    state.lost = [day for day in state.lost if day >= boundary - self._basis.keep_days]

    def _count(self, days: Days, changed: Iterable[int], boundary: int, roster: Roster) -> None:
        """Count the days before a boundary of which something changed."""
        groups = self.groups_of(roster)
        self._hours.move(boundary)
        for day in changed:
            for feed in self._basis.feeds:
                self._hours.count(day, feed, days.feeds[feed], groups)

    def rebuild(self, days: Days, boundary: int, roster: Roster) -> None:
        """Count the days that are kept anew: behind a snapshot, maybe by another catalogue."""
        self._hours = self._new_hours()
        if self._silence is not None and boundary >= 0:
            self._count(days, range(boundary - days_looked_at(self._silence), boundary), boundary, roster)

    def _end(self, group: int, feed: int, state: FeedState, boundary: int) -> None:
        if state.is_down:
            self.changes.append(OutageChange(group, feed, state.began, is_over=True))
            state.back = boundary - 1
        state.began = state.run = _NONE

    def _judge(self, group: int, feed: int, state: FeedState) -> None:
        """Find whether the day that closed is lost."""
        end = self._hours.end * DAY_HOURS
        if state.run != _NONE and not self._hours.of(group, feed)[-DAY_HOURS:].any():
            self._lose(state, HourSpan(state.run, end))
            return
        state.run = _NONE
        found = self._outages(group, feed, state)
        for run, usual in found:
            self._lose(state, run)
            if not state.is_down:
                state.began = max(run.first, state.back * DAY_HOURS)
                hours = run.end - run.first
                self.changes.append(OutageChange(group, feed, state.began, hours=hours, usual=usual))
        if not found:
            self._end(group, feed, state, self._hours.end)

    def _outages(self, group: int, feed: int, state: FeedState) -> list[tuple[HourSpan, int]]:
        """The silences of the day that are outages, with what is usual; none that began over a week ago."""
        assert self._silence is not None  # else nothing is judged
        hours, lost = self._hours, set(state.lost)
        oldest = hours.end * DAY_HOURS - WEEK_HOURS - DAY_HOURS
        runs = [run for run in hours.runs(group, feed) if run.first >= oldest]
        least = 0 if lost else least_count(self._silence)
        runs = [run for run in runs if hours.within(group, feed, run, weeks=1) >= least]
        if not runs:
            return []
        own = hours.of(group, feed).astype(np.int64)
        others = np.zeros_like(own)
        for one in self._basis.feeds:
            others += hours.of(group, one) if one != feed else 0
        past = FeedPast(own, others, hours.first_hour)
        return [
            (run, usual) for run in runs if (usual := usual_of(run, past, hours.end, lost, self._silence)) is not None
        ]

    def _lose(self, state: FeedState, run: HourSpan) -> None:
        """The days that a silence covers are lost, and the one that closed."""
        boundary = self._hours.end
        whole = range(-(-run.first // DAY_HOURS), run.end // DAY_HOURS)
        state.lost = sorted({*state.lost, *whole, boundary - 1})
        if run.end == boundary * DAY_HOURS:
            state.run = run.first
