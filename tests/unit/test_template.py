"""Texts of alerts: numbers with their nouns, money, parts left out, and what is told when."""

from __future__ import annotations

import pytest

from models.catalogue.template import Template
from models.catalogue.terms import Value


@pytest.mark.parametrize(
    ("text", "values", "told"),
    [
        ("{n|purchase|purchases} so far", {"n": 1}, "1 purchase so far"),
        ("{n|purchase|purchases} so far", {"n": 0}, "0 purchases so far"),
        ("{n|day|days}", {"n": 1.0}, "1 day"),
        ("{n|day|days}", {"n": 18.5}, "18.5 days"),
        ("{n} {currency}", {"n": 132.9}, "132.90 EUR"),
        ("{n} {currency}", {"n": 10.0}, "10 EUR"),
        ("{n} {currency}", {"n": 1032.86}, "1,032.86 EUR"),
        ("{n} {currency}", {"n": None}, "an unknown number of EUR"),
        (
            "again:[ {a|complaint|complaints},][ {b|ticket|tickets},] within",
            {"a": 0, "b": 2},
            "again: 2 tickets, within",
        ),
        ("silent[; the usual gap is {gap|day|days}].", {"gap": None}, "silent."),
        ("silent[; the usual gap is {gap|day|days}].", {"gap": 1.0}, "silent; the usual gap is 1 day."),
        ("the customer is {stage}", {"stage": "churned"}, "the customer is churned"),
    ],
)
def test_values_are_told_as_a_person_would(text: str, values: dict[str, Value], told: str) -> None:
    assert Template(text).slip is None
    assert Template(text).filled(values, "EUR") == told


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("a [b {c}", "must come in pairs"),
        ("a [b [{c}]]", "must come in pairs"),
        ("a [b]", "must hold a value"),
        ("{n|one}", "'{n|one}' must be written {name} or {name|one|many}"),
        ("{n", "'{n' must be written"),
        ("n}", "'}' must be written"),
    ],
)
def test_a_slip_of_the_pen_is_explained(text: str, slip: str) -> None:
    assert slip in (Template(text).slip or "nothing found")
