"""What is at stake, as people are told it: on the board, and in the text of an alert; one measure for a list."""

from __future__ import annotations

from schemas.alert import Money
from streams.console.alert_text import at_stake, what_to_do
from support.boards import NOW_MS, alert, board, drawn, look, page, past_of

SPENT = Money(250.0, "USD")


def test_people_are_told_which_of_the_two_it_is_and_the_risk_beside_it() -> None:
    by_model = alert("c1", value_basis="expected", risk=0.4, spend_last_year=SPENT)
    by_year = alert("c2", value_basis="last_year", spend_last_year=SPENT)
    expected = "100 USD (value at risk: the risk times the spend expected in twelve months; risk 40%)"
    assert at_stake(by_model, "value_at_risk") == expected
    assert at_stake(by_model, "spend_last_year") == "250 USD (spend of the last 365 days; risk 40%)"
    assert at_stake(by_year, "spend_last_year") == "250 USD (spend of the last 365 days)"
    assert "  at stake: 250 USD (spend" in what_to_do(by_year, "UTC", NOW_MS, "spend_last_year").plain
    assert "at stake" not in what_to_do(alert(value_at_risk=None), "UTC", NOW_MS, "spend_last_year").plain


def test_a_list_is_in_one_measure_and_its_heading_says_which() -> None:
    by_model = alert("c1", value_basis="expected", risk=0.4, spend_last_year=SPENT)
    by_year = alert("c2", value_basis="last_year", spend_last_year=SPENT)
    mixed = "\n".join(drawn(board(look(page()), past_of(by_model, by_year)), 100, 30))
    assert "amounts: spend of the last 365 days" in mixed
    assert "customer c1, 250 USD, risk 40%: Retention" in mixed
    assert "customer c2, 250 USD: Retention" in mixed
    scored = "\n".join(drawn(board(look(page()), past_of(by_model)), 100, 30))
    assert "amounts: value at risk: the risk times the spend expected" in scored
    assert "customer c1, 100 USD, risk 40%: Retention" in scored


def test_the_headline_is_in_one_measure_whatever_the_model_says() -> None:
    series = (
        'churn_customers_at_risk{stage="active"} 5',
        'churn_spend_at_risk{stage="active",currency="USD"} 900',
        'churn_value_at_risk{currency="USD"} 400',
    )
    shown = board(look(page(*series)))
    assert shown.value_at_risk == {"USD": 400.0}
    headline = drawn(shown, 160, 30)
    assert any("900 USD in the last year" in line and "400" not in line for line in headline)
