"""From the bytes of a record to an event, and back.

The good path is one typed decode; everything that costs more (finding the reason, CloudEvents, exact limits) is behind
a cheap test that honest records pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from zlib import crc32

import msgspec

from schemas import cloudevent
from schemas.envelope import ENVELOPES, LEGAL_ID, Envelope, has_legal_names, is_currency, is_customer_id
from schemas.errors import RejectedError
from schemas.event import FEEDS, PURCHASE, Event, EventData
from schemas.event_time import SURE_FIRST_MS, SURE_LAST_MS, check_bounds
from schemas.explain import check_utf8, explain, parse_object
from schemas.instant import to_ms, to_rfc3339
from schemas.limits import MAX_BYTES, MAX_DEPTH, MAX_STRING, check_limits, is_surely_within

MAX_AHEAD_MS: Final = 300_000
"""How far a producer's clock may run ahead of ours: five minutes. Beyond, one fast clock would carry the watermark past
honest events and make them late."""

_FRAME_BYTES = 5
_BRACE, _BRACKET = ord("{"), ord("[")
_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_decode_by_feed = tuple(msgspec.json.Decoder(envelope).decode for envelope in ENVELOPES)
_pack = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


def decode_event(
    feed: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] | None,
    now_ms: int,
) -> Event:
    """The event in a record of a feed's topic. Raises RejectedError when the record does not keep the contract.

    Accepts plain JSON, structured and binary CloudEvents, and JSON behind the five bytes of a Confluent serializer.
    `now_ms` only judges what lies in the future.
    """
    if value and key and not headers and value[0] == _BRACE:
        event = _plain(feed, key, value)
        if event is not None and event.time_ms <= now_ms + MAX_AHEAD_MS:
            return event
    return _checked(feed, key, value, headers, now_ms)


def _plain(feed: int, key: bytes | None, value: bytes) -> Event | None:
    """The event in a short plain JSON record; None for any other, which must then be looked at from the start."""
    try:
        wire = _decode_by_feed[feed](value)
    except _UNDECODABLE:
        return None
    customer = wire.customer_id.encode()
    if (
        len(value) > MAX_STRING
        or value.count(b"{") > MAX_DEPTH
        or _BRACKET in value
        or not value.isascii()
        or customer.translate(None, LEGAL_ID)  # something is left of it
        or (key is not None and customer != key)
        or (feed == PURCHASE and not is_currency(wire.data.currency))  # type: ignore[union-attr] # of that feed
    ):
        return None
    return _from_wire(feed, wire)


def _checked(
    feed: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] | None,
    now_ms: int,
) -> Event:
    """The event in any record, or the first of its faults in a fixed order."""
    whole = _checked_size(value)
    if not key:
        raise RejectedError("missing_key", "the record has no key; it must be the customer id")
    event = _decode(feed, key, whole, headers)
    if event.customer_id.encode() != key:
        raise RejectedError("key_mismatch", "the key of the record is not the customer id", "customer_id")
    check_ahead(event.time_ms, now_ms)
    return event


def check_ahead(time_ms: int, now_ms: int, field: str = "event_time") -> None:
    """Raise RejectedError (`future`) for a time too far ahead of the clock: the one judgement that reads one."""
    if time_ms > now_ms + MAX_AHEAD_MS:
        # Not by how much: a redelivered record gets the same dead letter, byte for byte.
        raise RejectedError("future", "more than 300 s ahead of the clock", field)


def decode_line(line: bytes) -> Event:
    """The event in one line of an event file: plain JSON, or a structured CloudEvent with a subject.

    The type in the line says which feed it belongs to. Refused is what `decode_event` refuses, for the same reasons but
    those of the key and of the clock, of which `check_ahead` is asked. Raises RejectedError.
    """
    if line.startswith(b"{"):
        event = _plain(_feed_of(line), None, line)
        if event is not None:
            return event
    return _decode(_feed_of(line), None, _checked_size(line), None)


def _checked_size(value: bytes | None) -> bytes:
    """The value. Raises RejectedError (`empty`, `too_large`)."""
    if not value:
        raise RejectedError("empty", "the record has no value")
    if len(value) > MAX_BYTES:
        raise RejectedError("too_large", f"{len(value)} bytes, at most {MAX_BYTES} are allowed")
    return value


def encode_event(event: Event) -> bytes:
    """Canonical JSON of the contract; `decode_event` of it gives an equal event (a derived id is derived again)."""
    envelope: dict[str, object] = {} if event.id_derived else {"id": event.id}
    envelope |= {
        "type": FEEDS[event.feed],
        "customer_id": event.customer_id,
        "event_time": to_rfc3339(event.time_ms),
        "schema_version": 1,
        "source": event.source,
        "data": event.data,
    }
    return _to_json(envelope)


def new_event(feed: int, customer_id: str, time_ms: int, data: EventData, *, source: str, id: str | None) -> Event:  # noqa: A002 - the contract's name of the field
    """An event from its parts, with its fingerprint, and with a derived id when there is none. Checks nothing."""
    meaning = _pack((time_ms, data))
    return Event(
        feed,
        _derived_id(feed, customer_id, meaning) if id is None else id,
        customer_id,
        time_ms,
        data,
        source,
        crc32(meaning),
        id is None,
    )


def _derived_id(feed: int, customer_id: str, meaning: bytes) -> str:
    return sha256(b"\0".join((FEEDS[feed].encode(), customer_id.encode(), meaning))).hexdigest()[:32]


class _Head(msgspec.Struct, gc=False):
    type: str


_decode_head = msgspec.json.Decoder(_Head).decode
_FEED_OF: Final = {name: feed for feed, name in enumerate(FEEDS)}


def _feed_of(line: bytes) -> int:
    """The feed a line belongs to, or the first one when its type is unknown: decoding then tells the fault."""
    try:
        name = _decode_head(line).type
    except _UNDECODABLE:
        return PURCHASE
    feed = _FEED_OF.get(name)
    return cloudevent.feed_of_type(name) if feed is None else feed


def _decode(feed: int, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]] | None) -> Event:
    if value[0] == 0:
        value = _without_frame(value)
    if headers:
        if cloudevent.is_binary(headers):
            data = parse_object(value)
            return _from_cloudevent(feed, cloudevent.from_binary(headers, data, key))
        if cloudevent.is_structured(headers):
            return _from_cloudevent(feed, cloudevent.from_structured(parse_object(value), key))
    try:
        wire = _decode_by_feed[feed](value)
    except _UNDECODABLE:
        return _second_look(feed, key, value)
    if not value.isascii():
        check_utf8(value)
    if not is_surely_within(value):
        check_limits(value)
    if not is_customer_id(wire.customer_id) or (feed == PURCHASE and not has_legal_names(wire)):
        return _second_look(feed, key, value)
    return _from_wire(feed, wire)


def _without_frame(value: bytes) -> bytes:
    """What follows the magic byte and the four bytes of schema id that Confluent's serializers put before JSON."""
    body = value[_FRAME_BYTES:]
    if body.lstrip()[:1] != b"{":
        raise RejectedError("bad_frame", "a zero byte and a schema id must be followed by a JSON object")
    return body


def _second_look(feed: int, key: bytes | None, value: bytes) -> Event:
    """A record that the typed decoder refused: perhaps a CloudEvent, or one whose whole numbers are written 2.0."""
    record = parse_object(value)
    if record.get("specversion") is not None:
        return _from_cloudevent(feed, cloudevent.from_structured(record, key))
    return _from_record(feed, record, {})


def _from_cloudevent(feed: int, record: Mapping[str, object]) -> Event:
    return _from_record(feed, record, cloudevent.FIELD_NAMES)


def _from_record(feed: int, record: Mapping[str, object], names: Mapping[str, str]) -> Event:
    """The event in a parsed record, or the first of its faults; `names`: those the producer used for our fields."""
    fault = explain(feed, record, names)
    if fault is not None:
        raise fault
    return _from_wire(feed, msgspec.convert(record, ENVELOPES[feed]))


def _from_wire(feed: int, wire: Envelope) -> Event:
    time_ms = to_ms(wire.event_time)
    if not SURE_FIRST_MS <= time_ms <= SURE_LAST_MS:
        check_bounds(wire.event_time)
    event_id, data = wire.id, wire.data
    meaning = _pack((time_ms, data))
    if event_id is None:
        event_id = _derived_id(feed, wire.customer_id, meaning)
    return Event(feed, event_id, wire.customer_id, time_ms, data, wire.source, crc32(meaning), wire.id is None)
