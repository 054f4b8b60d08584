"""The cheap test never lets a record pass that the exact one refuses, nor refuses an honest one."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RejectedError
from schemas.limits import MAX_DEPTH, MAX_KEYS, MAX_STRING, check_limits, is_surely_within

scalars = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from(['"', "\\", '{"[', '\\"', "é"])
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=40,
)


def counted(tree: Any) -> tuple[int, int, int]:
    """Depth, keys and longest string of a parsed JSON value, by walking it."""
    if isinstance(tree, str):
        return 0, 0, len(tree.encode())
    if not isinstance(tree, list | dict):
        return 0, 0, 0
    inner = [counted(child) for child in (tree.values() if isinstance(tree, dict) else tree)]
    names = [len(name.encode()) for name in tree] if isinstance(tree, dict) else []
    return (
        1 + max((depth for depth, _, _ in inner), default=0),
        len(names) + sum(keys for _, keys, _ in inner),
        max([0, *names, *(longest for _, _, longest in inner)]),
    )


def is_refused(value: bytes) -> bool:
    try:
        check_limits(value)
    except RejectedError:
        return True
    return False


@given(trees, st.integers(0, 20), st.sampled_from([0, 1, 250, 257]), st.sampled_from([0, 1000, 1024, 1025, 1030]))
def test_exact_check_agrees_with_a_walk_of_the_parsed_value(tree: Any, wraps: int, keys: int, length: int) -> None:
    everything: Any = {"tree": tree, **{str(number): number for number in range(keys)}, "text": "x" * length}
    for _ in range(wraps):
        everything = [everything]
    value = json.dumps(everything, ensure_ascii=bool(keys % 2)).encode()
    depth, total, longest = counted(everything)
    beyond = depth > MAX_DEPTH or total > MAX_KEYS or longest > MAX_STRING
    assert is_refused(value) == beyond
    assert not (is_surely_within(value) and beyond)


@given(st.binary(max_size=2000) | st.text(alphabet='{}[]":,\\1', max_size=2000).map(str.encode))
def test_check_of_any_bytes_ends_without_another_error(value: bytes) -> None:
    check_or_refuse = is_refused(value)
    assert isinstance(check_or_refuse, bool)


def test_smallest_records_beyond_each_limit_are_not_surely_within() -> None:
    keys = b"{" + b",".join([b'"":1'] * (MAX_KEYS + 1)) + b"}"
    assert not is_surely_within(keys)
    assert not is_surely_within(b'"' + b"x" * (MAX_STRING + 1) + b'"')
    assert not is_surely_within(b"[" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("unit", [b'"\\', b'"', b'"a', b"\\", b'{"', b'":'])
def test_hostile_record_costs_no_more_than_a_scan(unit: bytes) -> None:
    """Searching for the strings must not backtrack: it once took a minute for 64 KiB of quotes."""
    begun = perf_counter()
    is_refused((unit * 65_536)[:65_536])
    assert perf_counter() - begun < 1
