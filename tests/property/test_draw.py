"""Who is held out of an experiment: an even draw, anew each quarter, of each signal on its own, by the salt."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.alerts.attention.trials import Draw, is_held_out
from models.calendar import Calendar, date_of
from reference.trials import arm_of
from support.tries import tries
from support.troubled import default_rules

CUSTOMERS = [f"c-{number}" for number in range(4_000)]
SIGMAS = 5.5
"""A random run is further off once in 26 million times."""
DAYS = st.integers(0, Calendar.day_of_text("2099-12-31"))
SALTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SIGNALS = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
SHARES = st.floats(0.01, 0.5)
dear = settings(max_examples=tries(40))


def held_out(salt: str, signal: str, day: int, share: float) -> set[str]:
    draw = Draw(salt, 0)
    return {customer for customer in CUSTOMERS if is_held_out(draw, signal, customer, day, share)}


def is_by_chance(count: int, share: float, of: int = len(CUSTOMERS)) -> bool:
    """Whether a binomial count of a share may well be this one."""
    return abs(count - of * share) <= SIGMAS * sqrt(of * share * (1 - share)) + 1


def quarter_of(day: int) -> str:
    year, month, _ = date_of(day).split("-")
    return f"{year}-{(int(month) - 1) // 3}"


def start_of_next_quarter(day: int) -> int:
    return next(later for later in range(day, day + 93) if quarter_of(later) != quarter_of(day))


@dear
@given(SALTS, SIGNALS, DAYS, SHARES)
def test_the_share_of_those_held_out_is_the_one_asked_for(salt: str, signal: str, day: int, share: float) -> None:
    assert is_by_chance(len(held_out(salt, signal, day, share)), share)


@given(SALTS, SIGNALS, st.sampled_from(CUSTOMERS), DAYS, SHARES, SHARES)
def test_who_is_held_out_of_a_share_is_so_of_a_greater_one(
    salt: str, signal: str, customer: str, day: int, one: float, other: float
) -> None:
    draw, less, more = Draw(salt, 0), min(one, other), max(one, other)
    assert not is_held_out(draw, signal, customer, day, 0)
    assert is_held_out(draw, signal, customer, day, 1)
    assert is_held_out(draw, signal, customer, day, more) or not is_held_out(draw, signal, customer, day, less)


@given(SALTS, SIGNALS, st.sampled_from(CUSTOMERS), DAYS, st.integers(0, 120), SHARES)
def test_an_arm_lasts_for_a_quarter(salt: str, signal: str, customer: str, day: int, later: int, share: float) -> None:
    draw, then = Draw(salt, 0), min(day + later, start_of_next_quarter(day) - 1)
    assert is_held_out(draw, signal, customer, day, share) == is_held_out(draw, signal, customer, then, share)


@dear
@given(SALTS, SIGNALS, DAYS, SHARES)
def test_the_next_quarter_is_drawn_without_regard_to_this_one(salt: str, signal: str, day: int, share: float) -> None:
    now, then = held_out(salt, signal, day, share), held_out(salt, signal, start_of_next_quarter(day), share)
    assert is_by_chance(len(now & then), share * share)
    assert is_by_chance(len(then), share)


@dear
@given(SALTS, SALTS, st.lists(SIGNALS, min_size=2, max_size=2, unique=True), DAYS, SHARES)
def test_signals_and_salts_are_drawn_without_regard_to_each_other(
    salt: str, other: str, signals: list[str], day: int, share: float
) -> None:
    now = held_out(salt, signals[0], day, share)
    assert is_by_chance(len(now & held_out(salt, signals[1], day, share)), share * share)
    if salt != other:
        assert is_by_chance(len(now & held_out(other, signals[0], day, share)), share * share)


def test_over_years_everybody_is_held_out_as_often_as_chance_has_it() -> None:
    share, quarters = 0.25, [Calendar.day_of_text(f"{year}-{month:02}-15") for year in range(2000, 2010)
                             for month in (2, 5, 8, 11)]  # fmt: skip
    times = [sum(is_held_out(Draw("s", 0), "a", one, day, share) for day in quarters) for one in CUSTOMERS[:1_000]]
    spread = sum((one - share * len(quarters)) ** 2 for one in times) / len(times)
    assert spread == pytest.approx(len(quarters) * share * (1 - share), rel=0.25), "as a binomial count is spread"
    assert min(times) < share * len(quarters) < max(times)


@given(SALTS, st.text("abc.@-_19", min_size=1, max_size=64), DAYS, st.floats(0, 0.5))
def test_the_draw_is_the_one_that_the_reference_writes_down(salt: str, customer: str, day: int, share: float) -> None:
    signal = next(one for one in default_rules().signals if one.holdout)
    signal = replace(signal, holdout=share)
    arm = "holdout" if is_held_out(Draw(salt, 0), signal.id, customer, day, share) else "treated"
    assert arm == arm_of(salt, signal, customer, day)
