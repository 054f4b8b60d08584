"""The alert as it is published: every revision of an episode of one signal for one customer."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final, Literal

import msgspec

from schemas.command import AlertOutcome
from schemas.envelope import OF_FEED

Status = Literal["firing", "updated", "resolved", "lost", "retracted", "expired"]
OPEN: Final = frozenset({"firing", "updated"})
"""Status of a revision that leaves the alert open."""
EndReason = Literal[
    "came_back", "solved", "over", "lost", "expired", "signal_retired", "opted_out", "taken_back", "erased", "merged"
]  # fmt: skip
"""What became of an alert. Of bad news two are a success: the customer came back, or the trouble was solved."""
NoContact = Literal["unsubscribed", "complained", "opted_out"]
"""Why a customer must not be contacted."""
STATUS_OF_END: Final[Mapping[EndReason, Status]] = {
    "came_back": "resolved",
    "solved": "resolved",
    "over": "resolved",
    "lost": "lost",
    "expired": "expired",
    "signal_retired": "resolved",
    "opted_out": "resolved",
    "taken_back": "retracted",
    "erased": "resolved",
    "merged": "resolved",
}
"""The status of the last revision: who is lost must not look like a success to anybody who reads no further."""
Arm = Literal["treated", "holdout"]
"""Of an alert that is part of an experiment: whether somebody is told of it."""
Polarity = Literal["negative", "positive"]
AlertSeverity = Literal["info", "warning", "error", "critical"]

ValueBasis = Literal["expected", "last_year"]

URGENCY: Final[Mapping[AlertSeverity, int]] = {"critical": 0, "error": 1, "warning": 2, "info": 3}
"""What sorts severities, the most urgent first."""


class Driver(msgspec.Struct, frozen=True):
    """One cause: what was measured, its value, what is usual for this customer, and how much it adds to the score."""

    measure: str
    value: float | int | None
    usual: float | int | None
    contribution: float


class Money(msgspec.Struct, frozen=True):
    """An amount in major units of an ISO 4217 currency."""

    amount: float
    currency: str


class ModelRef(msgspec.Struct, frozen=True):
    """The model behind a score; `cold` while it has seen too little to be trusted."""

    name: str
    version: str
    cold: bool


class AlertV1(msgspec.Struct, frozen=True):
    """One revision of an alert: consumers keep the highest `revision` of each `alert_id`, repeats are harmless.

    Instants are RFC 3339 text. `starts_at` is the first boundary or day on which the condition was true, `observed_at`
    the event time of the announcement or the reviewed boundary, `due_at` that plus the signal's response time.
    `evidence` holds up to 10 event ids, `drivers` up to 5 causes. Two negative alerts of severity error that are open
    at once and rest on different feeds are critical, and name each other's signal in `corroborated_by`.
    `value_at_risk` is, by `value_basis`, the risk times the spend expected in twelve months (`model` says whose risk),
    or the spend of the last 365 days; `risk` is the former's, `spend_last_year` the latter whichever it is. Alerts of
    one customer and one cause that are open together are one case, and share `case_id`; what fired early knows none of
    these before the day's review. `ended_because`, null while it is open, says what became of it: the customer came
    back and did what had been missing, the trouble was solved, good news is over, the customer was lost meanwhile,
    nothing ended it in its time, its signal left the catalogue, the customer opted out, was erased or merged into
    another, or it was taken back. `do_not_contact` says why the customer must not be written to or called;
    `intervention` then does without.
    `acknowledged_at`, `acknowledged_by` and `outcome` are what people said of it, None until then. What nobody has
    acknowledged by `due_at` is `escalated_at` the first boundary behind it, to whom the catalogue says. Until
    `snoozed_until` nothing more of it is sent. `arm`: where the signal is tried against doing nothing, whether this
    alert is told to anybody; a held out one is on the topic of what was not sent. A pure function of events and
    commands, and of the model named: the time of sending is a Kafka header.
    """

    alert_id: str
    revision: int
    status: Status
    signal: str
    polarity: Polarity
    severity: AlertSeverity
    summary: str
    customer_id: str
    stage: str | None
    owner: str
    intervention: str
    playbook_url: str
    starts_at: str
    observed_at: str
    due_at: str | None
    ends_at: str | None
    score: float | None
    threshold: float | None
    drivers: tuple[Driver, ...]
    clears_when: str
    value_at_risk: Money | None
    corroborated_by: tuple[str, ...]
    model: ModelRef | None
    catalogue: str
    evidence: tuple[str, ...]
    arm: Arm | None
    historical: bool
    value_basis: ValueBasis | None = None
    risk: float | None = None
    spend_last_year: Money | None = None
    case_id: str | None = None
    ended_because: EndReason | None = None
    do_not_contact: tuple[NoContact, ...] = ()
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None
    outcome: AlertOutcome | None = None
    escalated_at: str | None = None
    escalated_to: str | None = None
    snoozed_until: str | None = None
    schema_version: Literal[1] = 1

    @property
    def is_open(self) -> bool:
        """Whether this revision leaves the alert open; of an alert the highest revision counts."""
        return self.status in OPEN

    @property
    def is_of_feed(self) -> bool:
        """Whether it tells of a feed, and of no customer."""
        return self.customer_id.startswith(OF_FEED)

    @property
    def is_owed(self) -> bool:
        """Whether somebody is still to take it on, by `due_at`."""
        is_asked = self.is_open and not self.historical and self.due_at is not None
        return is_asked and self.acknowledged_at is None and self.snoozed_until is None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AlertV1)


def alert_id(customer_id: str, signal: str, start_day: str) -> str:
    """Stable id of an episode: `start_day` is the day it began, as `YYYY-MM-DD` in the deployment's zone.

    >>> len(alert_id("c1", "usage_drop", "2026-03-01"))
    32
    """
    return sha256(f"{customer_id}\0{signal}\0{start_day}".encode()).hexdigest()[:32]


def case_id(customer_id: str, cause: str, first_day: str) -> str:
    """Stable id of a case: `first_day` is the first day of the alert that opened it, as `YYYY-MM-DD`.

    >>> len(case_id("c1", "silence", "2026-03-01"))
    32
    """
    return sha256(f"case\0{customer_id}\0{cause}\0{first_day}".encode()).hexdigest()[:32]


def revision_key(alert: AlertV1) -> bytes:
    """The key of a revision's record: each has one of its own, so that a tombstone can take it away."""
    return f"{alert.alert_id}/{alert.revision}".encode()


def encode_alert(alert: AlertV1) -> bytes:
    """Compact JSON with the fields in their declared order: the same alert is always the same bytes."""
    return _encoder.encode(alert)


def decode_alert(value: bytes) -> AlertV1:
    """The alert in a record's value; unknown fields are ignored. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(value)
