"""What is at stake, as people are told it: on the board, and in the text of an alert."""

from __future__ import annotations

from streams.alert_text import told_worth, what_to_do
from support.boards import alert, board, drawn, look, page, past_of


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
