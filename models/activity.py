"""Folding events into day buckets: an order-free merge, so that the record is a function of the set of events."""

from bisect import insort
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, Final

from models.customer import (
    EMAIL_ACTIONS,
    MAX_CHANNELS,
    MAX_NOTES,
    TICKET_CATEGORIES,
    Customer,
    EmailDay,
    Note,
    TicketDay,
)
from schemas.event import EMAIL, LOGIN, TICKET, Email, Event, Purchase, Ticket

_CATEGORY_INDEX: Final = {name: index for index, name in enumerate(TICKET_CATEGORIES)}
_ACTION_INDEX: Final = {name: index for index, name in enumerate(EMAIL_ACTIONS)}
_STRONG_EMAIL: Final = frozenset(("clicked", "unsubscribed", "complained"))
_strong_counts = itemgetter(*(_ACTION_INDEX[name] for name in sorted(_STRONG_EMAIL)))
_NO_STRONG_COUNTS = (0,) * len(_STRONG_EMAIL)
REFUSALS: Final = frozenset(("unsubscribed", "complained"))


def fold(customer: Customer, event: Event, day: int, rates: Mapping[str, float]) -> None:
    """Add an event to its day. `rates` converts to the catalogue's currency; without a rate the amount is left out."""
    data = event.data
    if event.feed == LOGIN:
        customer.logins[day] = customer.logins.get(day, 0) + 1
    elif isinstance(data, Purchase):
        _fold_purchase(customer, data, day, rates)
    elif isinstance(data, Email):
        if not _fold_email(customer, event, data, day):
            return
    elif isinstance(data, Ticket) and not _fold_ticket(customer, event, data, day):
        return
    if not 0 <= customer.first[event.feed] <= event.time_ms:
        customer.first[event.feed] = event.time_ms


def _fold_purchase(customer: Customer, data: Purchase, day: int, rates: Mapping[str, float]) -> None:
    rate = rates.get(data.currency)
    minor = 0 if rate is None else round(data.amount * rate * 100)
    totals = customer.totals
    totals[0] += 1
    totals[1] += minor
    totals[2] += rate is None
    bucket = customer.purchases.get(day)
    if bucket is None:
        customer.purchases[day] = [1, minor, data.items]
    else:
        bucket[0] += 1
        bucket[1] += minor
        bucket[2] += data.items


def _fold_ticket(customer: Customer, event: Event, data: Ticket, day: int) -> bool:
    """True when the event is activity of the customer (opened or reopened)."""
    bucket = customer.tickets.get(day)
    if bucket is None:
        bucket = customer.tickets[day] = TicketDay([0] * len(TICKET_CATEGORIES), channels=[], notes=[])
    if data.action == "resolved":
        bucket.resolved += 1
        return False
    if data.action == "opened":
        bucket.opened[_CATEGORY_INDEX[data.category]] += 1
    else:
        bucket.reopened += 1
    channel = data.channel or ""
    if channel and data.action == "opened" and channel not in bucket.channels:
        insort(bucket.channels, channel)
        del bucket.channels[MAX_CHANNELS:]
    _keep(bucket.notes, Note(event.time_ms, event.id, data.action, data.category, channel))
    return True


def _fold_email(customer: Customer, event: Event, data: Email, day: int) -> bool:
    """True when the event is activity of the customer (clicked, unsubscribed, complained)."""
    if data.action == "opened" and data.machine_open:
        return False
    bucket = customer.emails.get(day)
    if bucket is None:
        bucket = customer.emails[day] = EmailDay([0] * len(EMAIL_ACTIONS), notes=[])
    bucket.actions[_ACTION_INDEX[data.action]] += 1
    if data.action in REFUSALS:
        _keep(bucket.notes, Note(event.time_ms, event.id, data.action, "", ""))
    return data.action in _STRONG_EMAIL


def _keep(notes: list[Note], note: Note) -> None:
    """Keep the smallest MAX_NOTES by (time, id): which ones stay does not depend on the order of arrival."""
    insort(notes, note)
    del notes[MAX_NOTES:]


def forget(customer: Customer, before: int) -> None:
    """Drop the closed buckets of days earlier than `before`, keeping the last day of each kind of activity."""
    forgotten = customer.forgotten
    for feed, days in enumerate(day_buckets(customer)):
        if days and min(days) < before:
            old = {day: days.pop(day) for day in [day for day in days if day < before]}
            forgotten[feed] = max(forgotten[feed], max(active_days(feed, old), default=-1))


def day_buckets(customer: Customer) -> tuple[dict[int, Any], ...]:
    """The day buckets by feed."""
    return customer.purchases, customer.logins, customer.tickets, customer.emails


def active_days(feed: int, days: Mapping[int, Any]) -> Iterable[int]:
    """The days with activity of the customer: e-mails merely sent and tickets merely resolved are none."""
    if feed == TICKET:
        return [day for day, bucket in days.items() if bucket.reopened or any(bucket.opened)]
    if feed == EMAIL:
        return [day for day, bucket in days.items() if _strong_counts(bucket.actions) != _NO_STRONG_COUNTS]
    return days
