"""Values of options that are no numbers, spans or instants are refused with what they are and what would do."""

from __future__ import annotations

import re
from math import isfinite

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event_time import FIRST_MS, LAST_MS
from streams.cli.instant import INSTANT, MOST_S, SECONDS, SINCE, UNTIL
from streams.cli.number import NumberRange

SHARE = NumberRange(0, 1)
TEXTS = (
    st.text(max_size=12)
    | st.floats().map(str)
    | st.builds("{}{}".format, st.integers(0, 10**13), st.sampled_from(["", "s", "min", "h", "d", "w", " d"]))
    | st.sampled_from(["nan", "-inf", "1e400", "2026-12-15", "2026-12-15T08:00:00Z", "9999-12-31T23:59:59Z"])
)


@given(TEXTS)
def test_whatever_is_given_is_within_the_bounds_or_refused_by_name(text: str) -> None:
    for option, low, high in (
        (SHARE, 0, 1),
        (SECONDS, 0, MOST_S),
        (INSTANT, FIRST_MS, LAST_MS),
        (SINCE, FIRST_MS, LAST_MS),
        (UNTIL, FIRST_MS, LAST_MS),
    ):
        try:
            found = option.convert(text, None, None)
        except click.BadParameter:
            continue
        assert isfinite(found)
        assert low <= found <= high


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        (SECONDS, "soon", "'soon' is no time from 0 to 31 days: seconds (30, 0.5), or with a unit (30s, 5min"),
        (SECONDS, "nan", "'nan' is no time from 0 to 31 days"),
        (UNTIL, "1w", "'1w' is neither in how long (30min, 12h, 7d) nor an RFC 3339 time"),
        (UNTIL, "99999999d", "'99999999d' is beyond 2099; name a shorter time"),
        (SINCE, "99999999d", "'99999999d' is before 1970; name a shorter time"),
        (SHARE, "inf", "'inf' is no number; it is to be 0<=x<=1"),
    ],
)
def test_refusals_name_the_value_and_the_remedy(option: click.ParamType, text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=re.escape(said)):
        option.convert(text, None, None)


def test_a_wait_is_in_seconds_or_has_a_unit() -> None:
    assert [SECONDS.convert(text, None, None) for text in ("30", "0.5", "5min", "12h", "2d", "0")] == [
        30.0, 0.5, 300.0, 43_200.0, 172_800.0, 0.0,
    ]  # fmt: skip
