"""The catalogue's language: what it means, what it refuses and how it says so, and what unknown does."""

from __future__ import annotations

import pickle

import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.language import compile_condition
from models.catalogue.tokens import LanguageError
from schemas.event import Event
from support.builders import email, login, purchase, ticket
from support.standing import Standing
from support.troubled import FIRST_DAY, catalogue, default_rules

DAY_MS = 86_400_000
TODAY = FIRST_DAY + 100


def at(days_ago: int) -> int:
    """Noon, so many days before the last closed day."""
    return (TODAY - 1 - days_ago) * DAY_MS + DAY_MS // 2


def view(*events: Event, feeds: list[str] | None = None) -> Standing:
    rules = build_rules(catalogue() | {"feeds": feeds}) if feeds else default_rules()
    return Standing(rules.basis, events, TODAY)


def usd(days_ago: int, amount: float = 10.0) -> Event:
    return purchase(at_ms=at(days_ago), amount=amount, currency="USD")


def value(text: str, of: Standing) -> object:
    return of.value(text, {"limit": 7})


def truth(text: str, of: Standing) -> bool:
    return of.holds(text, {"limit": 7})


def test_terms_are_read_as_in_school() -> None:
    nothing = view()
    assert value("1 + 2 * 3 - 4 / 2", nothing) == 5
    assert value("(1 + 2) * -3", nothing) == -9
    assert value("limit - 0.5", nothing) == 6.5
    assert value("1 / 0", nothing) is None


def test_windows_end_at_the_boundary_or_before() -> None:
    bought = view(usd(0), usd(6), usd(7), usd(13), usd(14))
    assert value("purchases(7d)", bought) == 2
    assert value("purchases(7d before 7d)", bought) == 2
    assert value("spend(30d)", bought) == 50.0
    bought.since = TODAY - 7
    assert value("purchases(since start)", bought) == 2


def test_usual_is_the_level_of_the_56_days_before_and_unknown_to_newcomers() -> None:
    regular = view(*(usd(ago) for ago in range(0, 80, 7)))
    assert value("usual(purchases, 14d)", regular) == 2.0
    assert value("usual(purchases, 14d)", view(usd(40))) is None
    assert value("usual(spend, 14d)", view(usd(55))) == 0.0 + 10.0 * 14 / 56


def test_clocks_count_whole_silent_days() -> None:
    seen = view(login(at_ms=at(20)), usd(5))
    assert value("days_since_login", seen) == 20
    assert value("days_since_purchase", seen) == 5
    assert value("days_since_activity", seen) == 5
    assert value("days_since_first", seen) == 20
    assert value("days_since_purchase", view(login(at_ms=at(20)))) is None
    assert value("days_since_login", view(usd(33))) == 33


def test_and_binds_tighter_than_or_and_brackets_bind_tightest() -> None:
    nothing = view()
    assert truth("1 > 2 and 1 > 2 or 2 > 1", nothing) is True
    assert truth("1 > 2 and (1 > 2 or 2 > 1)", nothing) is False
    assert truth("(1 + 1) * 2 == 4 and ((2 > 1))", nothing) is True
    assert truth("never", nothing) is False
    assert truth("never or 1 < 2", nothing) is True


@pytest.mark.parametrize(("op", "holds"), [("<", 0), ("<=", 1), ("==", 1), ("!=", 0), (">=", 1), (">", 0)])
def test_every_comparison(op: str, holds: int) -> None:
    assert truth(f"tickets(7d) {op} 1", view(ticket(at_ms=at(1)))) is bool(holds)
    assert truth(f"days_since_login {op} 4", view(login(at_ms=at(4)))) is bool(holds)


def test_a_comparison_reads_the_same_from_both_sides() -> None:
    seen = view(login(at_ms=at(4)))
    for left, right in (("3 < days_since_login", "days_since_login > 3"), ("1 >= logins(7d)", "logins(7d) <= 1")):
        assert truth(left, seen) is truth(right, seen) is True


def test_stages_are_compared_by_name() -> None:
    assert truth("stage == active", view(usd(40), usd(3))) is True
    assert truth("stage != churned", view(usd(40), usd(3))) is True
    assert truth("stage == active", view()) is False


def test_unknown_is_never_true() -> None:
    bought = view(usd(1), feeds=["purchase"])
    for text in ("logins(7d) == 0", "logins(7d) >= 0", "days_since_login > 0", "ticket_channels(7d) < 1",
                 "tickets(7d) / logins(7d) < 1", "usual(logins, 7d) == 0"):  # fmt: skip
        assert truth(text, bought) is not True, text
        assert truth(f"{text} and 1 < 2", bought) is not True, text
        assert truth(f"{text} or 1 < 2", bought) is True, text
    assert value("logins(7d)", bought) is None
    assert value("purchases(7d)", view(email(at_ms=at(1)))) == 0


def test_an_expression_knows_what_it_reads() -> None:
    assert compile_condition("tickets(7d) >= 3 and days_since_first_ticket < 28", {}).feeds == {2}
    assert compile_condition("tickets(7d) >= 3 or logins(1d) > 0", {}).feeds == {1, 2}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a number or a measure, found the end"),
        ("purchases(30d)", "a comparison (<=, >=, ==, !=, <, >) is missing here"),
        ("purchases(30d) >", "expected a number or a measure"),
        ("purchases(30d) >= 1 purchases(7d) >= 1", "expected 'and', 'or' or the end"),
        ("(purchases(30d) >= 1", "expected ')'"),
        ("purchases >= 1", "purchases needs a window, for example purchases(30d)"),
        ("purchases(30) >= 1", "expected 1d to 400d, found '30'"),
        ("purchases(0d) >= 1", "expected 1d to 400d, found '0'"),
        ("purchases(401d) >= 1", "expected 1d to 400d, found '401'"),
        ("purchases(1.5d) >= 1", "expected 1d to 400d, found '1.5'"),
        ("purchases(300d before 101d) >= 1", "expected 1d to 100d, found '101'"),
        ("purchases(400d before 1d) >= 1", "ends before the 400 days that are kept"),
        ("usual(spend, 345d) >= 1", "expected 1d to 344d, found '345'"),
        (
            "purchase(30d) >= 1",
            "there is no measure or constant 'purchase'. Did you mean purchases? Known are",
        ),
        ("usual(spending, 7d) >= 1", "there is no measure or constant 'spending'"),
        ("usual(spend 7d) >= 1", "expected ','"),
        ("purchases(since 3d) >= 1", "expected 'start'"),
        ("purchases(30d) => 1", "'=>' is not part of the language"),
        ("stage >= active", "a stage is compared with a stage, by == or !="),
        ("stage == 3", "a stage is compared with a stage"),
        ("purchases_total == active", "a stage is compared with a stage"),
        ("stage + 1 == 2", "a stage is not a number"),
        ("__import__('os') >= 1", "is not part of the language"),
        ("1 ; 2", "';' is not part of the language"),
        ("- purchases(7d) > 1", "expected a number or a measure, found 'purchases'"),
        ("not purchases(7d) > 1", "there is no measure or constant 'not'"),
    ],
)
def test_a_mistake_is_explained_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(LanguageError) as caught:
        compile_condition(text, {})
    assert reason in str(caught.value)
    assert "(at character " in str(caught.value)


def test_the_place_of_a_mistake_is_where_it_stands() -> None:
    with pytest.raises(LanguageError, match=r"at character 30 "):
        compile_condition("purchases(30d) >= 1 and (1 > purchase)", {})


def test_the_error_survives_pickle() -> None:
    error = LanguageError("a b", 2, "why")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes
