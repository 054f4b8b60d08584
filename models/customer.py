"""The customer record: one packed value that holds everything known about a customer."""

import struct
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from models.config import Learning
from schemas.alert import AlertSeverity

RECORD_VERSION = 1
NEVER = 1 << 30
"""A day that no watermark reaches: 'nothing changes by silence alone'."""
FEED_BITS = 4
"""Bits for the feeds in a number of `Customer.hears`."""
TICKET_CATEGORIES = ("complaint", "billing", "delivery", "return", "other")
EMAIL_ACTIONS = ("sent", "opened", "clicked", "unsubscribed", "complained", "bounced")
MAX_NOTES = 10
"""Notes kept of a day: the smallest by (time, id), so that the choice does not depend on arrival."""
MAX_CHANNELS = 4
"""Distinct ticket channels kept of a day: signals ask for two, the rest is margin."""

STAGE_NAMES = ("none", "new", "active", "lapsed", "dormant", "churned", "reactivated")
"""Stages by their number in a record's header; 'none' before the first review."""
_STAGE_FLAGS: dict[str | None, int] = {name: place << 4 for place, name in enumerate(STAGE_NAMES)} | {None: 0}
_PENDING, _OUTBOX, _AT_RISK, _ALERTS, _RISKS = 1, 2, 4, 8, 128
"""Flags of a record's header; the stage stands between them."""
_HEADER = struct.Struct(">BIII")
_DUE = struct.Struct(">5xI")


class Note(Struct, array_like=True, frozen=True, order=True, gc=False):
    """One event that a person may want to see as evidence: a ticket opened or reopened, an e-mail refused."""

    time_ms: int
    id: str
    action: str
    category: str
    channel: str


class TicketDay(Struct, array_like=True):
    """Tickets of one day; `opened` by TICKET_CATEGORIES."""

    opened: list[int]
    reopened: int = 0
    resolved: int = 0
    channels: list[str] = []
    notes: list[Note] = []


class EmailDay(Struct, array_like=True):
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


class Customer(Struct, array_like=True):
    """Everything known about one customer. Mutable: it never leaves the partition that decoded it.

    The day buckets hold closed and open days alike; a review as of boundary T reads the days before T only.
    Days and boundaries are day numbers of the calendar; money is in minor units of the catalogue's currency; lists of
    four are by feed, -1 standing for none; `totals` = purchases, spend, purchases whose currency has no rate.
    """

    offsets: list[int] = msgspec.field(default_factory=lambda: [-1, -1, -1, -1])
    seen: bytes = b""
    first: list[int] = msgspec.field(default_factory=lambda: [-1, -1, -1, -1])
    purchases: dict[int, list[int]] = {}
    logins: dict[int, int] = {}
    tickets: dict[int, TicketDay] = {}
    emails: dict[int, EmailDay] = {}
    totals: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])  # all time, open days included
    forgotten: list[int] = msgspec.field(default_factory=lambda: [-1, -1, -1, -1])
    reviewed: int = 0
    stage: str | None = None
    stage_since: int = 0
    episodes: dict[str, Episode] = {}
    cooling: dict[str, tuple[int, float | None]] = {}
    holding: dict[str, int] = {}
    announced: dict[str, list[int]] = {}
    pending: list[tuple[int, int]] = []
    has_late: bool = False
    is_at_risk: bool = False
    due: int = NEVER
    fresh: list[int] = msgspec.field(default_factory=lambda: [NEVER] * 4)  # first day that no review has closed yet
    quiet: list[int] = []  # by signal of the catalogue, then stage, then forgetting: until when silence changes nothing
    outbox: list[Parcel] = []
    verdicts: list[Verdict] = []
    deaf: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0, 0])  # until when news changes nothing
    snapshots: bytes = b""  # waiting for their labels, see models.learning.snapshots
    risks: list[Risk] = []  # of the last weeks, ascending
    scored_by: str = ""  # the version that gave the newest of them
    hears: list[int] = []  # by signal, then stage: whose news can change it, a bit a feed, and above them from when on


_encoder = msgspec.msgpack.Encoder()
_decoder_v1 = msgspec.msgpack.Decoder(Customer)


class UnknownRecordVersionError(Exception):
    """A record written by a version of the program that this one cannot read."""

    def __init__(self, version: int) -> None:
        super().__init__(f"record format {version} is not known to this program (it reads up to {RECORD_VERSION})")
        self.version = version

    def __reduce__(self) -> tuple[type["UnknownRecordVersionError"], tuple[int]]:
        return type(self), (self.version,)


class Header(NamedTuple):
    """What is known of a packed record without decoding it."""

    epoch: int
    due: int
    flags: int

    @property
    def is_plain(self) -> bool:
        """Nothing but a stage and a day: no alert, no score, and nothing that waits."""
        return not self.flags & (_PENDING | _OUTBOX | _ALERTS | _RISKS)

    @property
    def has_pending(self) -> bool:
        """Announcements wait for the clock of their feed."""
        return bool(self.flags & _PENDING)

    @property
    def has_outbox(self) -> bool:
        """Outputs, or outcomes to recount, whose cause may not be committed."""
        return bool(self.flags & _OUTBOX)

    @property
    def is_at_risk(self) -> bool:
        """As `Engine.is_at_risk` said when the record was written."""
        return bool(self.flags & _AT_RISK)

    @property
    def has_alerts(self) -> bool:
        """Alerts are open, announced ones too."""
        return bool(self.flags & _ALERTS)

    @property
    def has_risks(self) -> bool:
        """The model's scores of the last weeks are kept."""
        return bool(self.flags & _RISKS)

    @property
    def stage(self) -> str:
        """One of STAGE_NAMES."""
        return STAGE_NAMES[self.flags >> 4 & 7]


def risks_in_force(customer: Customer, boundary: int, learning: Learning | None) -> list[Risk]:
    """The scores, the newest last; none once another snapshot was due: the customer is not asked about any more."""
    risks = customer.risks
    if learning is None or not risks or boundary - risks[-1].boundary >= learning.step_days:
        return []
    return risks


def encode_customer(customer: Customer, epoch: int) -> bytes:
    """Pack a record: format version, writer's epoch, next due day, flags, MessagePack."""
    flags = (
        (_PENDING if customer.pending else 0)
        | (_OUTBOX if customer.outbox or customer.verdicts else 0)
        | (_AT_RISK if customer.is_at_risk else 0)
        | (_ALERTS if customer.episodes or customer.announced else 0)
        | (_RISKS if customer.risks else 0)
    )
    flags |= _STAGE_FLAGS[customer.stage]
    return _HEADER.pack(RECORD_VERSION, epoch, customer.due, flags) + _encoder.encode(customer)


def decode_customer(value: bytes) -> Customer:
    """Unpack a record of this or an older version; raises UnknownRecordVersionError."""
    if value[0] != RECORD_VERSION:
        raise UnknownRecordVersionError(value[0])
    return _decoder_v1.decode(memoryview(value)[_HEADER.size :])


def peek(packed: bytes) -> Header:
    """The header of a packed record; raises UnknownRecordVersionError."""
    return _checked(_HEADER.unpack_from(packed))


def by_header(records: Iterable[tuple[bytes, bytes]]) -> dict[Header, list[bytes]]:
    """Keys of packed records by what their headers say: a million customers are of a few thousand kinds.

    Raises UnknownRecordVersionError.
    """
    found: defaultdict[tuple[int, ...], list[bytes]] = defaultdict(list)
    unpack = _HEADER.unpack_from
    for key, packed in records:
        found[unpack(packed)].append(key)
    return {_checked(fields): keys for fields, keys in found.items()}


def _checked(fields: tuple[int, ...]) -> Header:
    version, epoch, due, flags = fields
    if version != RECORD_VERSION:
        raise UnknownRecordVersionError(version)
    return Header(epoch, due, flags)


def due_of(packed: bytes) -> int:
    """The day of the next look alone; of a record that was read or written before, so its version is known."""
    due: int = _DUE.unpack_from(packed)[0]
    return due


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
