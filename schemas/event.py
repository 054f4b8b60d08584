"""The four kinds of input event, as they are after the contract has been checked."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

FEEDS: Final = ("purchase", "login", "ticket", "email")
"""Names of the feeds in their fixed order; the position is the `feed` number everywhere and breaks ties of time."""

PURCHASE: Final = 0
LOGIN: Final = 1
TICKET: Final = 2
EMAIL: Final = 3

MAX_AMOUNT: Final = 1e12
"""Greatest amount of one purchase. A float keeps cents exact up to about 9e13; more than a million million is a mistake
of units in the producer, and one such event would drown every sum it enters."""

MAX_ITEMS: Final = 1_000_000_000
"""Greatest number of items in one purchase; keeps sums of items inside 64 bits for any history."""

Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Currency = Annotated[
    str, Meta(min_length=3, max_length=3, description="ISO 4217 code", extra_json_schema={"pattern": "^[A-Z]{3}$"})
]
"""The pattern is checked by `envelope.has_legal_names`: inside the decoder it would cost more than all the rest."""
Amount = Annotated[float, Meta(ge=0, le=MAX_AMOUNT, description="in major units of the currency")]
Items = Annotated[int, Meta(ge=1, le=MAX_ITEMS)]

TicketAction = Literal["opened", "reopened", "resolved"]
TicketCategory = Literal["complaint", "billing", "delivery", "return", "other"]
Severity = Literal["low", "normal", "high"]
EmailAction = Literal["sent", "opened", "clicked", "unsubscribed", "complained", "bounced"]


# Defaults are left out when encoding, so that an optional field added later does not change the fingerprint of events
# that do not use it.
class Purchase(Struct, frozen=True, omit_defaults=True, gc=False):
    """An order was paid."""

    order_id: Text
    amount: Amount
    currency: Currency
    items: Items
    channel: Text | None = None
    category: Text | None = None


class Login(Struct, frozen=True, omit_defaults=True, gc=False):
    """The customer was seen using the product."""

    channel: Text | None = None


class Ticket(Struct, frozen=True, omit_defaults=True, gc=False):
    """A support ticket changed its state."""

    ticket_id: Text
    action: TicketAction
    category: TicketCategory
    channel: Text | None = None
    severity: Severity | None = None


class Email(Struct, frozen=True, omit_defaults=True, gc=False):
    """Something happened to an e-mail sent to the customer; `machine_open` marks opens made by a mail proxy."""

    action: EmailAction
    campaign_id: Text | None = None
    machine_open: bool = False


EventData = Purchase | Login | Ticket | Email
DATA_OF: Final[tuple[type[EventData], ...]] = (Purchase, Login, Ticket, Email)
"""What a feed's events carry, by its number."""


class Event(Struct, frozen=True, gc=False):
    """One accepted event.

    `feed` indexes `FEEDS` and says which type `data` has. `fingerprint` is a 32-bit CRC of the meaning (time and data):
    the same id with another fingerprint is a conflict, not a duplicate. `id_derived` is true when the producer gave no
    id.
    """

    feed: int
    id: str
    customer_id: str
    time_ms: int
    data: EventData
    source: str
    fingerprint: int
    id_derived: bool = False
