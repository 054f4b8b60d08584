"""Keys go where Java's clients, aiokafka and librdkafka's murmur2_random put them."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioner import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_equals_the_vectors_of_kafkas_own_tests(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected


@given(st.binary(max_size=80), st.integers(1, 64))
def test_partition_equals_that_of_another_client(key: bytes, partitions: int) -> None:
    assert murmur2(key) & 0xFFFFFFFF == reference(bytearray(key)) & 0xFFFFFFFF
    assert partition_of(key, partitions) == (reference(bytearray(key)) & 0x7FFFFFFF) % partitions
