"""The clock as data: one record per partition and minute that says how late it is and which feeds are idle."""

from __future__ import annotations

from typing import Annotated

import msgspec

from schemas.envelope import EventTime
from schemas.errors import RejectedError
from schemas.event import FEEDS
from schemas.event_time import EVENT_TIME_SCHEMA, check_bounds
from schemas.explain import parse_object
from schemas.instant import to_ms, to_rfc3339
from schemas.limits import MAX_BYTES

_VERSION = 1


class Tick(msgspec.Struct, frozen=True):
    """`idle` maps a feed's name to its end offset: its clock may be lifted once its position has reached that."""

    now_ms: int
    idle: dict[str, int]


Now = Annotated[str, msgspec.Meta(description="RFC 3339, as the time of an event", extra_json_schema=EVENT_TIME_SCHEMA)]
Offset = Annotated[int, msgspec.Meta(ge=0)]
Idle = Annotated[dict[str, Offset], msgspec.Meta(extra_json_schema={"propertyNames": {"enum": list(FEEDS)}})]


class TickV1(msgspec.Struct, frozen=True):
    """A tick as it is written: `now` is RFC 3339, `idle` maps feeds to their end offsets."""

    now: Now
    idle: Idle
    schema_version: Annotated[int, msgspec.Meta(extra_json_schema={"const": _VERSION})] = _VERSION


_encoder = msgspec.json.Encoder(order="deterministic")


def encode_tick(tick: Tick) -> bytes:
    """JSON `{"now": RFC 3339, "idle": {feed: end offset}, "schema_version": 1}`."""
    return _encoder.encode(TickV1(now=to_rfc3339(tick.now_ms), idle=tick.idle))


def decode_tick(value: bytes | None) -> Tick:
    """The tick in a record's value. Raises RejectedError (`bad_tick`, `unsupported_version`)."""
    if not value or len(value) > MAX_BYTES:
        raise RejectedError("bad_tick", "the value is empty, or longer than that of an event may be")
    try:
        wire = msgspec.convert(parse_object(value), TickV1)
        moment = msgspec.convert(wire.now, EventTime)
        check_bounds(moment)
    except (msgspec.ValidationError, RejectedError) as error:
        raise RejectedError("bad_tick", str(error)) from error
    if wire.schema_version != _VERSION:
        raise RejectedError("unsupported_version", f"version {wire.schema_version}, known is 1", "schema_version")
    unknown = sorted(set(wire.idle) - set(FEEDS))
    if unknown:
        raise RejectedError("bad_tick", f"{len(unknown)} unknown feeds; known are {', '.join(FEEDS)}", "idle")
    return Tick(now_ms=to_ms(moment), idle=wire.idle)
