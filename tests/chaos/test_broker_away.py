"""While the broker is away a worker is not ready and counts nobody, its log stays short, and it goes on afterwards."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import pytest

from kafka.cluster import Cluster
from support.broker import Broker, fresh_prefix
from support.pages import get, total, wait_until_ready
from support.program import run
from support.workers import RULES_ONLY, deploy, workers

AWAY_S: Final = 35.0
"""Longer than any question to a broker is waited for."""
LOST_WITHIN_S: Final = 15.0
AGAIN: Final = "the brokers confirm this member of the group again"
BACK_WITHIN_S: Final = 40.0
MOST_LINES: Final = 40
"""Of the log: a line a second of the clients, sooner or later fewer, and our own two."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_broker_that_is_away_is_unknown_and_no_zero_and_no_end(cluster: Cluster, tmp_path: Path) -> None:
    deployment = deploy(Broker(cluster.bootstrap), fresh_prefix(), tmp_path, partitions=2, catalogue=RULES_ONLY)
    with workers(deployment, "main") as (main,):
        main.start()
        address = wait_until_ready(main)
        log = tmp_path / "main.log"
        before = log.read_text().count("\n")
        cluster.kill()
        gone_at = time.monotonic()
        while get(address, "/readyz")[0] == 200:
            assert time.monotonic() - gone_at < LOST_WITHIN_S
            time.sleep(0.2)
        code, body = get(address, "/readyz")
        assert code == 503
        assert body.startswith("not ready: no broker has confirmed this member of the group for ")
        assert total(address, "churn_counted_partitions") == total(address, "churn_group_member") == 0
        where = f"http://{address[0]}:{address[1]}/metrics"
        board = json.loads(run("watch", "--once", "--json", "--metrics", where, **deployment.settings).out)
        unknown = [
            board[name] for name in ("at_risk", "stages", "by_signal", "past_due", "lag", "per_second", "alerts")
        ]
        assert unknown == [None] * len(unknown)
        assert any(text.startswith("no broker confirms worker ") for text in board["problems"])
        time.sleep(max(0.0, AWAY_S - (time.monotonic() - gone_at)))
        main.check()
        cluster.restart()
        back_at = time.monotonic()
        while get(address, "/readyz")[0] != 200:
            main.check()
            assert time.monotonic() - back_at < BACK_WITHIN_S
            time.sleep(0.2)
        while AGAIN not in (written := log.read_text()):  # it is looked at once a second
            assert time.monotonic() - back_at < BACK_WITHIN_S
            time.sleep(0.2)
        assert written.count("\n") - before < MOST_LINES
        assert written.count("has confirmed this member of the group for") == 1
        assert written.count(AGAIN) == 1
        assert "Traceback" not in written
        assert main.terminate() == 0
