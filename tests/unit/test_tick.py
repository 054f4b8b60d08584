"""Ticks on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RejectedError
from schemas.event import FEEDS
from schemas.tick import Tick, decode_tick, encode_tick


@given(st.integers(0, 4_000_000_000_000), st.dictionaries(st.sampled_from(FEEDS), st.integers(0, 2**62)))
def test_tick_survives_a_round_trip(now_ms: int, idle: dict[str, int]) -> None:
    tick = Tick(now_ms=now_ms, idle=idle)
    assert decode_tick(encode_tick(tick)) == tick


def test_tick_is_readable_json() -> None:
    written = encode_tick(Tick(now_ms=1_767_225_600_000, idle={"login": 7, "email": 0}))
    assert written == b'{"now":"2026-01-01T00:00:00Z","idle":{"email":0,"login":7},"schema_version":1}'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "bad_tick"),
        (b"", "bad_tick"),
        (b"{", "bad_tick"),
        (b"\xff", "bad_tick"),
        (b"[" * 10_000, "bad_tick"),
        (b'{"now":"2026-01-01","idle":{}}', "bad_tick"),
        (b'{"now":"2026-01-01T00:00:00","idle":{}}', "bad_tick"),
        (b'{"now":"\xff","idle":{}}', "bad_tick"),
        (b'{"now":"2026-01-01T00:00:00Z"}', "bad_tick"),
        (b'{"now":"2026-01-01T00:00:00Z","idle":{"login":-1}}', "bad_tick"),
        (b'{"now":"2026-01-01T00:00:00Z","idle":{"refund":1}}', "bad_tick"),
        (b'{"now":"2026-01-01T00:00:00Z","idle":{},"schema_version":2}', "unsupported_version"),
    ],
)
def test_broken_tick_is_refused(value: bytes | None, reason: str) -> None:
    with pytest.raises(RejectedError) as caught:
        decode_tick(value)
    assert caught.value.reason == reason
