"""What a sample of records says of how they were placed: by another partitioner, or for fewer partitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioner import partition_of
from streams.kafka.placing import FEW, Placing, earlier_count

KEYS = [b"c%d" % number for number in range(300)]


def placed(keys: list[bytes], partitions: int) -> list[tuple[int, bytes | None]]:
    return [(partition_of(key, partitions), key) for key in keys]


@given(st.integers(1, 12), st.integers(1, 12))
def test_partitions_that_were_added_are_seen_by_the_oldest_records(then: int, more: int) -> None:
    now = then + more
    oldest = [one for number in range(then) for one in placed(KEYS, then) if one[0] == number]
    afterwards = [one for one in placed(KEYS, now) if one[0] >= then]
    assert earlier_count(oldest, now) == then
    assert earlier_count(oldest + afterwards, now) == then


@given(st.integers(1, 24), st.lists(st.sampled_from(KEYS)))
def test_records_that_lie_right_say_nothing_of_earlier_days(partitions: int, keys: list[bytes]) -> None:
    assert earlier_count(placed(keys, partitions), partitions) is None


@given(st.integers(2, 24), st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 23)), max_size=FEW - 1))
def test_a_few_records_of_a_wrong_producer_are_not_taken_for_added_partitions(
    partitions: int, wrong: list[tuple[bytes, int]]
) -> None:
    misplaced: list[tuple[int, bytes | None]] = [(place % partitions, key) for key, place in wrong]
    assert earlier_count(placed(KEYS, partitions) + misplaced, partitions) is None


def test_a_record_without_a_key_lies_nowhere() -> None:
    assert earlier_count([(0, None)] * FEW, 2) is None


def test_most_is_wrong_where_a_partitioner_that_is_right_by_chance_could_have_placed_it() -> None:
    def found(seen: int, misplaced: int, partitions: int) -> bool:
        return Placing("t", partitions, seen, misplaced, None, 0).is_mostly_wrong

    assert found(100, 92, 12)
    assert found(100, 50, 2), "half is right by chance"
    assert not found(100, 20, 12)
    assert not found(100, 0, 12)
    assert not found(100, 0, 1)
    assert not found(0, 0, 12)
