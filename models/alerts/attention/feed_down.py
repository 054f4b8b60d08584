"""Whom an outage of a feed holds: alerts of an absence that nobody was told of, where the absence may be the feed's.

While a feed is down in a customer's partition, all alerts of signals that its silence can make true are held. Behind
it, those that were true at no boundary so far with the lost days left out (`models.measures.known_days`): who is really
silent is told of at the first boundary, who merely was not heard of once the days that are known bear it out, or after
as many of them as were lost: then the customer could have been seen again. Who is seen again is not told of at all.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from models.alerts.episode import NO_EPISODE, Revision, SignalAlerts
from models.customers.arrays import Bools, Ints, Rows, among
from models.measures.as_of import AsOf
from models.measures.known_days import KnownDays

Unheard = Mapping[str, frozenset[int]]
"""By signal, the rows of those of whom nothing is told as a feed is down, or was."""
NOBODY: Final[Unheard] = {}


class FeedDown:
    """What is held at one boundary, for one range of rows after the other."""

    def __init__(self, as_of: AsOf) -> None:
        self.as_of = as_of
        self._outages, self._roster = as_of.customers.outages, as_of.customers.roster

    @cached_property
    def _known(self) -> KnownDays:
        return KnownDays(self.as_of)

    @cached_property
    def _starts(self) -> Ints:
        return np.full(self.as_of.size, NO_EPISODE, np.int32)

    def unheard(
        self, alerts: Sequence[SignalAlerts], revisions: Mapping[str, Sequence[Revision]], within: tuple[int, int]
    ) -> Unheard:
        """Of whom nothing is told, among some rows with an alert that begins or is held."""
        if not self._outages.is_any:
            return NOBODY
        found = {}
        for of in alerts:
            if of.signal.inhibited_by_outage and of.signal.silent_feeds:
                rows = _asked(of, revisions[of.signal.id], within)
                if len(rows) and len(held := self._held(of, rows)):
                    found[of.signal.id] = frozenset(held.tolist())
        return found

    def _held(self, of: SignalAlerts, rows: Rows) -> Rows:
        """All of a group whose feed is down; where one was, those whose alert no known day has borne out yet."""
        feeds, groups, outages = of.signal.silent_feeds, self._outages.groups_of(self._roster)[rows], self._outages
        is_down = np.array([bool(feeds & outages.down(group)) for group in range(len(outages.states))])[groups]
        has_lost = np.array([bool(outages.lost(group, feeds)) for group in range(len(outages.states))])[groups]
        is_sure, places = of.open.column("is_sure"), of.open.places(rows)
        asked = np.flatnonzero(has_lost & (is_sure[places] == 0))
        if len(asked):
            self._starts[rows[asked]] = of.open.column("start")[places[asked]]
            true = of.signal.when.condition.where(self._known, rows[asked], self._starts)
            self._starts[rows[asked]] = NO_EPISODE
            is_sure[places[asked]] = among(rows[asked], true) | self._is_made_up(of, rows[asked])
        found: Rows = rows[is_down | has_lost & (is_sure[places] == 0)]
        return found

    def _is_made_up(self, of: SignalAlerts, rows: Rows) -> Bools:
        """Since whose alert began as many days were heard as had been lost before it."""
        starts, groups = of.open.column("start")[of.open.places(rows)], self._outages.groups_of(self._roster)[rows]
        found = np.zeros(len(rows), np.bool_)
        for group in np.unique(groups).tolist():
            lost, own = np.array(self._outages.lost(group, of.signal.silent_feeds), np.int64), groups == group
            before = lost.searchsorted(starts[own])
            found[own] = self.as_of.boundary - starts[own] - (len(lost) - before) >= before
        return found


def _asked(of: SignalAlerts, revisions: Sequence[Revision], within: tuple[int, int]) -> Rows:
    """Who has an alert of the signal that begins now, or that is held."""
    low, high = within
    begun = {one.row for one in revisions if one.status == "firing"}
    held = {row for row in of.held if low <= row < high}
    rows = np.array(sorted(begun | held), np.int32)
    return rows[of.open.has(rows)] if len(rows) else rows
