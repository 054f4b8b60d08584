"""Real customers of two online shops through the real broker, with kills: equal to `replay`, and signals fire.

`pytest tests/broker/test_real_history.py -k cdnow --full` takes all of CDNOW; without it some of both shops'
customers, and of their first months.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Final
from zlib import crc32

import orjson
import pytest

from streams.files.history import read_history
from support import sliced_worker
from support.broker import Broker
from support.builders import DAY_MS
from support.cdnow import CDNOW, some_of_cdnow
from support.crashes import Crashes, Report
from support.oracles import Expected, Findings, compare, replay
from support.program import ROOT, run
from support.workers import Deployment, deploy, wait_for_lag_zero, workers

CATALOGUES: Final = ROOT / "tests/data/catalogues"
UCI: Final = ROOT.parent / "shared/data/uci_online_retail_events.jsonl.gz"
PARTITIONS: Final = {False: 2, True: 6}
"""By whether the run is of full size: what a midnight costs, it costs in each."""
SOME: Final = 32
"""One customer in so many is enough for every signal that the test asks for."""
SOME_DAYS: Final = 240
"""And so many days: who bought once is dormant by then, and some are back."""
SIGNALS: Final = 4
"""The least number of signals that must fire on a shop's history."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cdnow(broker: Broker, prefix: str, tmp_path: Path, is_full: bool) -> None:  # noqa: FBT001 - a fixture
    file = CDNOW if is_full else _begun(some_of_cdnow(SOME, tmp_path), tmp_path / "cdnow.jsonl")
    _check(file, CATALOGUES / "purchases.yaml", broker, prefix, tmp_path, is_full=is_full)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_uci_online_retail(broker: Broker, prefix: str, tmp_path: Path, is_full: bool) -> None:  # noqa: FBT001 - a fixture
    if not UCI.exists():
        pytest.skip(f"real history not tested: {UCI} is missing (UCI Online Retail as events; not part of the project)")
    if not is_full:
        pytest.skip("one real history is enough for every day: this one with --full")
    file = UCI
    _check(file, CATALOGUES / "purchases-and-returns.yaml", broker, prefix, tmp_path, is_full=is_full)


def _begun(table: Path, file: Path) -> Path:
    """The first days of some of the customers, by hash."""
    events = read_history([table]).events
    end_ms = min(event.time_ms for event in events) + SOME_DAYS * DAY_MS
    chosen = [event for event in events if event.time_ms < end_ms and crc32(event.key) % SOME == 0]
    file.write_bytes(b"".join(event.value + b"\n" for event in chosen))
    return file


def _check(file: Path, catalogue: Path, broker: Broker, prefix: str, folder: Path, *, is_full: bool) -> None:
    started = time.monotonic()
    partitions = PARTITIONS[is_full]
    often = {"commit_interval_s": "0.1"}  # what is committed says how far it is
    deployment = deploy(broker, prefix, folder, partitions=partitions, catalogue=str(catalogue), **often)
    expected = replay(file, folder, partitions=partitions, catalogue=str(catalogue))
    total = _produce(deployment, file)
    report, findings = _run(deployment, total, expected, kills=(0.1, 0.25, 0.4, 0.7) if is_full else ())
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


def _run(
    deployment: Deployment, total: int, expected: Expected, *, kills: tuple[float, ...]
) -> tuple[Report, Findings]:
    """One worker, killed at these shares of the work and once more in the middle of a boundary."""
    with workers(deployment, "main", program=sliced_worker.PROGRAM) as (main,):
        crashes = Crashes(deployment, [main], total, random.Random(total))
        try:
            main.start()
            for share in sorted((*kills, 0.55)):
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
