"""A revision of an alert that was decided and not sent, as it is published: suppression is a decision with a record."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.alert import AlertV1

Rule = Literal["opted_out", "held_out", "snoozed", "feed_down", "capped"]
"""Why a revision is held, in the order in which the rules are asked."""


class SuppressedV1(msgspec.Struct, frozen=True):
    """`alert` is the revision as it would have been sent, `at` the boundary (RFC 3339 text) at which it was held.

    `passes_at` is the instant from which on it could pass, None where nobody knows, or where it never will. What is
    still so then is sent as a further revision, not as this one.
    """

    rule: Rule
    at: str
    passes_at: str | None
    alert: AlertV1
    schema_version: Literal[1] = 1


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(SuppressedV1)


def encode_suppressed(held: SuppressedV1) -> bytes:
    """Compact JSON with the fields in their declared order."""
    return _encoder.encode(held)


def decode_suppressed(value: bytes) -> SuppressedV1:
    """What was held, in a record's value; unknown fields are ignored. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(value)
