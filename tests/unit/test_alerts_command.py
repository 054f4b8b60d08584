"""`alerts`: what is owed first, a line a customer, in one measure; what is filtered, what is followed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AlertV1, Money
from schemas.instant import to_rfc3339
from streams.cli.alerts import alerts
from streams.console.cases import in_order, sections, value_of
from support.boards import TODAY, UTC, alert

NOW_MS = UTC.start_of(TODAY) + 3_600_000
Run = Callable[..., str]


def of(customer: str, *, due: int, spend: float = 100.0, **more: Any) -> AlertV1:
    """An alert whose deadline is so many days from today."""
    return alert(
        customer, str(more.pop("signal", "loyal_gone_silent")), due_at=to_rfc3339(UTC.start_of(TODAY + due)),
        value_basis="last_year", value_at_risk=Money(spend, "USD"), spend_last_year=Money(spend, "USD"), **more,
    )  # fmt: skip


OPEN = [
    of("later", due=2, spend=900.0),
    of("poor", due=1, spend=10.0),
    of("rich", due=1, spend=500.0, owner="Support"),
    of("late", due=-3, severity="critical"),
    of("late", due=-2, signal="usage_drop", case_id=None),
    of("aged", due=-50, historical=True),
    alert("happy", "reactivated", polarity="positive", severity="info", due_at=None, owner="Marketing"),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("streams.cli.alerts.open_alerts", lambda _settings: OPEN)
    monkeypatch.setattr("streams.cli.alerts.newest_alerts", lambda _settings: [*OPEN, alert("gone", ends=TODAY)])
    monkeypatch.setattr("streams.cli.alerts.restated_as_of_now", lambda _settings, _rules, found: (found, TODAY))
    monkeypatch.setattr("streams.cli.alerts.now_ms", lambda: NOW_MS)

    def invoked(*arguments: str) -> str:
        done = CliRunner().invoke(alerts, arguments, catch_exceptions=False)
        return done.output if done.exit_code == 0 else f"exit {done.exit_code}: {' '.join(done.output.split())}"

    return invoked


def customers_in(output: str) -> list[str]:
    """The customers that are listed, in order: each line names one behind the deadline."""
    names = {one.customer_id for one in OPEN} | {"gone"}
    lines = [line.replace("days late", "") for line in output.splitlines() if "customer" not in line]
    return [word for line in lines for word in line.split() if word in names]


def test_what_is_owed_comes_by_deadline_then_value_and_a_customer_is_one_line(run: Run) -> None:
    output = run("--open")
    heading, _, *listed = output.splitlines()
    assert customers_in(output)[:4] == ["late", "rich", "poor", "later"]
    assert heading == (
        "4 customers to answer, 5 alerts, 1 past due; as of 16 Feb 2026, 00:00 UTC; amounts: spend of the last 365 "
        "days; times: UTC"
    )
    assert "13 Feb 00:00, 3 days late" in listed[0]
    assert "critical loyal_gone_silent; usage_drop (Retention)" in listed[0]


def test_a_list_from_before_the_first_midnight_is_kept_says_that_it_may_be_less_than_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "less than all" not in run("--open")
    monkeypatch.setattr("streams.cli.alerts.open_alerts", lambda _settings: [])
    monkeypatch.setattr("streams.cli.alerts.restated_as_of_now", lambda _settings, _rules, found: (found, None))
    assert "no customer to answer" in run("--open")
    assert "less than all" in run("--open")
    assert "less than all" not in run("--open", "--as-published")


def test_history_and_good_news_stand_apart_and_are_counted(run: Run) -> None:
    output = run("--open")
    assert "1 customer about a time before anybody was to answer (historical: nobody's duty), 1 alert; --all" in output
    assert "1 customer with good news (nobody must answer), 1 alert; --all lists them" in output
    assert "aged" not in customers_in(output)
    assert customers_in(run("--open", "--all"))[-2:] == ["aged", "happy"]
    assert "gone" not in customers_in(run("--open", "--all"))
    assert customers_in(run("--all"))[-1] == "gone"


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("--owner", "Support"), {"rich"}),
        (("--past-due",), {"late"}),
        (("--signal", "usage_drop"), {"late"}),
        (("--min-value", "500"), {"rich", "later"}),
        (("--min-value", "500", "--owner", "Retention"), {"later"}),
        (("--limit", "1"), {"late"}),
    ],
)
def test_filters(run: Run, arguments: Sequence[str], left: set[str]) -> None:
    assert set(customers_in(run("--open", *arguments))) == left
    rows = map(json.loads, run("--open", "--json", *arguments).splitlines())
    assert {row["customer_id"] for row in rows if row["due_at"] and not row["historical"]} == left


@pytest.mark.parametrize("arguments", [("--signal", "feed_outage"), ("--owner", "Platform")])
def test_alerts_of_feeds_may_be_asked_for_while_no_feed_is_down(run: Run, arguments: Sequence[str]) -> None:
    assert "no customer to answer" in run("--open", *arguments)


def test_names_that_are_none_are_refused_with_what_was_meant(run: Run) -> None:
    told = run("--signal", "churn_rsk")
    assert told.startswith("exit 2")
    assert "churn_rsk is no signal of the catalogue. Did you mean churn_risk? It has onboarding_drop, " in told
    assert "Suport is no owner of the catalogue. Did you mean Support?" in run("--owner", "Suport")
    assert "--since goes with --follow" in run("--since", "2h")
    assert "'tomorrow' is neither how long ago" in run("--follow", "--since", "tomorrow")


def test_explained_alerts_say_what_to_do_why_and_what_ends_them(run: Run) -> None:
    output = run("--open", "--owner", "Support", "--explain")
    assert "  Support, by 17 Feb 00:00: Call." in output
    assert "  ends with: a purchase" in output
    assert "  score 1, threshold 1" in output
    assert "score" not in run("--open")


@given(
    st.lists(
        st.builds(
            of, st.sampled_from("abcde"), due=st.integers(-9, 9), spend=st.sampled_from([1.0, 5.0, 7.5]),
            signal=st.sampled_from(["s1", "s2", "s3"]), historical=st.booleans(), case_id=st.sampled_from([None, "k"]),
            severity=st.sampled_from(["critical", "error", "warning"]), day=st.integers(TODAY - 3, TODAY),
        ),
        max_size=30, unique_by=lambda one: one.alert_id,
    )
)  # fmt: skip
def test_every_alert_is_in_exactly_one_line_and_lines_are_in_order(found: list[AlertV1]) -> None:
    parts = sections(found)
    assert sorted(one.alert_id for part in parts for one in part.alerts) == sorted(one.alert_id for one in found)
    for part in parts:
        shown = part.lines
        listed = [one for line in shown for one in (line.lead, *line.others)]
        assert sorted(one.alert_id for one in listed) == sorted(one.alert_id for one in part.alerts)
        assert len({line.lead.customer_id for line in shown}) == len(shown)
        assert [line.lead for line in shown] == in_order([line.lead for line in shown], part.measure)
        for earlier, later in pairwise(line.lead for line in shown):
            assert (earlier.due_at or "9") <= (later.due_at or "9")
        least = 5.0
        kept = part.worth_at_least(least).alerts
        assert all((worth := value_of(one, part.measure)) and worth.amount >= least for one in kept)
