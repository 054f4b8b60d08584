"""A customer as bytes: a short header that is read without unpacking the rest, then MessagePack.

The header is the format's version, the epoch of the worker that wrote it, the day of the next look, and flags. Records
of older versions are read as long as there may be some.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from models.customer import STAGE_NAMES, Customer, Outline
from models.customer_record_v1 import decode_v1

RECORD_VERSION = 2

_PENDING, _OUTBOX, _ALERTS, _RISKS = 1, 2, 8, 128
"""Flags of a record's header; the stage stands between them. 4 has been set in older records and says nothing."""
_STAGE_FLAGS: dict[str | None, int] = {name: place << 4 for place, name in enumerate(STAGE_NAMES)} | {None: 0}
_HEADER = struct.Struct(">BIII")
_DUE = struct.Struct(">5xI")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Customer)
_outline_decoder = msgspec.msgpack.Decoder(Outline)


class UnknownRecordVersionError(Exception):
    """A record written by a version of the program that this one cannot read."""

    def __init__(self, version: int) -> None:
        super().__init__(f"record format {version} is not known to this program (it reads up to {RECORD_VERSION})")
        self.version = version

    def __reduce__(self) -> tuple[type["UnknownRecordVersionError"], tuple[int]]:
        return type(self), (self.version,)


class Header(NamedTuple):
    """What is known of a packed record without decoding it."""

    epoch: int
    due: int
    flags: int

    @property
    def is_plain(self) -> bool:
        """Nothing but a stage and a day: no alert, no score, and nothing that waits."""
        return not self.flags & (_PENDING | _OUTBOX | _ALERTS | _RISKS)

    @property
    def has_outbox(self) -> bool:
        """Outputs, or outcomes to recount, whose cause may not be committed."""
        return bool(self.flags & _OUTBOX)

    @property
    def has_alerts(self) -> bool:
        """Alerts are open, announced ones too."""
        return bool(self.flags & _ALERTS)

    @property
    def stage(self) -> str:
        """One of STAGE_NAMES."""
        return STAGE_NAMES[self.flags >> 4 & 7]


def encode_customer(customer: Customer, epoch: int) -> bytes:
    """Pack a record."""
    flags = (
        (_PENDING if customer.pending else 0)
        | (_OUTBOX if customer.outbox or customer.verdicts else 0)
        | (_ALERTS if customer.episodes or customer.announced else 0)
        | (_RISKS if customer.risks else 0)
    )
    flags |= _STAGE_FLAGS[customer.stage]
    return _HEADER.pack(RECORD_VERSION, epoch, customer.due, flags) + _encoder.encode(customer)


def decode_customer(packed: bytes) -> Customer:
    """Unpack a record of this or an older version; raises UnknownRecordVersionError."""
    if packed[0] == RECORD_VERSION:
        return _decoder.decode(memoryview(packed)[_HEADER.size :])
    return _decode_older(packed)


def decode_outline(packed: bytes) -> Outline:
    """Unpack what a restore asks for, a third of the work; raises UnknownRecordVersionError."""
    if packed[0] == RECORD_VERSION:
        return _outline_decoder.decode(memoryview(packed)[_HEADER.size :])
    return _decode_older(packed)


def _decode_older(packed: bytes) -> Customer:
    if packed[0] == 1:
        return decode_v1(packed)
    raise UnknownRecordVersionError(packed[0])


def peek(packed: bytes) -> Header:
    """The header of a packed record; raises UnknownRecordVersionError."""
    return _checked(_HEADER.unpack_from(packed))


def by_header(records: Iterable[tuple[bytes, bytes]]) -> list[tuple[Header, list[bytes]]]:
    """Keys of packed records by what their headers say: a million customers are of a few thousand kinds.

    Raises UnknownRecordVersionError.
    """
    found: defaultdict[tuple[int, ...], list[bytes]] = defaultdict(list)
    unpack = _HEADER.unpack_from
    for key, packed in records:
        found[unpack(packed)].append(key)
    return [(_checked(fields), keys) for fields, keys in found.items()]


def _checked(fields: tuple[int, ...]) -> Header:
    version, epoch, due, flags = fields
    if not 0 < version <= RECORD_VERSION:
        raise UnknownRecordVersionError(version)
    return Header(epoch, due, flags)


def due_of(packed: bytes) -> int:
    """The day of the next look alone; of a record that was read or written before, so its version is known."""
    due: int = _DUE.unpack_from(packed)[0]
    return due
