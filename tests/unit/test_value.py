"""What a customer is worth, by a formula simple enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.learning.histories import fold_history
from models.learning.value import (
    MAX_WORTH_DAYS,
    Own,
    Sums,
    at_own_rhythm,
    at_risk,
    expected,
    owns_of,
    prior_of,
    sums_of,
)
from models.scoring.worth import Prior
from property.test_measures import BASIS
from support.builders import DAY_MS, purchase
from support.troubled import FIRST_DAY

PRIOR = Prior(velocity=0.01, worth_days=100.0, basket=5_000.0)


def rows(*owns: Own) -> np.ndarray:
    return np.array(owns, dtype=np.int64)


def test_a_newcomer_is_worth_what_the_base_is() -> None:
    newcomer = rows(Own(0, 0, 0, 0, 0))
    assert at_own_rhythm(newcomer, PRIOR, 365) == pytest.approx(0.01 * 5_000 * 365)


def test_own_history_outweighs_the_base_as_it_grows() -> None:
    short, long = rows(Own(3, 30, 3, 30_000, 0)), rows(Own(30, 300, 30, 300_000, 0))
    assert at_own_rhythm(short, PRIOR, 100) == pytest.approx((3 + 1) / 130 * 35_000 / 4 * 100)
    assert at_own_rhythm(long, PRIOR, 100) == pytest.approx(0.1 * 10_000 * 100, rel=0.25)


def test_expected_spend_falls_with_the_risk_and_never_exceeds_the_rhythm() -> None:
    own = np.repeat(rows(Own(5, 200, 6, 60_000, 9_000)), 5, axis=0)
    chance = np.array([0.0, 0.3, 0.6, 0.9, 1.0])
    spend, rhythm = expected(own, PRIOR, 365, chance, 60), at_own_rhythm(own, PRIOR, 365)
    assert spend[0] == rhythm[0]
    assert spend[-1] == 0
    assert all(np.diff(spend) <= 0)
    assert at_risk(own, PRIOR, chance) == pytest.approx(chance * rhythm)


def test_the_base_is_worth_more_days_the_more_its_customers_are_alike() -> None:
    dice = np.random.default_rng(1)
    days = np.full(5_000, 300)
    alike = dice.poisson(0.02 * days)
    unlike = dice.poisson(dice.gamma(0.5, 0.04, 5_000) * days)
    worths = []
    for repeats in (alike, unlike):
        own = np.stack([repeats, days, repeats + 1, (repeats + 1) * 1_000, repeats], axis=1)
        prior = prior_of(sums_of(own))
        assert prior.velocity == pytest.approx(0.02, rel=0.1)
        assert prior.basket == 1_000
        worths.append(prior.worth_days)
    assert worths[0] > 500
    assert worths[1] == pytest.approx(1 / 0.04, rel=0.15)


def test_a_base_without_purchases_expects_nothing() -> None:
    prior = prior_of(Sums())
    assert prior == Prior(0.0, MAX_WORTH_DAYS, 0.0)
    own = rows(Own(0, 10, 1, 0, 0))
    assert expected(own, prior, 365, np.array([0.5]), 60).tolist() == [0.0]


def test_the_first_purchase_repeats_nothing() -> None:
    bought = [
        purchase("c1", (FIRST_DAY + day) * DAY_MS, amount=10.0, currency="USD", order_id=f"{day}")
        for day in (0, 5, 400)
    ]
    purchases = fold_history(bought, BASIS).purchases
    for age, expected_own in (
        (10, Own(1, 10, 2, 2_000, 2_000)),
        (120, Own(1, 120, 2, 2_000, 0)),
        (401, Own(1, 365, 1, 1_000, 1_000)),
    ):
        found = owns_of(purchases, np.array([0]), np.array([age]), FIRST_DAY + age)
        assert found.tolist() == [list(expected_own)]
