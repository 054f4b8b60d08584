"""The daily digest of an owner: who is to be called today, who waits, what became of those of yesterday."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.alert import AlertSeverity, EndReason, Money, NoContact, ValueBasis
from schemas.command import AlertOutcome

Became = Literal["ended", "answered", "acknowledged", "snoozed", "escalated"]
"""What happened to an alert since the last digest; `answered`: somebody said what came of it."""


class CameTrueV1(msgspec.Struct, frozen=True):
    """The share of a signal's alerts that came true on one's own history though nobody called; its 95 % interval."""

    share: float
    low: float
    high: float


class DigestAlertV1(msgspec.Struct, frozen=True):
    """One reason to look at a customer, as of the newest revision: see `AlertV1` for its fields.

    `listed_at` is the boundary of the digest that put it on the list, None while it waits for room; `told_at` that of
    the newest revision: the numbers in `summary` are of then. `came_true` is None where the catalogue names no hit
    rates.
    """

    alert_id: str
    signal: str
    severity: AlertSeverity
    summary: str
    intervention: str
    playbook_url: str
    starts_at: str
    due_at: str | None
    escalated_at: str | None
    listed_at: str | None
    told_at: str | None = None
    came_true: CameTrueV1 | None = None


class DigestLineV1(msgspec.Struct, frozen=True):
    """A customer with what an owner is asked to look at: one call. Up to five reasons, the most urgent first.

    `due_at` is the earliest of all reasons, `value_at_risk` the greatest.
    """

    customer_id: str
    stage: str | None
    value_at_risk: Money | None
    value_basis: ValueBasis | None
    risk: float | None
    do_not_contact: tuple[NoContact, ...]
    due_at: str | None
    is_past_due: bool
    alerts: tuple[DigestAlertV1, ...]


class DigestEndV1(msgspec.Struct, frozen=True):
    """What became, since the last digest, of an alert that an earlier one had put on the list."""

    customer_id: str
    alert_id: str
    signal: str
    listed_at: str
    became: Became
    ended_because: EndReason | None
    outcome: AlertOutcome | None
    acknowledged_by: str | None
    snoozed_until: str | None
    escalated_to: str | None


class DigestCountsV1(msgspec.Struct, frozen=True):
    """Of customers: `new` today, still `open` from before, `past_due` of these, `waiting` for room.

    Of alerts: `in_hand`, acknowledged and not over; `snoozed`; of how many something `became` since the last digest.
    """

    new: int
    open: int
    past_due: int
    waiting: int
    in_hand: int
    snoozed: int
    became: int


class DigestV1(msgspec.Struct, frozen=True):
    """What an owner has to do as of a boundary (`at`, RFC 3339 text); a function of the alerts sent until then.

    `new` are at most `budget` customers, the first of all who are not on the list yet; the rest is `waiting`, and is
    asked again at the next boundary. `open` are those of earlier days whom nobody has taken on, past due first. Lists
    are cut at 200 lines; `counts` say how many there are.
    """

    owner: str
    at: str
    budget: int
    counts: DigestCountsV1
    new: tuple[DigestLineV1, ...]
    open: tuple[DigestLineV1, ...]
    waiting: tuple[DigestLineV1, ...]
    became: tuple[DigestEndV1, ...]
    schema_version: Literal[1] = 1


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DigestV1)


def encode_digest(digest: DigestV1) -> bytes:
    """Compact JSON with the fields in their declared order."""
    return _encoder.encode(digest)


def decode_digest(value: bytes) -> DigestV1:
    """The digest in a record's value; unknown fields are ignored. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(value)
