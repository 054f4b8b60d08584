"""What is at stake: by the model's risk where there is one, else by the last year; and how people are told."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from models.customer import Customer, Risk
from models.worth import Worth, worth_of

from models.catalogue.catalogue import build_rules
from models.catalogue.reader import CatalogueError
from models.config import Base, Learning
from models.learning.histories import fold_history
from models.learning.value import at_risk, owns_of
from models.scoring.worth import YEAR, Prior
from property.test_measures import BASIS, record_of
from schemas.event import Event
from streams.alert_text import told_worth, what_to_do
from support.boards import alert, board, drawn, look, page, past_of
from support.builders import DAY_MS, purchase
from support.troubled import FIRST_DAY, catalogue

T = FIRST_DAY + 200
LEARNING = replace(BASIS, learning=Learning(), base=Base(purchases_a_year=4.0, basket=50.0, worth_days=90.0))


def customer(*risks: Risk, days: tuple[int, ...] = (0, 60, 120, 180)) -> Customer:
    return msgspec.structs.replace(record_of(purchases(days)), risks=list(risks))


def purchases(days: tuple[int, ...] = (0, 60, 120, 180)) -> list[Event]:
    return [purchase("c1", (FIRST_DAY + day) * DAY_MS, amount=30.0, currency="USD", order_id=f"{day}") for day in days]


def test_without_a_risk_it_is_the_spend_of_the_last_year() -> None:
    assert worth_of(customer(), T, LEARNING) == Worth(12_000, "last_year")
    assert worth_of(customer(), FIRST_DAY + YEAR + 1, LEARNING) == Worth(9_000, "last_year")


def test_with_a_risk_it_is_that_times_twelve_months_at_the_own_rhythm() -> None:
    found = worth_of(customer(Risk(T - 3, 0.25, None)), T, LEARNING)
    a_day = (3 + 4 / 365 * 90) / (200 + 90)
    assert found == Worth(round(0.25 * 365 * a_day * (12_000 + 5_000) / 5), "expected")


def test_it_is_what_backtest_says_of_the_same_base() -> None:
    one = customer(Risk(T - 1, 0.6, None))
    bought = fold_history(purchases(), LEARNING).purchases
    own = owns_of(bought, np.array([0]), np.array([T - FIRST_DAY]), T)
    found = worth_of(one, T, LEARNING)
    assert found is not None
    assert found.minor == round(at_risk(own, Prior(4 / 365, 90.0, 5_000.0), np.array([0.6]))[0])


def test_a_risk_counts_until_the_next_snapshot_is_due() -> None:
    one = customer(Risk(T - 6, 0.5, None))
    assert [found.basis for day in (0, 1) if (found := worth_of(one, T + day, LEARNING))] == ["expected", "last_year"]


def test_days_that_are_not_closed_count_for_nothing() -> None:
    risk = Risk(T - 1, 0.5, None)
    assert worth_of(customer(risk, days=(0, 60, 200, 220)), T, LEARNING) == worth_of(
        customer(risk, days=(0, 60)), T, LEARNING
    )


def test_where_purchases_are_not_declared_nothing_is_known() -> None:
    assert worth_of(customer(), T, replace(LEARNING, feeds=(1, 2))) is None


def test_the_base_is_the_catalogue_s() -> None:
    assert build_rules(catalogue() | {"value": {"basket": 7}}).basis.base == Base(basket=7.0)
    with pytest.raises(CatalogueError, match=r"value\.typo.*value\.worth_days: must be a number of at least 1"):
        build_rules(catalogue() | {"value": {"worth_days": 0, "typo": 1}})


def test_people_are_told_which_of_the_two_it_is() -> None:
    by_model, by_year = alert("c1", value_basis="expected"), alert("c2", value_basis="last_year")
    assert told_worth(by_model) == "100 USD (the risk times the spend expected in twelve months)"
    assert told_worth(by_year) == "100 USD (the spend of the last 365 days)"
    assert "  at stake: 100 USD (the spend" in what_to_do(by_year)
    assert "at stake" not in what_to_do(alert(value_at_risk=None))
    text = "\n".join(drawn(board(look(page()), past_of(by_model, by_year)), 100, 30))
    assert "customer c1, 100 USD at risk" in text
    assert "customer c2, 100 USD a year" in text


def test_the_headline_says_what_is_at_risk_of_what_is_spent_where_there_is_room() -> None:
    series = (
        'churn_customers_at_risk{stage="active"} 5',
        'churn_spend_at_risk{stage="active",currency="USD"} 900',
        'churn_value_at_risk{currency="USD"} 400',
    )
    shown = board(look(page(*series)))
    assert shown.value_at_risk == {"USD": 400.0}
    assert "900 USD a year, 400 at risk" in "\n".join(drawn(shown, 100, 30))
    assert "at risk  " not in drawn(board(look(page(*series[:2]))), 100, 30)[2].replace("customers at risk", "")
