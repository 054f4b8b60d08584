"""Every panel of both dashboards shows something, asked of a real Prometheus that reads a worker and a learner."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, start_http_server

from streams.agents.learner import LearnerAgent
from streams.metrics.learner import LearnerMetrics
from streams.transport.changelog import Changelog
from streams.transport.producer import Outputs
from streams.transport.status import Status
from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS
from support.histories import START_MS, Size, history
from support.ledger import Draft, Ledger
from support.lessons import RULES, WEEKLY, lessons, taught
from support.pages import get, wait_until_ready
from support.posting import post
from support.prometheus import check_page, dashboards, panels, promtool
from support.prometheus_server import TOKEN, Sample, Server, configure, serving
from support.waiting import wait_until
from support.workers import deploy, wait_for_lag_zero, workers

FACTOR: Final = 30
"""Durations of rules and configuration are divided by this: a scrape each half second."""
JOB: Final = "churn-signals"
MONTH_S: Final = 30 * 86_400


def test_every_panel_of_both_dashboards_shows_something(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=2, metrics_token=TOKEN)
    with workers(deployment, "main") as (main,), learner_page() as learner:
        main.start()
        address = wait_until_ready(main)
        config = configure(tmp_path / "prometheus", {JOB: [address, learner]}, FACTOR)
        started = time.time()
        with serving(config, FACTOR) as server:
            wait_for(server, f'churn_events_total{{job="{JOB}"}}')
            post(deployment, merged(history(Size(2_000, 150, 120))))
            Ledger(deployment).post([Draft(1, b"c1", b"<xml/>", START_MS + 121 * DAY_MS, [], "not_json")])
            wait_for_lag_zero(deployment, [main])
            time.sleep(3)  # some scrapes and evaluations more
            wait_for(
                server, f'job_signal:churn_uplift:difference90d{{job="{JOB}"}}'
            )  # the rule that is evaluated least often
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


@contextmanager
def learner_page() -> Iterator[tuple[str, int]]:
    """What a learner tells that has learned and judged for a year: a young deployment cannot have."""
    agent = LearnerAgent(RULES, WEEKLY, 1, Changelog(Outputs({}), "churn.models"), lambda _first: ())
    agent.learner, _ = taught(lessons(52))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LearnerMetrics(agent, Status(), RULES.basis.calendar, lambda: 0))
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_for(server: Server, expr: str) -> None:
    """Wait until Prometheus knows something."""
    wait_until(lambda: bool(server.now(expr)), 20, lambda: expr, every_s=0.1)


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
