"""Events made in one line: only what a test is about is said, the rest is sensible."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.codec import encode_event, new_event
from schemas.event import DATA_OF, EMAIL, FEEDS, LOGIN, PURCHASE, TICKET, Event
from schemas.instant import from_rfc3339

NOON_MS = from_rfc3339("2026-01-15T12:00:00Z")
"""When built events happen unless a test says otherwise."""

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

_DEFAULTS: tuple[dict[str, Any], ...] = (
    {"order_id": "o-1", "amount": 20.0, "currency": "EUR", "items": 1},
    {},
    {"ticket_id": "t-1", "action": "opened", "category": "complaint"},
    {"action": "clicked"},
)


def event(
    feed: str = "login",
    customer: str = "c1",
    at_ms: int = NOON_MS,
    *,
    id: str | None = None,  # noqa: A002 - the contract's name of the field
    source: str = "test",
    **data: Any,
) -> Event:
    """An event that keeps the contract. Without `id` it gets one from what it says: the same call, the same event."""
    number = FEEDS.index(feed)
    content = msgspec.convert(_DEFAULTS[number] | data, DATA_OF[number])
    derived = new_event(number, customer, at_ms, content, source=source, id=None)
    return msgspec.structs.replace(derived, id=id or derived.id, id_derived=False)


def purchase(customer: str = "c1", at_ms: int = NOON_MS, amount: float = 20.0, **more: Any) -> Event:
    """A purchase."""
    return event(FEEDS[PURCHASE], customer, at_ms, amount=amount, **more)


def login(customer: str = "c1", at_ms: int = NOON_MS, **more: Any) -> Event:
    """A login."""
    return event(FEEDS[LOGIN], customer, at_ms, **more)


def ticket(customer: str = "c1", at_ms: int = NOON_MS, action: str = "opened", **more: Any) -> Event:
    """A ticket, a complaint just opened unless said otherwise."""
    return event(FEEDS[TICKET], customer, at_ms, action=action, **more)


def email(customer: str = "c1", at_ms: int = NOON_MS, action: str = "clicked", **more: Any) -> Event:
    """An e-mail, just clicked unless said otherwise."""
    return event(FEEDS[EMAIL], customer, at_ms, action=action, **more)


def line(of: Event) -> bytes:
    """The event as one line of an event file, without the line's end."""
    return encode_event(of)
