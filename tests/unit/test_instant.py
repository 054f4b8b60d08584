"""Instants on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instant import from_rfc3339, to_rfc3339

LAST_MS = 253_402_300_799_999


@given(st.integers(0, LAST_MS))
def test_instant_survives_a_round_trip(time_ms: int) -> None:
    assert from_rfc3339(to_rfc3339(time_ms)) == time_ms


@given(st.integers(0, LAST_MS - 1))
def test_text_sorts_as_time_does_within_one_precision(time_ms: int) -> None:
    whole = time_ms // 1000 * 1000
    assert to_rfc3339(whole) <= to_rfc3339(min(whole + 1000, LAST_MS // 1000 * 1000))


def test_microseconds_are_cut_not_rounded() -> None:
    assert from_rfc3339("1970-01-01T00:00:00.001999Z") == 1
    assert from_rfc3339("1969-12-31T23:59:59.999999Z") == -1


def test_text_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        from_rfc3339("2026-01-01T00:00:00")


@pytest.mark.parametrize(
    ("time_ms", "text"), [(2**63 - 1, "9999-12-31T23:59:59.999Z"), (-(2**63), "0001-01-01T00:00:00Z")]
)
def test_an_instant_of_no_year_is_told_as_the_nearest_of_one(time_ms: int, text: str) -> None:
    """The timestamp of a record is whatever its producer says."""
    assert to_rfc3339(time_ms) == text
