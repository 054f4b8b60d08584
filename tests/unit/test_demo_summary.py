"""The demo's summary: who is called first, and what makes the demo fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo.check import Findings
from demo.flow import FlowResult
from demo.story import Story
from demo.summary import DemoEvidence, first_to_call, newest, problems, summarize
from schemas.alert import Money, encode_alert
from streams.board.board import Board
from streams.files.history import HistoryEvent
from support.boards import TODAY, alert, board, look, page

EQUAL = Findings(is_equal=True, text="2 expected, 2 found")
DIFFERENT = Findings(is_equal=False, text="1 missing")


def events(count: int) -> Story:
    return Story([HistoryEvent(at, 0, at, b"c1", b"{}") for at in range(count)], Path("events.jsonl"))


def the_board() -> Board:
    return board(
        look(
            page(
                'churn_customers{stage="lapsed"} 2',
                'churn_customers{stage="churned"} 1',
                'churn_customers_at_risk{stage="lapsed"} 1',
                'churn_spend_at_risk{stage="lapsed",currency="USD"} 12.345',
            )
        )
    )


def evidence(**more: Any) -> DemoEvidence:
    told: dict[str, Any] = {
        "passed": FlowResult(the_board(), 2.0),
        "outcomes": {"applied": 6, "applied_late": 1, "duplicate": 1, "late": 1, "dead_lettered": 1},
        "alerts": [alert("c1"), alert("c2", ends=TODAY + 1)],
        "equal_alerts": EQUAL,
        "equal_stages": EQUAL,
        "replayed": {"customers": 3, "at_risk_now": 1, "stages": {"lapsed": 2, "churned": 1, "none": 0}},
    }
    return DemoEvidence(**told | more)


def found(given: DemoEvidence, posted: int = 10) -> list[str]:
    return problems(summarize(events(posted), given, 9.0), given)


def test_summary_counts_and_all_is_well() -> None:
    summary = summarize(events(10), evidence(), 9.04)
    assert (summary.events_posted, summary.events_applied, summary.duplicates) == (10, 7, 1)
    assert (summary.customers, summary.at_risk_now, summary.spend_at_risk) == (3, 1, {"USD": 12.35})
    assert (summary.alerts, summary.alerts_total) == ({"loyal_gone_silent": 2}, 2)
    assert (summary.seconds, summary.events_per_second) == (9.0, 5.0)
    assert found(evidence()) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"equal_alerts": DIFFERENT}, "alerts differ from replay: 1 missing"),
        ({"equal_stages": DIFFERENT}, "changes of stage differ"),
        ({"replayed": {"customers": 3, "at_risk_now": 2, "stages": {"lapsed": 2, "churned": 1}}}, "at_risk_now"),
        ({"replayed": {"customers": 3, "at_risk_now": 1, "stages": {"lapsed": 3}}}, "stages"),
    ],
)
def test_whatever_differs_is_a_problem(wrong: dict[str, Any], words: str) -> None:
    (problem,) = found(evidence(**wrong))
    assert words in problem


def test_events_that_are_not_accounted_for_are_a_problem() -> None:
    (problem,) = found(evidence(), posted=11)
    assert problem == "11 events were posted, 10 are accounted for"


def test_first_to_call_is_the_gravest_then_most_reasons_then_most_spend() -> None:
    told = [
        alert("mild", severity="warning", value_at_risk=Money(900.0, "USD")),
        alert("rich", value_at_risk=Money(500.0, "USD")),
        alert("poor", value_at_risk=Money(5.0, "USD")),
        alert("twice"),
        alert("twice", "dormant_high_value"),
        alert("gone", stage="churned"),
        alert("over", ends=TODAY + 1),
        alert("happy", polarity="positive", severity="info"),
    ]
    assert [customer.customer_id for customer in first_to_call(told)] == ["twice", "rich", "poor", "mild"]


def test_highest_revision_of_each_alert_counts(tmp_path: Path) -> None:
    first, last, other = alert(), alert(ends=TODAY + 3), alert("c2")
    file = tmp_path / "alerts.jsonl"
    file.write_bytes(b"".join(encode_alert(one) + b"\n" for one in (last, first, other, last)))
    assert {(one.customer_id, one.revision) for one in newest(file)} == {("c1", 2), ("c2", 1)}
