"""Which partition a key belongs to: Kafka's default partitioner, the one of Java clients and aiokafka."""

from __future__ import annotations

from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_SIGN = 0x80000000
_POSITIVE = 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 as a signed 32-bit integer, equal to `org.apache.kafka.common.utils.Utils.murmur2`.

    >>> murmur2(b"foobar")
    -790332482
    """
    h = _hash(data)
    return h - 0x100000000 if h & _SIGN else h


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key that is not null: that of Java's default partitioner and librdkafka's `murmur2_random`.

    Remembers recent keys: the same customers come again and again, and hashing in Python takes microseconds.
    """
    return (_hash(key) & _POSITIVE) % partitions


def _hash(data: bytes) -> int:
    length = len(data)
    whole = length & ~3
    h = _SEED ^ length
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if whole != length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)
