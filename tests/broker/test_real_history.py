"""Real customers of two online shops through the real broker, with kills: equal to `replay`, and signals fire.

`pytest tests/broker/test_real_history.py -k cdnow --full`.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Final

import orjson
import pytest

from support import sliced_worker
from support.broker import Broker
from support.cdnow import CDNOW
from support.crashes import Crashes, Report
from support.oracles import Expected, Findings, compare, replay
from support.program import ROOT, run
from support.workers import Deployment, deploy, wait_for_lag_zero, workers

CATALOGUES: Final = ROOT / "tests/data/catalogues"
UCI: Final = ROOT.parent / "shared/data/uci_online_retail_events.jsonl.gz"
PARTITIONS: Final = 6
SIGNALS: Final = 4
"""The least number of signals that must fire on a shop's history."""


pytestmark = [
    pytest.mark.full("real purchases on a broker: test_demo; all that is known of two shops"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]


def test_cdnow(broker: Broker, prefix: str, tmp_path: Path) -> None:
    _check(CDNOW, CATALOGUES / "purchases.yaml", broker, prefix, tmp_path)


def test_uci_online_retail(broker: Broker, prefix: str, tmp_path: Path) -> None:
    if not UCI.exists():
        pytest.skip(f"real history not tested: {UCI} is missing (UCI Online Retail as events; not part of the project)")
    _check(UCI, CATALOGUES / "purchases-and-returns.yaml", broker, prefix, tmp_path)


def _check(file: Path, catalogue: Path, broker: Broker, prefix: str, folder: Path) -> None:
    started = time.monotonic()
    often = {"commit_interval_s": "0.1"}  # what is committed says how far it is
    deployment = deploy(broker, prefix, folder, partitions=PARTITIONS, catalogue=str(catalogue), **often)
    expected = replay(file, folder, partitions=PARTITIONS, catalogue=str(catalogue))
    total = _produce(deployment, file)
    report, findings = _run(deployment, total, expected)
    fired = _signals(expected)
    took = time.monotonic() - started
    print(f"\n{file.name}: {total} events, {report}, {took:.0f} s, signals {sorted(fired)}\n{findings}")
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert len(fired) >= SIGNALS
    assert all(kill.redelivered for kill in report.kills)
    assert any(kill.is_mid_boundary for kill in report.kills)


def _produce(deployment: Deployment, file: Path) -> int:
    """Post with the program's own command; returns how many events."""
    done = run("produce", str(file), **deployment.settings)
    assert done.code == 0, done.err
    return int(done.out.split()[1].replace(",", ""))


def _run(deployment: Deployment, total: int, expected: Expected) -> tuple[Report, Findings]:
    """One worker, killed at some shares of the work, once in the middle of a boundary."""
    with workers(deployment, "main", program=sliced_worker.PROGRAM) as (main,):
        crashes = Crashes(deployment, [main], total, random.Random(total))
        try:
            main.start()
            for share in (0.1, 0.25, 0.4, 0.55, 0.7):
                crashes.kill_mid_boundary(share) if share == 0.55 else crashes.kill(share)
        finally:
            crashes.close()
        wait_for_lag_zero(deployment, [main], within_s=240, is_after_kills=True)
        assert main.terminate() == 0, main.log_tail()
    return crashes.report, compare(deployment, expected)


def _signals(expected: Expected) -> set[str]:
    """The signals that fire in the alerts of a replay."""
    alerts = map(orjson.loads, expected.alerts.read_bytes().splitlines())
    return {alert["signal"] for alert in alerts if alert["status"] == "firing"}
