"""A day that is not closed yet: events are appended as they arrive; closing adds them up, once, into columns."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Ints, Rows
from models.customers.buckets import EMAIL_ACTIONS, TICKET_COUNTS, Bucket
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET, Email, Event, Purchase, Ticket

LAYOUT: Final[Mapping[int, Mapping[str, type]]] = {
    PURCHASE: {"purchases": np.uint8, "minor": np.int32, "items": np.uint8},
    LOGIN: {"logins": np.uint8},
    TICKET: dict.fromkeys(TICKET_COUNTS, np.uint8),
    EMAIL: dict.fromkeys(EMAIL_ACTIONS, np.uint8),
}
"""Columns of the cells of each feed, in the smallest type that may do."""


class DayOf:
    """The cells of one feed and day: rows ascending, a column each for what is counted, first activity per row."""

    __slots__ = ("columns", "first_ms", "rows")

    def __init__(self, rows: Rows, columns: Mapping[str, NDArray[Any]], first_ms: Ints) -> None:
        self.rows, self.columns, self.first_ms = rows, columns, first_ms


_LISTS: Final = ("_buyers", "_minor", "_items", "_purchase_ms", "unrated", "_logins", "_login_ms")


class OpenDay:
    """Arrivals of one day in all feeds."""

    __slots__ = ("_buyers", "_items", "_login_ms", "_logins", "_minor", "_purchase_ms", "emails", "tickets", "unrated")

    def __init__(self) -> None:
        self._buyers: list[int] = []
        self._minor: list[int] = []
        self._items: list[int] = []
        self._purchase_ms: list[int] = []
        self.unrated: list[int] = []
        """Rows of purchases whose currency has no rate, one each."""
        self._logins: list[int] = []
        self._login_ms: list[int] = []
        self.tickets: dict[int, Bucket] = {}
        self.emails: dict[int, Bucket] = {}

    def add(self, row: int, event: Event, rates: Mapping[str, float]) -> bool:
        """Take an event in; True when it can begin an early alert: a ticket opened or reopened, an e-mail refused."""
        data = event.data
        if event.feed == LOGIN:
            self._logins.append(row)
            self._login_ms.append(event.time_ms)
            return False
        if isinstance(data, Purchase):
            rate = rates.get(data.currency)
            if rate is None:
                self.unrated.append(row)
            self._buyers.append(row)
            self._minor.append(0 if rate is None else round(data.amount * rate * 100))
            self._items.append(data.items)
            self._purchase_ms.append(event.time_ms)
            return False
        if isinstance(data, Ticket):
            return bucket_in(self.tickets, row, len(TICKET_COUNTS)).add_ticket(data, event.time_ms, event.id)
        assert isinstance(data, Email)
        return bucket_in(self.emails, row, len(EMAIL_ACTIONS)).add_email(data, event.time_ms, event.id)

    def to_lists(self) -> list[list[int]]:
        """Everything but tickets and e-mails, copied."""
        return [getattr(self, name).copy() for name in _LISTS]

    def set_lists(self, lists: list[list[int]]) -> None:
        """Take over what `to_lists` gave."""
        for name, values in zip(_LISTS, lists, strict=True):
            setattr(self, name, values)

    def buckets(self, feed: int) -> dict[int, Bucket]:
        """Tickets or e-mails by row."""
        return self.tickets if feed == TICKET else self.emails

    def close(self) -> dict[int, DayOf]:
        """The day's cells by feed, of feeds with any."""
        found = {}
        if self._buyers:
            rows, places = np.unique(np.array(self._buyers, np.int32), return_inverse=True)
            columns = {
                "purchases": np.bincount(places),
                "minor": _sums(places, self._minor),
                "items": _sums(places, self._items),
            }
            found[PURCHASE] = DayOf(rows, columns, _firsts(places, self._purchase_ms))
        if self._logins:
            rows, places = np.unique(np.array(self._logins, np.int32), return_inverse=True)
            found[LOGIN] = DayOf(rows, {"logins": np.bincount(places)}, _firsts(places, self._login_ms))
        for feed, buckets, names in ((TICKET, self.tickets, TICKET_COUNTS), (EMAIL, self.emails, EMAIL_ACTIONS)):
            if buckets:
                found[feed] = cells_of(buckets, names)
        return found


def bucket_in(buckets: dict[int, Bucket], row: int, size: int) -> Bucket:
    """The bucket of a customer, a new one if there is none."""
    bucket = buckets.get(row)
    if bucket is None:
        bucket = buckets[row] = Bucket(size)
    return bucket


def cells_of(buckets: Mapping[int, Bucket], names: tuple[str, ...]) -> DayOf:
    """Buckets as columns; a bucket that counted nothing has no cell."""
    kept = sorted((row, bucket) for row, bucket in buckets.items() if any(bucket.counts))
    rows = np.array([row for row, _ in kept], np.int32)
    counts = np.array([bucket.counts for _, bucket in kept], np.int64).reshape(-1, len(names))
    columns = {name: counts[:, place] for place, name in enumerate(names)}
    return DayOf(rows, columns, np.array([bucket.first_ms for _, bucket in kept], np.int64))


def _sums(places: NDArray[np.intp], values: list[int]) -> Ints:
    """Exact sums by place: floats would lose cents of very large amounts."""
    found = np.zeros(int(places.max()) + 1, np.int64)
    np.add.at(found, places, np.array(values, np.int64))
    return found


def _firsts(places: NDArray[np.intp], times: list[int]) -> Ints:
    found = np.full(int(places.max()) + 1, 1 << 62, np.int64)
    np.minimum.at(found, places, np.array(times, np.int64))
    return found
