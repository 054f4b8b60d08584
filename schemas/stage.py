"""A customer's transition from one stage of the lifecycle to another, as it is published."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

import msgspec

from schemas.alert import Money


class StageChangeV1(msgspec.Struct, frozen=True):
    """`at` is the reviewed boundary (RFC 3339); `from_stage` and `days_in_previous` are None for the first stage."""

    id: str
    customer_id: str
    at: str
    from_stage: str | None
    to_stage: str
    cause: str
    days_in_previous: int | None
    spend_so_far: Money
    historical: bool
    catalogue: str
    schema_version: Literal[1] = 1


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(StageChangeV1)


def stage_change_id(customer_id: str, at: str) -> str:
    """Stable id of a transition: a customer changes its stage at most once at a boundary."""
    return sha256(f"{customer_id}\0{at}".encode()).hexdigest()[:32]


def encode_stage_change(change: StageChangeV1) -> bytes:
    """Compact JSON with the fields in their declared order."""
    return _encoder.encode(change)


def decode_stage_change(value: bytes) -> StageChangeV1:
    """The transition in a record's value; unknown fields are ignored. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(value)
