"""A payload as pieces small enough for a record, each with a checksum of its own so that a damaged one has a name."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import cramjam

PIECE_BYTES: Final = 900_000
"""Of a piece on the wire: with its key below the megabyte that brokers allow unless told otherwise."""

LEVEL: Final = 1
"""Of zstd: measured on 40 MB of columns, 0.15 s and 28 %; level 3 takes 0.17 s and saves 2 points more."""

CHECKSUM_BYTES: Final = 4


def pack(payload: bytes) -> list[bytes]:
    """Compress and cut; at least one piece.

    >>> pieces = pack(b"x" * 100)
    >>> [is_whole(piece) for piece in pieces], unpack(pieces, 100) == b"x" * 100
    ([True], True)
    >>> is_whole(pieces[0][:-1] + b"?")
    False
    """
    packed = memoryview(cramjam.zstd.compress(payload, level=LEVEL))
    size = PIECE_BYTES - CHECKSUM_BYTES
    parts = [packed[start : start + size] for start in range(0, len(packed), size)]
    return [zlib.crc32(part).to_bytes(CHECKSUM_BYTES, "big") + part for part in parts]


def is_whole(piece: bytes) -> bool:
    """Whether a piece is as it was written."""
    return zlib.crc32(memoryview(piece)[CHECKSUM_BYTES:]).to_bytes(CHECKSUM_BYTES, "big") == piece[:CHECKSUM_BYTES]


def unpack(pieces: Sequence[bytes], size: int) -> bytearray:
    """The payload of so many bytes in pieces that are whole and complete. Raises ValueError when it cannot be.

    Into memory of ours: measured on 60 MB, 0.07 s instead of 0.27 s, and nobody waits for the interpreter meanwhile.
    """
    packed = b"".join(memoryview(piece)[CHECKSUM_BYTES:] for piece in pieces)
    payload = bytearray(size)
    try:
        written = cramjam.zstd.decompress_into(packed, payload)
    except cramjam.DecompressionError as error:
        raise ValueError(str(error)) from error
    if written != size:
        raise ValueError(f"{written} bytes instead of {size}")
    return payload
