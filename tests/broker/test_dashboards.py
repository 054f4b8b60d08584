"""Every panel of both dashboards shows something, asked of a real Prometheus that reads a real worker."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS
from support.histories import START_MS, Size, history
from support.ledger import Draft, Ledger
from support.pages import get, wait_until_ready
from support.posting import post
from support.prometheus import check_page, dashboards, panels, promtool
from support.prometheus_server import TOKEN, Sample, Server, configure, serving
from support.workers import deploy, wait_for_lag_zero, workers

FACTOR: Final = 30
"""Durations of rules and configuration are divided by this: a scrape each half second."""
JOB: Final = "churn-signals"
MONTH_S: Final = 30 * 86_400


def test_every_panel_of_both_dashboards_shows_something(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=2, metrics_token=TOKEN)
    with workers(deployment, "main") as (main,):
        main.start()
        address = wait_until_ready(main)
        config = configure(tmp_path / "prometheus", {JOB: address}, FACTOR)
        started = time.time()
        with serving(config, FACTOR) as server:
            wait_for(server, f'churn_events_total{{job="{JOB}"}}')
            post(deployment, merged(history(Size(2_000, 150, 120))))
            Ledger(deployment).post([Draft(1, b"c1", b"<xml/>", START_MS + 121 * DAY_MS, [], "not_json")])
            wait_for_lag_zero(deployment, [main])
            time.sleep(3)  # some scrapes and evaluations more
            remembered = server.now('{__name__=~"job.*:churn_(customers|customers_at_risk):sum"}')
        remember_a_month_ago(config.parent, remembered)
        with serving(config, FACTOR) as server:
            wait_for(server, f'job:churn_customers:sum{{job="{JOB}"}}')
            empty = [
                f"{name}: {panel['title']}: {query['expr']}"
                for name, board in dashboards().items()
                for panel in panels(board)
                for query in panel["targets"]
                if not any(is_told(values) for _, values in shown(server, query, started))
            ]
        check_page(get(address, "/metrics", TOKEN)[1])
    assert empty == []


def wait_for(server: Server, expr: str) -> None:
    """Wait until Prometheus knows something."""
    deadline = time.monotonic() + 20
    while not server.now(expr):
        assert time.monotonic() < deadline, expr
        time.sleep(0.1)


def remember_a_month_ago(folder: Path, samples: Sequence[Sample]) -> None:
    """Put into Prometheus' data that the sums were four fifths of these a month ago, which a young one cannot know."""
    rows, then = [], time.time() - MONTH_S
    for labels, (value,) in samples:
        told = ",".join(f'{key}="{text}"' for key, text in labels.items() if key != "__name__")
        row = f"{labels['__name__']}{{{told}}} {0.8 * value}"
        rows += [f"{row} {then + 60 * minute:.0f}" for minute in range(-5, 6)]
    (folder / "past.txt").write_text("\n".join([*sorted(rows), "# EOF\n"]))
    data = str(folder / "data")
    done = promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", str(folder / "past.txt"), data)
    assert done.returncode == 0, done.stderr


def shown(server: Server, query: dict[str, Any], started: float) -> list[Sample]:
    """What a panel gets, its variables replaced."""
    expr = query["expr"].replace("$job", JOB).replace("$instance", ".+").replace("$__rate_interval", "5s")
    return server.now(expr) if query["instant"] else server.since(expr, started, 1)


def is_told(values: Sequence[float]) -> bool:
    return any(not math.isnan(value) for value in values)
