"""The pages that the board reads its numbers from: rates between two looks, addresses, pages of others."""

from __future__ import annotations

import pytest

from streams.board.figures import parse_page, rates
from streams.board.reading import metrics_address
from support.boards import look, page


def test_rates_survive_a_restarted_worker_and_one_that_came() -> None:
    before = look('# TYPE churn_events counter\nchurn_events_total{topic="t"} 100\n' + page(), at_s=100)
    after = look(
        '# TYPE churn_events counter\nchurn_events_total{topic="t"} 40\n' + page(),
        '# TYPE churn_events counter\nchurn_events_total{topic="t"} 9000\n' + page(),
        at_s=110,
    )
    assert rates(before, after, "churn_events_total", "topic") == {"t": 4.0}
    assert rates(None, after, "churn_events_total", "topic") is None


def test_page_of_another_program_is_refused() -> None:
    with pytest.raises(ValueError, match="not the metrics of a churn-signals worker"):
        parse_page("# TYPE up gauge\nup 1\n")


@pytest.mark.parametrize("text", ["worker-1:9464", "http://worker-1:9464", "http://worker-1:9464/metrics"])
def test_http_and_metrics_go_without_saying(text: str) -> None:
    assert metrics_address(text) == "http://worker-1:9464/metrics"
