"""What partitions tell each other of customers who were merged, on a topic that workers alone write and read.

An alias is an id of a customer who goes by another one: what is known of the alias moves to the partition of the
customer. Every record says which partition sent it, and from which place of its inputs it comes (`origin`): what a
restart sends again is known by that.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from schemas.codec import decode_line, encode_event
from schemas.errors import RejectedError
from schemas.event import Event


class MovedOrigin(Struct, frozen=True, array_like=True):
    """Partition, place among its inputs, and offset there; of one place a partition sends in ascending order."""

    partition: int
    place: int
    offset: int


class AnnouncedV1(Struct, frozen=True, tag="announced", tag_field="type"):
    """From the boundary `since` on, what is posted of the alias comes from that partition."""

    to: int
    partition: int
    alias: str
    customer_id: str
    since: int
    schema_version: Literal[1] = 1


class MarkV1(Struct, frozen=True, tag="mark", tag_field="type"):
    """All that a partition has to send of the days before a boundary was sent."""

    to: int
    partition: int
    boundary: int
    schema_version: Literal[1] = 1


class _OfAlias(Struct, frozen=True):
    """What came of an alias that left as of `since`: to which partition, for whom. `by`: the ids it came by."""

    to: int
    origin: MovedOrigin
    customer_id: str
    since: int
    by: tuple[str, ...]


class MovedEventV1(_OfAlias, frozen=True, tag="event", tag_field="type"):
    """An event; the first id that it came by is that in it."""

    event: Event
    schema_version: Literal[1] = 1


NoteOnWire = tuple[int, str, str, str, str]
"""Instant, id, action, category and channel, the last two may be empty."""


class BucketPart(Struct, frozen=True, array_like=True):
    """Tickets or e-mails of a day that is not closed: counts, channels, notes, the first activity."""

    counts: list[int]
    channels: list[str]
    notes: list[NoteOnWire]
    first_ms: int


class DayPart(Struct, frozen=True, array_like=True):
    """What a day that is not closed holds of one customer. Logins and purchases: an instant, then counts."""

    unrated: int
    logins: list[list[int]]
    purchases: list[list[int]]
    tickets: BucketPart | None
    emails: BucketPart | None


class HistoryV1(_OfAlias, frozen=True, tag="history", tag_field="type"):
    """What was known of an alias as of the boundary `since`; days are numbers, -1 for none.

    `firsts`: by feed the day of the first activity. `totals`: purchases, spend in minor units, purchases without a
    rate. `bought_again`: the day of the second purchase. `last`: by the names of the columns, the newest days of
    things. `older`: by feed the newest day of activity that is kept no longer. `refused`: the ways in which e-mails
    were, as bits. `cells`: by feed rows of day, counts and hour of the first activity. `notes`: by feed rows of day
    and note. `channels`: rows of day and name. `open_days`: by day what was not closed yet.
    """

    firsts: tuple[int, ...] = ()
    totals: tuple[int, int, int] = (0, 0, 0)
    bought_again: int = -1
    last: dict[str, int] = {}
    older: tuple[int, ...] = ()
    refused: int = 0
    cells: dict[int, list[list[int]]] = {}
    notes: dict[int, list[tuple[int, NoteOnWire]]] = {}
    channels: list[tuple[int, str]] = []
    open_days: dict[int, DayPart] = {}
    has_opted_out: bool = False
    schema_version: Literal[1] = 1


class ForgetV1(Struct, frozen=True, tag="forget", tag_field="type"):
    """An alias left, and its customer is erased, as of a boundary or before: behind it the alias is to go as well.

    `customer_id` is the name of who is erased (`schemas.erasure`): whose alias it is the partition knows by id.
    """

    to: int
    alias: str
    customer_id: str
    boundary: int
    schema_version: Literal[1] = 1


class WithdrawnV1(Struct, frozen=True, tag="withdrawn", tag_field="type"):
    """An alias that was announced is erased as of a boundary and never left: nobody is to keep its id."""

    to: int
    alias: str
    boundary: int
    schema_version: Literal[1] = 1


Moved = AnnouncedV1 | MarkV1 | MovedEventV1 | HistoryV1 | ForgetV1 | WithdrawnV1


class _EventOnWire(_OfAlias, frozen=True, tag="event", tag_field="type"):
    """The event as the contract writes it."""

    event: Raw
    schema_version: Literal[1] = 1


_encoder = msgspec.json.Encoder()
_OnWire = AnnouncedV1 | MarkV1 | _EventOnWire | HistoryV1 | ForgetV1 | WithdrawnV1
_decoder: msgspec.json.Decoder[_OnWire] = msgspec.json.Decoder(_OnWire)


def encode_moved(record: Moved) -> bytes:
    """Compact JSON with the fields in their declared order."""
    if not isinstance(record, MovedEventV1):
        return _encoder.encode(record)
    raw = Raw(encode_event(record.event))
    return _encoder.encode(_EventOnWire(record.to, record.origin, record.customer_id, record.since, record.by, raw))


def decode_moved(value: bytes | None) -> Moved | None:
    """The record of a value, None for one that was taken away. Raises RejectedError for what is none of ours."""
    if not value:
        return None
    try:
        found = _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RejectedError("wrong_type", f"no record of this program: {error}") from error
    if not isinstance(found, _EventOnWire):
        return found
    event = decode_line(bytes(found.event))
    return MovedEventV1(found.to, found.origin, found.customer_id, found.since, found.by, event)


def day_of(record: Moved) -> int:
    """The day that a record belongs to: an announcement comes on the day before its boundary."""
    if isinstance(record, AnnouncedV1):
        return record.since - 1
    return record.boundary if isinstance(record, MarkV1 | ForgetV1 | WithdrawnV1) else record.since


def moved_key(record: Moved, version: int, epoch: int) -> bytes:
    """The key of its record, by the version of the application and the epoch of who sends it: one for each.

    What a restart sends again has a key of its own: under the same one compaction would take away what lies where it
    was read first, and whoever reads the topic again would find it behind boundaries that it came before.
    """
    match record:
        case AnnouncedV1():
            key = f"announced/{record.partition}/{record.alias}/{record.customer_id}/{record.since}"
        case MarkV1():
            key = f"mark/{record.partition}/{record.boundary}"
        case ForgetV1():
            key = f"forget/{record.alias}/{record.customer_id}/{record.boundary}"
        case WithdrawnV1():
            key = f"withdrawn/{record.alias}"
        case _:
            origin, kind = record.origin, "event" if isinstance(record, MovedEventV1) else "history"
            key = f"{kind}/{origin.partition}/{origin.place}/{origin.offset}"
    return f"{version}/{epoch}/{key}".encode()
