"""A day that is not closed yet: events are appended as they arrive; closing adds them up, once, into columns."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.config import Basis
from models.customers.arrays import Rows
from models.customers.buckets import EMAIL_ACTIONS, TICKET_COUNTS, Bucket, Note
from models.customers.cells import DayOf
from models.customers.entries import MAX_SUM, Entries
from models.customers.open_emails import OpenEmails, is_by_machine
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET, Email, Event, Purchase, Ticket
from schemas.moved import BucketPart, DayPart

LAYOUT: Final[Mapping[int, Mapping[str, type]]] = {
    PURCHASE: {"purchases": np.uint8, "minor": np.int32, "items": np.uint8},
    LOGIN: {"logins": np.uint8},
    TICKET: dict.fromkeys(TICKET_COUNTS, np.uint8),
    EMAIL: dict.fromkeys(EMAIL_ACTIONS, np.uint8),
}
"""Columns of the cells of each feed, in the smallest type that may do."""


class OpenDay:
    """Arrivals of one day in all feeds."""

    __slots__ = ("_logins", "_purchases", "emails", "tickets", "unrated")

    def __init__(self) -> None:
        self._purchases, self._logins = Entries(LAYOUT[PURCHASE]), Entries(LAYOUT[LOGIN])
        self.unrated: dict[int, int] = {}
        """By row, the purchases whose currency has no rate."""
        self.tickets: dict[int, Bucket] = {}
        self.emails = OpenEmails()

    def add(self, row: int, event: Event, basis: Basis) -> bool:
        """Take an event in; True when it can begin an early alert: a ticket opened or reopened, an e-mail refused."""
        data = event.data
        if isinstance(data, Email):
            return self.emails.add(row, data, event.time_ms, event.id)
        if isinstance(data, Ticket):
            return bucket_in(self.tickets, row, len(TICKET_COUNTS)).add_ticket(data, event.time_ms, event.id)
        rows, times = np.array([row], np.int32), np.array([event.time_ms], np.int64)
        if isinstance(data, Purchase):
            self.add_purchases(rows, times, [data], basis)
        else:
            self.add_logins(rows, times)
        return False

    def add_logins(self, rows: Rows, times_ms: NDArray[np.int64]) -> None:
        """Take logins in, one a row."""
        self._logins.add(rows, times_ms, {"logins": repeat(1, len(rows))})

    def add_purchases(
        self, rows: Rows, times_ms: NDArray[np.int64], purchases: Sequence[Purchase], basis: Basis
    ) -> None:
        """Take purchases in, one a row."""
        minor = []
        for place, one in enumerate(purchases):
            rate = basis.rates.get(one.currency)
            if rate is None:
                row = int(rows[place])
                self.unrated[row] = self.unrated.get(row, 0) + 1
            minor.append(0 if rate is None else round(min(one.amount * rate * basis.minor_units, MAX_SUM)))
        items = [one.items for one in purchases]
        self._purchases.add(rows, times_ms, {"purchases": repeat(1, len(rows)), "minor": minor, "items": items})

    def part_of(self, row: int) -> DayPart | None:
        """What came of one customer, None for nothing."""
        tickets, emails = self.tickets.get(row), self.emails.bucket_of(row)
        part = DayPart(
            self.unrated.get(row, 0),
            self._logins.of_row(row),
            self._purchases.of_row(row),
            None if tickets is None else part_of(tickets),
            None if emails is None else part_of(emails),
        )
        return part if any((part.logins, part.purchases, part.tickets, part.emails)) else None

    def take_in(self, row: int, part: DayPart) -> None:
        """Add what `part_of` gave to what came of a customer."""
        if part.unrated:
            self.unrated[row] = self.unrated.get(row, 0) + part.unrated
        self._logins.add_rows(row, part.logins)
        self._purchases.add_rows(row, part.purchases)
        if part.tickets is not None:
            bucket_in(self.tickets, row, len(TICKET_COUNTS)).merge(bucket_of(part.tickets))
        if part.emails is not None:
            self.emails.merge(row, bucket_of(part.emails))

    def drop(self, rows: Rows) -> None:
        """Forget what came of some customers."""
        self._purchases.drop(rows)
        self._logins.drop(rows)
        self.emails.drop(rows)
        for row in rows.tolist():
            self.unrated.pop(row, None)
            self.tickets.pop(row, None)

    def to_lists(self) -> list[Any]:
        """Everything but tickets and e-mails, copied."""
        return [self.unrated.copy(), self._logins.to_lists(), self._purchases.to_lists()]

    def set_lists(self, lists: list[Any]) -> None:
        """Take over what `to_lists` gave."""
        self.unrated, logins, purchases = lists
        self._logins.set_lists(logins)
        self._purchases.set_lists(purchases)

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
        if len(self._purchases):
            found[PURCHASE] = self._purchases.close()
        if len(self._logins):
            found[LOGIN] = self._logins.close()
        if self.tickets:
            found[TICKET] = _ticket_cells(self.tickets)
        if len(self.emails):
            found[EMAIL] = self.emails.close()
        return found


def is_nothing(event: Event) -> bool:
    """Whether nothing is kept of an event: a mail proxy opened an e-mail."""
    return isinstance(event.data, Email) and is_by_machine(event.data)


def bucket_in(buckets: dict[int, Bucket], row: int, size: int) -> Bucket:
    """The bucket of a customer, a new one if there is none."""
    bucket = buckets.get(row)
    if bucket is None:
        bucket = buckets[row] = Bucket(size)
    return bucket


def part_of(bucket: Bucket) -> BucketPart:
    """A bucket as plain values, copied."""
    return BucketPart(
        bucket.counts.copy(), bucket.channels.copy(), [(*note,) for note in bucket.notes], bucket.first_ms
    )


def bucket_of(part: BucketPart) -> Bucket:
    """The bucket of such values."""
    bucket = Bucket(0)
    bucket.counts, bucket.channels, bucket.first_ms = [*part.counts], [*part.channels], part.first_ms
    bucket.notes = [Note(*note) for note in part.notes]
    return bucket


def _ticket_cells(buckets: Mapping[int, Bucket]) -> DayOf:
    """Buckets as columns."""
    rows = sorted(buckets)
    counts = np.array([buckets[row].counts for row in rows], np.int64)
    first_ms = np.array([buckets[row].first_ms for row in rows], np.int64)
    return DayOf(np.array(rows, np.int32), dict(zip(TICKET_COUNTS, counts.T, strict=True)), first_ms)
