"""Records set aside are kept byte for byte and can be taken apart again."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import (
    MAX_KEPT_BYTES,
    PREFIX,
    DeadLetter,
    Headers,
    Origin,
    dead_letter_headers,
    kept_value,
    late_headers,
    origin_key,
    to_dead_letter,
)

ORIGIN = Origin("churn.events.login", 3, 1_234_567, 1_767_225_600_000)


def set_aside(key: bytes | None, value: bytes | None, headers: Headers | None) -> tuple[Headers, DeadLetter]:
    written = dead_letter_headers(
        ORIGIN, stage="codec", reason="not_json", error="bad byte", field=None, key=key, value=value, headers=headers
    )
    return written, to_dead_letter(origin_key(ORIGIN), kept_value(value), written)


names = st.text(max_size=20) | st.sampled_from([PREFIX + "headers", PREFIX + "topic", PREFIX + "truncated"])


@given(
    st.none() | st.binary(max_size=50),
    st.none() | st.binary(max_size=200),
    st.lists(st.tuples(names, st.binary(max_size=20)), max_size=6),
)
def test_key_value_and_headers_come_back_byte_for_byte(
    key: bytes | None, value: bytes | None, headers: Headers
) -> None:
    _, letter = set_aside(key, value, headers)
    assert (letter.key, letter.value, letter.headers) == (key, value, headers)
    assert not letter.truncated
    assert (letter.origin, letter.stage, letter.reason, letter.error) == (ORIGIN, "codec", "not_json", "bad byte")


def test_value_of_exactly_the_limit_is_kept_whole() -> None:
    _, letter = set_aside(b"k", b"x" * MAX_KEPT_BYTES, None)
    assert not letter.truncated
    assert letter.size == MAX_KEPT_BYTES


def test_oversized_value_keeps_its_beginning_size_and_hash() -> None:
    value = bytes(range(256)) * 4000
    written, letter = set_aside(b"k", value, [("a", b"1")])
    assert letter.truncated
    assert letter.value == value[:MAX_KEPT_BYTES]
    assert (letter.size, letter.sha256) == (len(value), sha256(value).hexdigest())
    assert letter.headers == [("a", b"1")]
    assert dict(written)[PREFIX + "truncated"] == b"true"


def test_whatever_a_broker_accepted_the_dead_letter_is_small_enough_for_it() -> None:
    key, value, headers = b"k" * 300_000, b"v" * 400_000, [("h", b"h" * 300_000)]
    written, letter = set_aside(key, value, headers)
    weight = len(letter.key or b"") + len(letter.value or b"") + sum(len(n) + len(v) for n, v in written)
    assert weight < 200_000
    assert letter.truncated


def test_field_and_a_long_error_travel_in_headers() -> None:
    written = dead_letter_headers(
        ORIGIN,
        stage="codec",
        reason="wrong_type",
        error="é" * 5000,
        field="data.amount",
        key=None,
        value=None,
        headers=(),
    )
    letter = to_dead_letter(origin_key(ORIGIN), None, written)
    assert letter.key is None
    assert letter.field == "data.amount"
    assert len(letter.error.encode()) <= 1030


def test_late_event_is_taken_apart_like_a_dead_letter() -> None:
    written = late_headers(ORIGIN, event_time_ms=5, boundary_ms=9, key=b"c1", headers=[("a", b"1")])
    letter = to_dead_letter(b"c1", b"{}", written)
    assert (letter.reason, letter.stage, letter.headers) == ("late", "engine", [("a", b"1")])
    assert dict(written)[PREFIX + "boundary"] == b"9"


@pytest.mark.parametrize("headers", [None, [], [("a", b"1")], [("x", b"y"), (PREFIX + "headers", b"0")]])
def test_record_of_somebody_else_is_refused(headers: Headers | None) -> None:
    with pytest.raises(ValueError, match="header"):
        to_dead_letter(b"k", b"v", headers)


def test_a_million_empty_headers_are_not_copied() -> None:
    """A record of them fits into a megabyte, and the copy with our headers and the value would not."""
    written, letter = set_aside(b"k", b"v", [("", b"")] * 1_000_000)
    assert len(written) < 20
    assert letter.truncated
    assert letter.headers == []
