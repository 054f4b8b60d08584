"""How the value of a record of a compacted topic of ours begins: a format byte, and the epoch of who wrote it.

The epoch is a number of four bytes, big-endian, so that epochs compare as bytes as they do as numbers. Whoever takes a
partition over writes with a higher one than all before.
"""

from __future__ import annotations

from typing import Final

FORMAT: Final = bytes((1,))
EPOCH_BYTES: Final = 4
PREFIX_BYTES: Final = len(FORMAT) + EPOCH_BYTES
"""Where the payload begins."""


def with_epoch(payload: bytes, epoch: int) -> bytes:
    r"""A record's value.

    >>> with_epoch(b"state", 7)
    b'\x01\x00\x00\x00\x07state'
    """
    return FORMAT + epoch.to_bytes(EPOCH_BYTES, "big") + payload


def epoch_of(value: bytes) -> bytes:
    """The epoch in a record's value.

    >>> epoch_of(with_epoch(b"state", 7))[-1]
    7
    """
    return value[len(FORMAT) : PREFIX_BYTES]


def payload_of(value: bytes) -> bytes:
    """What a record's value holds behind the epoch.

    >>> payload_of(with_epoch(b"state", 7))
    b'state'
    """
    return value[PREFIX_BYTES:]
