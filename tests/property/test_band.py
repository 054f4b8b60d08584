"""A band says of whole numbers what the comparison it was made from says of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from models.signals.band import GREATEST, RELATIONS, Band

from models.customers.columns import NEVER

scales = st.sampled_from([1, 10, 100])
limits = st.one_of(
    st.integers(-1000, 1000),
    st.integers(-100_000, 100_000).map(lambda cents: cents / 100),
    st.floats(-GREATEST, GREATEST),
    st.integers(-int(GREATEST), int(GREATEST)),
)


def holds(band: Band, number: int) -> bool:
    return (band.least <= number <= band.most) is band.is_inside


@given(op=st.sampled_from([*RELATIONS]), limit=limits, scale=scales, step=st.integers(-3, 3))
def test_a_band_holds_what_the_comparison_holds_next_to_the_limit_and_far_away(
    op: str, limit: float, scale: int, step: int
) -> None:
    band = Band(op, limit, scale)
    for number in (round(limit * scale) + step, step, -(10**15), 10**15):
        assert holds(band, number) is RELATIONS[op](number / scale, limit)


@given(op=st.sampled_from([*RELATIONS]), limit=st.floats(-50, 50) | st.integers(-50, 50), clock=st.integers(0, 40))
def test_a_number_that_grows_flips_on_the_day_that_was_told(op: str, limit: float, clock: int) -> None:
    band = Band(op, limit)
    now = RELATIONS[op](clock, limit)
    flips = [days for days in range(1, 120) if RELATIONS[op](clock + days, limit) is not now]
    assert band.days_to_flip(clock) == (flips[0] if flips else NEVER)
