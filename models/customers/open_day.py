"""A day that is not closed yet: events are appended as they arrive; closing adds them up, once, into columns."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Ints, Rows
from models.customers.buckets import EMAIL_ACTIONS, TICKET_COUNTS, Bucket
from models.customers.cells import DayOf
from models.customers.open_emails import OpenEmails
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET, Email, Event, Purchase, Ticket

LAYOUT: Final[Mapping[int, Mapping[str, type]]] = {
    PURCHASE: {"purchases": np.uint8, "minor": np.int32, "items": np.uint8},
    LOGIN: {"logins": np.uint8},
    TICKET: dict.fromkeys(TICKET_COUNTS, np.uint8),
    EMAIL: dict.fromkeys(EMAIL_ACTIONS, np.uint8),
}
"""Columns of the cells of each feed, in the smallest type that may do."""


_LISTS: Final = {
    "_buyers": "i", "_minor": "q", "_items": "q", "_purchase_ms": "q", "unrated": "i", "_logins": "i", "_login_ms": "q",
}  # fmt: skip
"""What is appended to while the day is open, and the type of its numbers."""


class OpenDay:
    """Arrivals of one day in all feeds."""

    __slots__ = (*_LISTS, "emails", "tickets")

    def __init__(self) -> None:
        self._buyers, self._minor, self._items, self._purchase_ms = array("i"), array("q"), array("q"), array("q")
        self.unrated = array("i")
        """Rows of purchases whose currency has no rate, one each."""
        self._logins, self._login_ms = array("i"), array("q")
        self.tickets: dict[int, Bucket] = {}
        self.emails = OpenEmails()

    def add(self, row: int, event: Event, rates: Mapping[str, float]) -> bool:
        """Take an event in; True when it can begin an early alert: a ticket opened or reopened, an e-mail refused."""
        data = event.data
        if isinstance(data, Email):
            return self.emails.add(row, data, event.time_ms, event.id)
        if isinstance(data, Ticket):
            return bucket_in(self.tickets, row, len(TICKET_COUNTS)).add_ticket(data, event.time_ms, event.id)
        rows, times = np.array([row], np.int32), np.array([event.time_ms], np.int64)
        if isinstance(data, Purchase):
            self.add_purchases(rows, times, [data], rates)
        else:
            self.add_logins(rows, times)
        return False

    def add_logins(self, rows: Rows, times_ms: NDArray[np.int64]) -> None:
        """Take logins in, one a row."""
        self._logins.frombytes(rows.tobytes())
        self._login_ms.frombytes(times_ms.tobytes())

    def add_purchases(
        self, rows: Rows, times_ms: NDArray[np.int64], purchases: Sequence[Purchase], rates: Mapping[str, float]
    ) -> None:
        """Take purchases in, one a row."""
        self._buyers.frombytes(rows.tobytes())
        self._purchase_ms.frombytes(times_ms.tobytes())
        self._items.extend([one.items for one in purchases])
        for place, one in enumerate(purchases):
            rate = rates.get(one.currency)
            if rate is None:
                self.unrated.append(int(rows[place]))
            self._minor.append(0 if rate is None else round(one.amount * rate * 100))

    def to_lists(self) -> list[list[int]]:
        """Everything but tickets and e-mails, copied."""
        return [getattr(self, name).tolist() for name in _LISTS]

    def set_lists(self, lists: list[list[int]]) -> None:
        """Take over what `to_lists` gave."""
        for (name, code), values in zip(_LISTS.items(), lists, strict=True):
            setattr(self, name, array(code, values))

    def buckets(self, feed: int) -> dict[int, Bucket]:
        """Tickets or e-mails by row."""
        return self.tickets if feed == TICKET else self.emails.buckets()

    def bucket_of(self, feed: int, row: int) -> Bucket | None:
        """Tickets or e-mails of one customer."""
        return self.tickets.get(row) if feed == TICKET else self.emails.bucket_of(row)

    def noted(self, feed: int) -> dict[int, Bucket]:
        """Buckets with all notes of the day; of e-mails they hold nothing else."""
        return self.tickets if feed == TICKET else self.emails.refused

    def close(self) -> dict[int, DayOf]:
        """The day's cells by feed, of feeds with any."""
        found = {}
        if self._buyers:
            groups = _Groups(self._buyers)
            columns = {
                "purchases": groups.counts(),
                "minor": groups.sums(self._minor),
                "items": groups.sums(self._items),
            }
            found[PURCHASE] = DayOf(groups.rows, columns, groups.least(self._purchase_ms))
        if self._logins:
            groups = _Groups(self._logins)
            found[LOGIN] = DayOf(groups.rows, {"logins": groups.counts()}, groups.least(self._login_ms))
        if self.tickets:
            found[TICKET] = _ticket_cells(self.tickets)
        if len(self.emails):
            found[EMAIL] = self.emails.close()
        return found


def bucket_in(buckets: dict[int, Bucket], row: int, size: int) -> Bucket:
    """The bucket of a customer, a new one if there is none."""
    bucket = buckets.get(row)
    if bucket is None:
        bucket = buckets[row] = Bucket(size)
    return bucket


def _ticket_cells(buckets: Mapping[int, Bucket]) -> DayOf:
    """Buckets as columns."""
    rows = sorted(buckets)
    counts = np.array([buckets[row].counts for row in rows], np.int64)
    first_ms = np.array([buckets[row].first_ms for row in rows], np.int64)
    return DayOf(np.array(rows, np.int32), dict(zip(TICKET_COUNTS, counts.T, strict=True)), first_ms)


class _Groups:
    """Arrivals by customer: `rows` ascending, what belongs to each added up exactly (floats would lose cents)."""

    __slots__ = ("_order", "_starts", "rows")

    def __init__(self, arrived: "array[int]") -> None:
        arrivals = np.array(arrived, np.int32)
        self._order = arrivals.argsort(kind="stable")
        own = arrivals[self._order]
        is_first = np.ones(len(own), np.bool_)
        np.not_equal(own[1:], own[:-1], out=is_first[1:])
        self._starts = is_first.nonzero()[0]
        self.rows: Rows = own[self._starts]

    def counts(self) -> Ints:
        """How many arrivals each has."""
        found = np.empty(len(self._starts), np.int64)
        np.subtract(self._starts[1:], self._starts[:-1], out=found[:-1])
        found[-1] = len(self._order) - self._starts[-1]
        return found

    def sums(self, values: "array[int]") -> Ints:
        """The sum of each one's values."""
        found: Ints = np.add.reduceat(np.array(values, np.int64)[self._order], self._starts)
        return found

    def least(self, values: "array[int]") -> Ints:
        """The least of each one's values."""
        found: Ints = np.minimum.reduceat(np.array(values, np.int64)[self._order], self._starts)
        return found
