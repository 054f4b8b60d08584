"""What is at stake: by the model's risk where there is one, else by the last year."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.reader import CatalogueError
from models.config import Base, Basis, Learning
from models.learning.value import Own, at_risk
from models.scoring.scoring import Scoring
from models.scoring.worth import YEAR, Prior, worth_of
from support.builders import DAY_MS, purchase
from support.standing import Standing
from support.troubled import FIRST_DAY, catalogue, default_rules

T = FIRST_DAY + 200
BASIS = default_rules().basis
LEARNING = replace(BASIS, learning=Learning(), base=Base(purchases_a_year=4.0, basket=50.0, worth_days=90.0))


def worth(
    risk: float | None = None,
    *,
    days: tuple[int, ...] = (0, 60, 120, 180),
    boundary: int = T,
    basis: Basis = LEARNING,
    is_due_again: bool = False,
) -> tuple[int, bool] | None:
    """(what is at stake, whether it is what is expected) of a customer who bought on some days, maybe scored."""
    bought = [
        purchase("c1", (FIRST_DAY + day) * DAY_MS, amount=30.0, currency="USD", order_id=f"{day}") for day in days
    ]
    standing = Standing(basis, bought, boundary)
    rows = np.array([standing.row], np.int32)
    scoring = Scoring(standing.closing.customers, Learning())
    scoring.scores()  # makes room for everybody
    if risk is not None:
        scoring.risks.begin(rows)
        scoring.risks.give(rows, np.array([risk]), np.array([np.nan]), 0)
    if is_due_again:
        scoring.risks.begin(rows)
    found = worth_of(standing.as_of(), rows, scoring)
    return None if found is None else (int(found[0][0]), bool(found[1][0]))


def test_without_a_risk_it_is_the_spend_of_the_last_year() -> None:
    assert worth() == (12_000, False)
    assert worth(boundary=FIRST_DAY + YEAR + 1) == (9_000, False)


def test_with_a_risk_it_is_that_times_twelve_months_at_the_own_rhythm() -> None:
    a_day = (3 + 4 / 365 * 90) / (200 + 90)
    assert worth(0.25) == (round(0.25 * 365 * a_day * (12_000 + 5_000) / 5), True)


def test_it_is_what_backtest_says_of_the_same_base() -> None:
    own = np.array([Own(repeats=3, days=200, orders=4, minor=12_000, minor_90d=6_000)], dtype=np.int64)
    assert worth(0.6) == (round(at_risk(own, Prior(4 / 365, 90.0, 5_000.0), np.array([0.6]))[0]), True)


def test_a_risk_counts_until_the_next_snapshot_is_due() -> None:
    assert worth(0.5, is_due_again=True) == worth()


def test_days_that_are_not_closed_count_for_nothing() -> None:
    assert worth(0.5, days=(0, 60, 200, 220)) == worth(0.5, days=(0, 60))


def test_where_purchases_are_not_declared_nothing_is_known() -> None:
    assert worth(basis=replace(LEARNING, feeds=(1, 2), learning=None)) is None


def test_the_base_is_the_catalogue_s() -> None:
    assert build_rules(catalogue() | {"value": {"basket": 7}}).basis.base == Base(basket=7.0)
    with pytest.raises(CatalogueError, match=r"value\.typo.*value\.worth_days: must be a number of at least 1"):
        build_rules(catalogue() | {"value": {"worth_days": 0, "typo": 1}})
