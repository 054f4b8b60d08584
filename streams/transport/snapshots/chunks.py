"""A payload as pieces small enough for a record, each with a checksum of its own so that a damaged one has a name."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import cramjam

PIECE_BYTES: Final = 900_000
"""Of a piece on the wire: with its key below the megabyte that brokers allow unless told otherwise."""

LEVEL: Final = 1
"""Of zstd: measured on 40 MB of columns, 0.15 s and 28 %; level 3 takes 0.17 s and saves 2 points more."""

CHECKSUM_BYTES: Final = 4


AT_ONCE: Final = 4_000_000
"""Bytes compressed in one call: other threads wait for no longer than that takes."""


class Packed(NamedTuple):
    """A payload compressed and cut; at least one piece. `size`: of the payload, not compressed."""

    pieces: list[bytes]
    size: int

    @property
    def checksum(self) -> str:
        """SHA-256 of the pieces."""
        return checksum(self.pieces)


def pack(parts: Iterable[bytes | memoryview]) -> Packed:
    """Compress and cut a payload that comes in parts.

    >>> packed = pack([b"x" * 60, b"x" * 40])
    >>> [is_whole(piece) for piece in packed.pieces], unpack(packed.pieces, 100) == b"x" * 100
    ([True], True)
    >>> is_whole(packed.pieces[0][:-1] + b"?")
    False
    """
    compressor, compressed, size = cramjam.zstd.Compressor(level=LEVEL), bytearray(), 0
    for part in parts:
        view = memoryview(part)
        size += len(view)
        for start in range(0, len(view), AT_ONCE):
            compressor.compress(bytes(view[start : start + AT_ONCE]))
            compressed += bytes(compressor.flush())
    compressed += bytes(compressor.finish())
    whole, length = memoryview(compressed), PIECE_BYTES - CHECKSUM_BYTES
    cut = [whole[start : start + length] for start in range(0, len(whole), length)]
    return Packed([zlib.crc32(part).to_bytes(CHECKSUM_BYTES, "big") + part for part in cut], size)


def checksum(pieces: Iterable[bytes]) -> str:
    """Of pieces in their order: all were written together."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


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
