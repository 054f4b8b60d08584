"""The clock as data: one record per partition and minute that says how late it is and which feeds are idle."""

from __future__ import annotations

from typing import Annotated

import msgspec

from schemas.errors import RejectedError
from schemas.event import FEEDS
from schemas.instant import from_rfc3339, to_rfc3339


class Tick(msgspec.Struct, frozen=True):
    """`idle` maps a feed's name to its end offset: its clock may be lifted once its position has reached that."""

    now_ms: int
    idle: dict[str, int]


class TickV1(msgspec.Struct, frozen=True):
    """A tick as it is written: `now` is RFC 3339, `idle` maps feeds to their end offsets."""

    now: str
    idle: dict[str, Annotated[int, msgspec.Meta(ge=0)]]
    schema_version: int = 1


_decoder = msgspec.json.Decoder(TickV1)
_encoder = msgspec.json.Encoder(order="deterministic")


def encode_tick(tick: Tick) -> bytes:
    """JSON `{"now": RFC 3339, "idle": {feed: end offset}, "schema_version": 1}`."""
    return _encoder.encode(TickV1(now=to_rfc3339(tick.now_ms), idle=tick.idle))


def decode_tick(value: bytes | None) -> Tick:
    """The tick in a record's value. Raises RejectedError (`bad_tick`, `unsupported_version`)."""
    if not value:
        raise RejectedError("bad_tick", "the value is empty")
    try:
        wire = _decoder.decode(value)
        now_ms = from_rfc3339(wire.now)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RejectedError("bad_tick", str(error)) from error
    if wire.schema_version != 1:
        raise RejectedError("unsupported_version", f"version {wire.schema_version}, known is 1", "schema_version")
    unknown = sorted(set(wire.idle) - set(FEEDS))
    if unknown:
        raise RejectedError("bad_tick", f"{len(unknown)} unknown feeds; known are {', '.join(FEEDS)}", "idle")
    return Tick(now_ms=now_ms, idle=wire.idle)
