"""What telling is worth: intervals against published ones, what they hold, and what is said where nothing is known."""

from __future__ import annotations

from math import ceil, comb
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.uplift import SignalUplift, uplift
from schemas.outcome import OutcomeV1
from support.experiments import counted, drawn, outcome
from support.tries import tries


def of(outcomes: list[OutcomeV1], smallest: float = 0.05) -> SignalUplift:
    (found,) = uplift(outcomes, smallest=smallest).signals
    return found


# -- the interval


@pytest.mark.parametrize(
    ("treated", "holdout", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_intervals_are_those_of_the_table_in_newcombes_paper(
    treated: tuple[int, int], holdout: tuple[int, int], low: float, high: float
) -> None:
    found = of(counted(treated, holdout)).difference
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00011)
    assert found.uplift == pytest.approx(treated[0] / treated[1] - holdout[0] / holdout[1], abs=0.0001)
    assert found.design_effect == 1


def test_intervals_hold_the_truth_as_often_as_they_say_for_small_arms_as_well() -> None:
    """Exactly, by the chance of every table that there can be."""
    for sizes, chances in (
        ((40, 15), (0.5, 0.3)),
        ((60, 6), (0.2, 0.1)),
        ((25, 25), (0.9, 0.9)),
        ((80, 5), (0.7, 0.3)),
    ):
        held = 0.0
        for hits in range(sizes[0] + 1):
            for back in range(sizes[1] + 1):
                found = of(counted((hits, sizes[0]), (back, sizes[1]))).difference
                assert found is not None
                if found.low <= chances[0] - chances[1] <= found.high:
                    held += _chance(hits, sizes[0], chances[0]) * _chance(back, sizes[1], chances[1])
        assert held >= 0.93, sizes


def _chance(hits: int, size: int, share: float) -> float:
    return comb(size, hits) * share**hits * (1 - share) ** (size - hits)


# -- customers drawn more than once


@given(st.integers(2, 5), st.tuples(st.integers(0, 30), st.integers(30, 40)), st.tuples(st.integers(1, 9), st.just(10)))
def test_trials_that_say_nothing_new_make_no_interval_narrower(
    times: int, treated: tuple[int, int], holdout: tuple[int, int]
) -> None:
    once = counted(treated, holdout)
    again = [
        outcome(1_000 * turn + at, one.arm, one.came_back, customer=one.customer_id)
        for turn in range(times)
        for at, one in enumerate(once)
    ]
    alone, many = of(once).difference, of(again).difference
    assert alone is not None
    assert many is not None
    assert many.uplift == alone.uplift
    assert many.design_effect == pytest.approx(times, rel=0.05)
    assert many.low <= alone.low + 1e-4
    assert many.high >= alone.high - 1e-4
    assert many.high - many.low == pytest.approx(alone.high - alone.low, rel=0.03)


def test_intervals_hold_the_truth_where_customers_are_tried_again_and_again() -> None:
    """Some always come back, some never do: trials of one customer are nearly the same trial."""
    held, seeds = 0, tries(400)
    for seed in range(seeds):
        rng, trials = Random(seed), []
        for customer in range(150):
            base = rng.betavariate(0.3, 0.6) * 0.8
            trials += [(f"c{customer}", base, 0.2)] * rng.randint(1, 6)
        arms = {f"c{customer}": rng.random() < 0.3 for customer in range(150)}
        outcomes = [
            outcome(at, "holdout" if arms[who] else "treated", rng.random() < base + (0 if arms[who] else added),
                    customer=who)
            for at, (who, base, added) in enumerate(trials)
        ]  # fmt: skip
        found = of(outcomes).difference
        assert found is not None
        held += found.low <= 0.2 <= found.high
        assert found.design_effect > 1.2
    assert held / seeds >= 0.9


# -- shares of held-out customers that change


def test_a_share_held_out_that_changes_with_the_season_makes_no_uplift_where_there_is_none() -> None:
    spring = counted((900, 950), (45, 50), day="2026-02-10")
    summer = counted((150, 500), (150, 500), first=10_000, day="2026-08-10")
    found = of([*spring, *summer])
    assert found.difference is not None
    assert abs(found.difference.uplift) < 0.02, "all trials in one heap would say +24 points"
    assert found.verdict == "unsure"
    assert (found.treated.came_back, found.holdout.came_back) == (1_050, 195)


def test_quarters_in_which_an_arm_is_empty_are_left_out_and_counted() -> None:
    both, alone = counted((8, 20), (2, 10)), counted((9, 9), (0, 0), first=500, day="2025-12-31")
    found = of([*both, *alone])
    assert found.apart == 9
    assert found.treated.trials + found.holdout.trials == len(both) + len(alone)
    assert found.difference == of(both).difference


# -- what is true of any outcomes

OUTCOMES = st.lists(
    st.builds(
        outcome,
        st.integers(0, 60),
        st.sampled_from(("treated", "holdout")),
        st.booleans(),
        customer=st.sampled_from([f"c{number}" for number in range(9)]),
        day=st.sampled_from(("2026-02-03", "2026-04-01", "2026-07-31")),
        signal=st.sampled_from(("usage_drop", "loyal_gone_silent")),
        horizon_days=st.sampled_from((30, 60)),
    ),
    max_size=60,
)


@given(OUTCOMES, st.data())
def test_order_and_repetition_say_nothing(outcomes: list[OutcomeV1], data: st.DataObject) -> None:
    again = data.draw(
        st.permutations([*outcomes, *data.draw(st.lists(st.sampled_from(outcomes)) if outcomes else st.just([]))])
    )
    found, other = uplift(outcomes), uplift(again)
    assert other.signals == found.signals
    assert other.trials == found.trials == len({one.alert_id for one in outcomes})
    assert found.trials + found.repeated == len(outcomes)


@given(OUTCOMES)
def test_every_trial_is_in_an_arm_and_shares_lie_in_their_intervals(outcomes: list[OutcomeV1]) -> None:
    found = uplift(outcomes, ["first_purchase_only"])
    assert sum(one.treated.trials + one.holdout.trials for one in found.signals) == found.trials
    for one in found.signals:
        assert (one.verdict == "unknown") == (one.difference is None) == (one.for_present is None)
        for arm in (one.treated, one.holdout):
            assert 0 <= arm.came_back <= arm.trials
            assert arm.customers <= arm.trials
            assert (arm.share is None) == (one.difference is None)
            if arm.share is not None and arm.low is not None and arm.high is not None:
                assert 0 <= arm.low <= arm.share <= arm.high <= 1
        if one.difference is not None:
            assert -1 <= one.difference.low <= one.difference.uplift <= one.difference.high <= 1
            assert one.difference.design_effect >= 1


@given(OUTCOMES)
def test_arms_that_change_their_names_turn_the_difference_round(outcomes: list[OutcomeV1]) -> None:
    last = [*{one.alert_id: one for one in sorted(outcomes, key=lambda one: (one.arm, one.came_back))}.values()]
    turned = [
        outcome(int(one.alert_id, 16), "holdout" if one.arm == "treated" else "treated", one.came_back,
                customer=one.customer_id, day=one.starts_at[:10], signal=one.signal, horizon_days=one.horizon_days)
        for one in last
    ]  # fmt: skip
    for one, other in zip(uplift(last).signals, uplift(turned).signals, strict=True):
        if one.difference is not None and other.difference is not None:
            assert other.difference.uplift == pytest.approx(-one.difference.uplift, abs=1e-9)
            assert other.difference.low == pytest.approx(-one.difference.high, abs=1e-9)
            assert other.difference.design_effect == one.difference.design_effect


# -- what is unknown, and what it takes


def test_without_both_arms_nothing_is_known_and_nothing_is_zero() -> None:
    found = uplift(counted((5, 9), (0, 0)), ["usage_drop"])
    told, silent = found.signals
    assert (told.verdict, told.difference, told.for_present, told.for_smallest) == ("unknown", None, None, None)
    assert (told.treated.trials, told.treated.share, told.holdout.trials, told.apart) == (9, None, 0, 9)
    assert (silent.signal, silent.verdict, silent.treated.trials) == ("usage_drop", "unknown", 0)
    assert (uplift([]).first_day, uplift([]).signals) == (None, ())


def test_a_difference_of_nothing_needs_no_number_of_trials_that_there_is() -> None:
    need = of(counted((10, 20), (5, 10))).for_present
    assert need is not None
    assert (need.difference, need.trials, need.still, need.days) == (0, None, None, None)


@pytest.mark.parametrize(("base", "difference", "each"), [(0.6, 0.1, 356), (0.5, 0.1, 388), (0.1, 0.1, 199)])
def test_what_it_takes_is_what_textbooks_say(base: float, difference: float, each: int) -> None:
    found = of(counted((round(100 * base), 100), (round(100 * base), 100)), smallest=difference)
    assert found.for_smallest is not None
    assert found.for_smallest.trials is not None
    assert found.for_smallest.trials == pytest.approx(2 * each, abs=2)
    assert found.for_smallest.still == found.for_smallest.trials - 200
    assert found.for_smallest.days == ceil(found.for_smallest.still / 200), "all began on one day: that is the pace"


def test_so_many_trials_see_the_difference_four_times_in_five() -> None:
    need = of(counted((600, 950), (25, 50)), smallest=0.15).for_smallest
    assert need is not None
    assert need.trials is not None
    seen, seeds = 0, tries(200)
    for seed in range(seeds):
        trials = ((f"c{number}", 0.5, 0.15) for number in range(need.trials))
        seen += of([*drawn(Random(seed), trials, 0.05)]).verdict == "brings back"
    assert 0.68 <= seen / seeds <= 0.92


def test_of_outcomes_that_differ_the_last_counts() -> None:
    outcomes = counted((5, 10), (3, 10))
    later = msgspec.structs.replace(outcomes[0], came_back=False, at="2026-07-01T00:00:00Z")
    found = uplift([later, *outcomes])
    assert (found.signals[0].treated.came_back, found.repeated) == (4, 1)
