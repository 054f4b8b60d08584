"""The customer record: one packed value that holds everything known about a customer."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from models.config import Learning
from schemas.alert import AlertSeverity

NEVER: Final = 1 << 30
"""A day that no watermark reaches: 'nothing changes by silence alone'."""
TICKET_CATEGORIES = ("complaint", "billing", "delivery", "return", "other")
EMAIL_ACTIONS = ("sent", "opened", "clicked", "unsubscribed", "complained", "bounced")
MAX_NOTES = 10
"""Notes kept of a day: the smallest by (time, id), so that the choice does not depend on arrival."""
MAX_CHANNELS = 4
"""Distinct ticket channels kept of a day: signals ask for two, the rest is margin."""

STAGE_NAMES = ("none", "new", "active", "lapsed", "dormant", "churned", "reactivated")
"""Stages by their number in a record's header; 'none' before the first review."""


class Note(Struct, array_like=True, frozen=True, order=True, gc=False):
    """One event that a person may want to see as evidence: a ticket opened or reopened, an e-mail refused."""

    time_ms: int
    id: str
    action: str
    category: str
    channel: str


class TicketDay(Struct, array_like=True, gc=False):
    """Tickets of one day; `opened` by TICKET_CATEGORIES."""

    opened: list[int]
    reopened: int = 0
    resolved: int = 0
    channels: list[str] = []
    notes: list[Note] = []


class EmailDay(Struct, array_like=True, gc=False):
    """E-mails of one day; `actions` by EMAIL_ACTIONS (openings by machines are not counted)."""

    actions: list[int]
    notes: list[Note] = []


class Episode(Struct, array_like=True, gc=False):
    """An open alert, as last told to the world. `start` and the boundaries are day numbers."""

    start: int
    revision: int
    severity: AlertSeverity
    score: float | None
    stage: str | None
    owner: str
    observed_ms: int
    initial: float | None
    """The score it began with: what a new episode within the cool-down must exceed."""
    corroborated_by: tuple[str, ...] = ()
    """Signals whose open alerts make this one critical."""


class Parcel(Struct, array_like=True, frozen=True, gc=False):
    """An output whose cause is not yet committed: the bytes to send again after a crash."""

    sequence: int
    kind: str
    ref: str
    payload: bytes


class Verdict(Struct, array_like=True, frozen=True, gc=False):
    """The outcome of an uncommitted event when it was not simply applied, for a recount after a crash."""

    sequence: int
    feed: int
    offset: int
    outcome: str
    boundary: int = -1
    """Of a late event: the boundary that it missed."""


class Risk(Struct, array_like=True, frozen=True, gc=False):
    """A score as of a boundary, and the share of the base that then had at least this risk (None: not known).

    `is_of_base`: others are compared with it, for the customer was not lost yet.
    """

    boundary: int
    value: float
    rank: float | None
    is_of_base: bool = True


class Outline(Struct, array_like=True, gc=False):
    """What a restore asks of a record: its first fields, so that nothing behind them is unpacked for it."""

    reviewed: int = 0
    stage: str | None = None
    is_at_risk: bool = False
    episodes: dict[str, Episode] = {}
    announced: dict[str, list[int]] = {}
    pending: list[tuple[int, int]] = []
    outbox: list[Parcel] = []
    risks: list[Risk] = []  # of the last weeks, ascending
    first: list[int] = msgspec.field(default_factory=lambda: [-1, -1, -1, -1])
    purchases: dict[int, list[int]] = {}


class Customer(Outline, array_like=True, gc=False):
    """Everything known about one customer. Mutable: it never leaves the partition that decoded it.

    The day buckets hold closed and open days alike; a review as of boundary T reads the days before T only.
    Days and boundaries are day numbers of the calendar; money is in minor units of the catalogue's currency; lists of
    four are by feed, -1 standing for none; `totals` = purchases, spend, purchases whose currency has no rate.
    What is a byte each are days from `reviewed` on, see `models.bounds`.
    """

    due: int = NEVER
    offsets: list[int] = msgspec.field(default_factory=lambda: [-1, -1, -1, -1])
    seen: bytes = b""
    logins: dict[int, int] = {}
    tickets: dict[int, TicketDay] = {}
    emails: dict[int, EmailDay] = {}
    totals: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])  # all time, open days included
    forgotten: list[int] = msgspec.field(default_factory=lambda: [-1, -1, -1, -1])
    stage_since: int = 0
    fresh: dict[int, int] = {}  # by feed, the first day that no review has closed yet
    deaf: bytearray = msgspec.field(default_factory=lambda: bytearray(4))  # by feed, how long its news change nothing
    quiet: bytearray = msgspec.field(default_factory=bytearray)  # how long silence changes nothing, by place: ...
    hears: bytearray = msgspec.field(default_factory=bytearray)  # whose news can change it, a bit a feed, ...
    hears_after: bytearray = msgspec.field(default_factory=bytearray)  # ... and after how long
    cooling: dict[str, tuple[int, float | None]] = {}
    holding: dict[str, int] = {}
    has_late: bool = False
    verdicts: list[Verdict] = []
    scored_by: str = ""  # the version that gave the newest of the risks
    snapshots: bytes = b""  # waiting for their labels, see models.learning.snapshots


def risks_in_force(customer: Outline, boundary: int, learning: Learning | None) -> list[Risk]:
    """The scores, the newest last; none once another snapshot was due: the customer is not asked about any more."""
    risks = customer.risks
    if learning is None or not risks or boundary - risks[-1].boundary >= learning.step_days:
        return []
    return risks


def to_facts(customer: Customer, boundary: int, keep_days: int) -> dict[str, Any]:
    """What was observed, canonical: equal for equal sets of events, whatever the order of arrival."""
    floor = boundary - keep_days

    def of_days(days: dict[int, Any]) -> dict[str, Any]:
        return {str(day): days[day] for day in sorted(days) if day >= floor}

    facts = {
        "first": customer.first,
        "totals": customer.totals,
        "purchases": of_days(customer.purchases),
        "logins": of_days(customer.logins),
        "tickets": of_days(customer.tickets),
        "emails": of_days(customer.emails),
    }
    return dict(msgspec.to_builtins(facts))


def to_verdict(customer: Customer) -> dict[str, Any]:
    """What was decided, canonical: the stage and the open, cooling and announced episodes."""
    verdict = {
        "stage": customer.stage,
        "stage_since": customer.stage_since if customer.stage else None,
        "episodes": {key: customer.episodes[key] for key in sorted(customer.episodes)},
        "announced": {key: sorted(customer.announced[key]) for key in sorted(customer.announced)},
    }
    return dict(msgspec.to_builtins(verdict))
