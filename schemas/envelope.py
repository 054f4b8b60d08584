"""The input contract as types: the envelope of each kind of event, as it is written in JSON."""

from __future__ import annotations

import re
import string
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.event import FEEDS, Email, Login, Purchase, Text, Ticket
from schemas.event_time import EVENT_TIME_SCHEMA

is_customer_id = re.compile("[A-Za-z0-9_.@-]{1,64}").fullmatch
"""Truthy for a legal customer id."""

OF_FEED: Final = "feed:"
"""What stands before a feed in place of a customer, in an alert that tells of one: no customer's id has a colon."""

LEGAL_ID: Final = (string.ascii_letters + string.digits + "_.@-").encode()
"""Every byte that a legal customer id may hold."""

is_currency = re.compile("[A-Z]{3}").fullmatch
"""Truthy for what can be an ISO 4217 code."""

EventId = Annotated[str, Meta(min_length=1, max_length=64)]


def _customer(description: str, pattern: str = "^[A-Za-z0-9_.@-]{1,64}$") -> Meta:
    return Meta(min_length=1, max_length=64, description=description, extra_json_schema={"pattern": pattern})


CustomerId = Annotated[str, _customer("a pseudonym; equal to the key of the record")]
OtherCustomerId = Annotated[str, _customer("the pseudonym of another customer")]
CustomerOrFeed = Annotated[
    str,
    _customer(
        "that of the alert: a pseudonym, or the feed it tells of; equal to the key of the record",
        f"^([A-Za-z0-9_.@-]{{1,64}}|{OF_FEED}({'|'.join(FEEDS)}))$",
    ),
]
EventTime = Annotated[
    datetime,
    Meta(
        tz=True,
        description="RFC 3339 with an offset from UTC, from 1970 to 2099; with another offset than UTC's a day less on "
        "both sides",
        extra_json_schema=EVENT_TIME_SCHEMA,
    ),
]
"""The bounds are checked by `event_time.check_bounds`."""


class PurchaseEvent(Struct, frozen=True, gc=False):
    """A record of the purchase topic."""

    type: Literal["purchase"]
    customer_id: CustomerId
    event_time: EventTime
    schema_version: Literal[1]
    source: Text
    data: Purchase
    id: EventId | None = None


class LoginEvent(Struct, frozen=True, gc=False):
    """A record of the login topic."""

    type: Literal["login"]
    customer_id: CustomerId
    event_time: EventTime
    schema_version: Literal[1]
    source: Text
    data: Login
    id: EventId | None = None


class TicketEvent(Struct, frozen=True, gc=False):
    """A record of the ticket topic."""

    type: Literal["ticket"]
    customer_id: CustomerId
    event_time: EventTime
    schema_version: Literal[1]
    source: Text
    data: Ticket
    id: EventId | None = None


class EmailEvent(Struct, frozen=True, gc=False):
    """A record of the email topic."""

    type: Literal["email"]
    customer_id: CustomerId
    event_time: EventTime
    schema_version: Literal[1]
    source: Text
    data: Email
    id: EventId | None = None


Envelope = PurchaseEvent | LoginEvent | TicketEvent | EmailEvent

ENVELOPES: Final[tuple[type[PurchaseEvent], type[LoginEvent], type[TicketEvent], type[EmailEvent]]] = (
    PurchaseEvent,
    LoginEvent,
    TicketEvent,
    EmailEvent,
)
"""The envelope of each feed, in the order of `FEEDS`."""


def has_legal_names(envelope: Envelope) -> bool:
    """Whether the patterns hold that the typed decoder leaves out: inside it they cost more than all the rest."""
    if not is_customer_id(envelope.customer_id):
        return False
    return type(envelope) is not PurchaseEvent or is_currency(envelope.data.currency) is not None
