"""Erasure: at its boundary, before the day is closed and anybody judged, all that is known of a customer goes.

1. Open alerts that somebody was told of end; that end is the last word.
2. Everything kept by the customer's row or id is forgotten. The row stays behind, as nobody's.
3. A salted hash of the id goes on the block-list: what happens, or is said, of the customer from then on is refused.
4. Commands that wait take the hash for a name; their receipts come at their own boundaries.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from models.alerts.answers import Due, erasures_in
from models.alerts.forgetting import LastWords
from models.customers.arrays import Rows
from models.engine.early_firing import EarlyFiring
from models.engine.inbox import Inbox
from models.engine.review import Message, Review
from schemas.alert import AlertV1, EndReason
from schemas.erasure import ErasureV1
from schemas.event import Event

LateEvent = tuple[int, Event, int]
"""Row, event and day."""


class Erasing:
    """Knows all places of a partition that hold anything of a customer, but what was published."""

    def __init__(self, review: Review, inbox: Inbox, early: EarlyFiring, late: list[LateEvent]) -> None:
        """`late`: events that wait for a boundary to be judged."""
        self._review, self._inbox, self._early, self._late = review, inbox, early, late
        self._customers, self._calendar = review.customers, review.rules.basis.calendar

    def due(self, boundary: int, besides: Iterable[str] = ()) -> tuple[list[Message], list[Due], dict[str, int]]:
        """What was decided of those who are erased at a boundary, the commands to be answered at it, and who that is.

        The last by id, with the boundary as of which they are.
        `besides`: aliases that go as well.
        """
        due, aliases = self._inbox.due(boundary), self._customers.aliases
        leaving = {one: since for one, since in erasures_in(due).items() if one not in aliases.gone}
        leaving |= dict.fromkeys(besides, boundary)
        if not leaving:
            return [], due, {}
        ends = self._forget(leaving)
        erased, text_of = self._customers.erased, self._calendar.text_of
        names = {customer_id: (erased.erase(customer_id, since), since) for customer_id, since in leaving.items()}
        self._inbox.waiting = dict.fromkeys(_renamed(one, names) for one in self._inbox.waiting)
        news = [ErasureV1(name, text_of(since), erased.name_of("")) for name, since in names.values()]
        return [*ends, *news], [*dict.fromkeys(_renamed(one, names) for one in due)], leaving

    def _forget(self, leaving: Mapping[str, int]) -> list[AlertV1]:
        """Forget customers; the last words of their alerts."""
        found = self._customers.roster.rows_of([*leaving]).tolist()
        known = {row: one for row, one in zip(found, leaving.items(), strict=True) if row >= 0}
        ends = self.last_words(known, "erased")
        rows = np.array(sorted(known), np.int32)
        self.empty(rows, leaving)
        if known:
            self._customers.erase(rows)
        return ends

    def last_words(self, gone: Mapping[int, tuple[str, int]], because: EndReason) -> list[AlertV1]:
        """The ends of the alerts of customers who go; by row the id, and since when."""
        review = self._review
        ends = [*LastWords(review.rules, review.writer.alerts_from_ms, because).of(review.alerts, gone)]
        review.follow_up.decided += len(ends)
        return ends

    def empty(self, rows: Rows, names: Iterable[str]) -> None:
        """Let nothing be kept of some customers, but what is known from their events."""
        review, gone = self._review, set(rows.tolist())
        if gone:
            if review.scoring is not None:
                review.scoring.erase(rows)
            review.windows.clear(rows)
            for of in review.alerts:
                of.erase(rows)
            for row in gone:
                for waiting in self._early.waiting.values():
                    waiting.pop(row, None)
                review.follow_up.contacts.at.pop(row, None)
            self._late[:] = [one for one in self._late if one[0] not in gone]
        for name in names:
            review.quiet.words.pop(name, None)


def _renamed(due: Due, names: Mapping[str, tuple[str, int]]) -> Due:
    """A command about somebody who is erased by the time it counts says no more than that."""
    name, since = names.get(due.command.customer_id, ("", 0))
    return due.nameless(name) if name and due.boundary >= since else due
