"""What came of an alert that was part of an experiment, as it is published: once, when its horizon is over."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.alert import Arm


class OutcomeV1(msgspec.Struct, frozen=True):
    """Whether a customer came back within the horizon behind an alert; told alike of both arms.

    `starts_at` is the boundary at which the alert began, `at` the one behind the horizon (RFC 3339 text). Coming back
    is what restarts the customer's clock of silence: a purchase, or any activity of who never bought. What people said
    of the alert is in the receipts: it is known of one arm alone. A pure function of events, commands and catalogue.
    """

    alert_id: str
    customer_id: str
    signal: str
    arm: Arm
    starts_at: str
    at: str
    horizon_days: int
    came_back: bool
    stage: str | None
    catalogue: str
    schema_version: Literal[1] = 1


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(OutcomeV1)


def encode_outcome(outcome: OutcomeV1) -> bytes:
    """Compact JSON with the fields in their declared order."""
    return _encoder.encode(outcome)


def decode_outcome(value: bytes) -> OutcomeV1:
    """The outcome in a record's value; unknown fields are ignored. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(value)
