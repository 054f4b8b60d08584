"""What the owners' lists are made of: alerts as they were sent, and how far each partition has come."""

from __future__ import annotations

from typing import Final, Literal, TypeGuard

import msgspec

from schemas.alert import AlertV1, decode_alert
from schemas.erasure import ErasureV1


class ReviewedV1(msgspec.Struct, frozen=True, tag="reviewed", tag_field="type"):
    """A partition has judged everybody as of `boundary` (RFC 3339): what it sent until then lies before this record.

    `catalogue`: the hash of the one that judged.
    """

    partition: int
    boundary: str
    catalogue: str = ""
    schema_version: Literal[1] = 1


Told = AlertV1 | ReviewedV1 | ErasureV1
"""A record of the topic: a revision, byte by byte as on the topic of alerts, how far a partition is, or the news that
somebody is erased: as of that boundary nobody's digest is to name the customer any more."""


def concerns_lists(alert: AlertV1) -> bool:
    """Whether a revision goes on the topic: of good news and of what was history nobody is asked to answer."""
    return alert.polarity == "negative" and not alert.historical


def is_told(message: object) -> TypeGuard[Told]:
    """Whether a decision, of whatever kind, goes on the topic."""
    return concerns_lists(message) if isinstance(message, AlertV1) else isinstance(message, ReviewedV1 | ErasureV1)


class _Kind(msgspec.Struct):
    type: str | None = None


_encoder: Final = msgspec.json.Encoder()
_kind: Final = msgspec.json.Decoder(_Kind)
_other: Final = msgspec.json.Decoder(ReviewedV1 | ErasureV1)


def encode_reviewed(reviewed: ReviewedV1) -> bytes:
    """Compact JSON with the fields in their declared order."""
    return _encoder.encode(reviewed)


def reviewed_key(reviewed: ReviewedV1) -> bytes:
    """The key of its record, one each, as revisions and erasures have one."""
    return f"reviewed/{reviewed.partition}/{reviewed.boundary}".encode()


def decode_told(value: bytes) -> Told:
    """What a record says. Raises msgspec.ValidationError or DecodeError."""
    return decode_alert(value) if _kind.decode(value).type is None else _other.decode(value)
