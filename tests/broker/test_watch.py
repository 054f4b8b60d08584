"""`watch --once` beside a running worker: the numbers are those of the worker, and the topics agree with them."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.instant import to_rfc3339
from streams.simulation.population import World, simulate
from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS, HOUR_MS, NOON_MS
from support.pages import total, wait_for_boundary, wait_until_ready
from support.posting import post
from support.program import run
from support.workers import deploy, wait_for_lag_zero, workers

START_MS = NOON_MS // DAY_MS * DAY_MS
DAYS = 120
END_MS = START_MS + DAYS * DAY_MS


def test_board_says_what_worker_and_topics_say(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=3)
    events, _ = simulate(World(customers=60, days=DAYS, seed=3, start_ms=START_MS))
    with workers(deployment, "main") as (main,):
        main.start()
        post(deployment, merged(events))
        host, port = wait_until_ready(main)
        wait_for_lag_zero(deployment, [main])
        assert run("tick", "--at", to_rfc3339(END_MS + HOUR_MS), **deployment.settings).code == 0
        wait_for_boundary(main, (host, port), END_MS)
        address = f"http://{host}:{port}/metrics"
        done = run("watch", "--once", "--json", "--metrics", address, **deployment.settings)
        assert done.code == 0, done.out + done.err
        board = json.loads(done.out)
        assert board["boundary"] == to_rfc3339(END_MS)
        assert board["at_risk"] == total((host, port), "churn_customers_at_risk") > 0
        assert board["trend"][-1] == board["at_risk"]  # the topics tell the same as the worker
        assert board["customers"] == len({event.customer_id for event in events})
        changes = [row["change"] for row in board["stages"]]
        assert sum(changes) == len({e.customer_id for e in events}) - len(
            {e.customer_id for e in events if e.time_ms < END_MS - 28 * DAY_MS}
        )
        assert board["alerts"]
        assert board["problems"] == []
        assert {row["feed"]: row["last_event_at"] for row in board["feeds"]}["login"] is not None

        drawn = run(
            "watch", "--once", "--metrics", address, "--metrics", "http://127.0.0.1:1/metrics", **deployment.settings
        )
        assert drawn.code == 1
        assert "! worker http://127.0.0.1:1/metrics tells nothing" in drawn.out
        assert f" {board['at_risk']} " in drawn.out
        assert main.terminate() == 0


def test_without_worker_and_broker_the_board_says_so() -> None:
    done = run("watch", "--once", "--metrics", "http://127.0.0.1:1/metrics", bootstrap="127.0.0.1:1")
    assert done.code == 1
    assert "no worker answers" in done.out
    assert "no broker answers at 127.0.0.1:1" in done.out
    assert "Traceback" not in done.out + done.err


def test_live_board_needs_a_terminal() -> None:
    done = run("watch")
    assert (done.code, "--once" in done.err) == (2, True)
