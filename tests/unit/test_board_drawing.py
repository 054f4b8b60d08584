"""The board as drawn: within its size, with the numbers, in every state."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from streams.board.board import Board, Past, make_board
from streams.board.drawing import sparkline
from support.boards import DEPLOYMENT, NOW_MS, alert, board, drawn, look, page, past_of

SIZES = [(80, 24), (100, 30), (160, 50), (60, 20), (250, 70)]
SIGNALS = [f"signal_with_a_rather_long_name_{number}" for number in range(14)]
BUSY = page(
    'churn_customers{stage="active"} 8234567',
    'churn_customers{stage="churned"} 1000000',
    'churn_customers_at_risk{stage="active"} 1234567',
    'churn_spend_at_risk{currency="USD",stage="active"} 123456789.4',
    'churn_alerts_past_due{owner="Billing & Communications"} 4321',
    *(f'churn_customers_at_risk_by_signal{{signal="{name}"}} {900 - at}' for at, name in enumerate(SIGNALS)),
)
LONG = "A regular customer is silent for 71 days; the usual gap is 28 days. " * 4


def states() -> dict[str, Board]:
    told = past_of(*(alert(f"customer-{number}", summary=LONG) for number in range(70)))
    return {
        "busy": board(look(BUSY), told),
        "fresh": board(look("# TYPE churn_customers_at_risk_by_signal gauge\n" + page())),
        "nothing answers": make_board(
            look(away={"http://127.0.0.1:9464/metrics": "Connection refused"}),
            None,
            Past(problem="alerts and history unknown: " + "no broker answers " * 12),
            DEPLOYMENT,
            NOW_MS,
        ),
    }


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("state", states())
def test_board_is_neither_wider_nor_higher_than_the_terminal(state: str, width: int, height: int) -> None:
    lines = drawn(states()[state], width, height)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) <= height


@pytest.mark.parametrize(("width", "height"), SIZES[:3])
def test_board_shows_its_numbers(width: int, height: int) -> None:
    text = "\n".join(drawn(states()["busy"], width, height))
    for number in ("1,234,567", "15.0%", "8,234,567", "123,456,789 USD", "1,000,000", "4,321", "900"):
        assert number in text
    assert "customer-" in text
    assert "due 18 Feb 00:00" in text
    assert "and 9 more" in text or " 887 " in text


def test_higher_terminal_shows_more_alerts() -> None:
    shown = states()["busy"]
    counts = [sum("customer-" in line for line in drawn(shown, 100, height)) for height in (24, 30, 50)]
    assert counts == sorted(set(counts))


def test_what_is_unknown_is_drawn_as_such() -> None:
    lines = drawn(states()["nothing answers"], 80, 24)
    text = "\n".join(lines)
    assert "! worker http://127.0.0.1:9464/metrics tells nothing: Connection refused" in text
    assert " ?  customers at risk" in text
    assert " 0 " not in text


def test_a_critical_alert_is_called_so() -> None:
    told = past_of(alert("c1", severity="critical"), alert("c2", "support_spike"))
    for width in (80, 160):
        text = "\n".join(drawn(board(look(BUSY), told), width, 30))
        assert "critical loyal_gone_silent" in text
        assert "critical support_spike" not in text


def test_sparkline_of_equal_values_is_flat() -> None:
    assert sparkline([5, 5, 5]) == "▄▄▄"


def test_boundary_is_named() -> None:
    assert "as of 16 Feb 2026, 00:00 UTC" in drawn(board(look(BUSY)), 80, 24)[0]
