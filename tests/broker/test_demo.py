"""`make demo` in quick form: it adds up, equals `replay`, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from support.broker import Broker, topics_of
from support.program import ROOT, environment

KEYS: Final = {
    "events_posted", "events_applied", "duplicates", "late", "dead_lettered", "customers", "stages", "at_risk_now",
    "spend_at_risk", "alerts", "alerts_total", "alerts_equal_replay", "top_at_risk", "seconds", "events_per_second",
}  # fmt: skip
GONE_WITHIN_S: Final = 40.0
SMALL: Final = ("--share", "48", "--partitions", "2")
SMALLER: Final = ("--share", "48", "--partitions", "1")
"""A midnight costs what it costs in each partition."""


def start(folder: Path, *arguments: str, bootstrap: str | None = None) -> subprocess.Popen[str]:
    """The demo with a temporary folder of its own, by which whatever it starts is known."""
    temporary = folder / "temporary"
    temporary.mkdir()
    settings = {} if bootstrap is None else {"bootstrap": bootstrap}
    return subprocess.Popen(
        [sys.executable, "-m", "demo", "--out", str(folder), *arguments],
        cwd=ROOT,
        env=environment(settings) | {"PYTHONPATH": "deploy", "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that have the demo's temporary folder in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder / "temporary").encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it ended, or is not ours
            continue
    return found


def check_sums(summary: Mapping[str, Any]) -> None:
    assert summary.keys() == KEYS
    accounted = sum(summary[name] for name in ("events_applied", "duplicates", "late", "dead_lettered"))
    assert accounted == summary["events_posted"] > 0
    assert summary["alerts_equal_replay"] is True
    assert summary["alerts_total"] == sum(summary["alerts"].values())
    assert summary["customers"] == sum(summary["stages"].values()) > summary["at_risk_now"] > 0


@pytest.mark.slow
def test_demo_adds_up_and_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path, *SMALL) as demo:
        out, _ = demo.communicate()
    assert demo.returncode == 0, out
    summary = json.loads((tmp_path / "demo-summary.json").read_text())
    check_sums(summary)
    assert len(summary["alerts"]) >= 10
    assert len(summary["top_at_risk"]) == 5
    assert all(customer["reasons"] for customer in summary["top_at_risk"])
    assert summary["top_at_risk"][0]["customer_id"] in out
    assert "alerts equal `replay`" in out
    assert left_running(tmp_path) == []
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
def test_purchases_alone_on_the_cluster_of_somebody_else(broker: Broker, tmp_path: Path) -> None:
    before = topics_of(broker, "")
    with start(tmp_path, *SMALLER, "--purchases-only", bootstrap=broker.bootstrap) as demo:
        out, _ = demo.communicate()
    assert demo.returncode == 0, out
    summary = json.loads((tmp_path / "demo-summary.json").read_text())
    check_sums(summary)
    assert len(summary["alerts"]) >= 4
    assert not [name for name in topics_of(broker, "") if name.startswith("demo-") and name not in before]
    assert left_running(tmp_path) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path, *SMALLER) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "processed" in line:
                break
        assert len(left_running(tmp_path)) >= 3  # the demo itself, the broker, the worker
        os.kill(demo.pid, signal.SIGINT)
        os.kill(demo.pid, signal.SIGINT)  # an impatient user
        begun = time.monotonic()
        out, _ = demo.communicate(timeout=GONE_WITHIN_S)
    assert demo.returncode == 130, out
    assert "nothing is left running" in out
    assert left_running(tmp_path) == []
    assert list((tmp_path / "temporary").iterdir()) == []
    assert time.monotonic() - begun < GONE_WITHIN_S


def test_cluster_that_does_not_answer_is_said_in_a_line(tmp_path: Path) -> None:
    with start(tmp_path, bootstrap="127.0.0.1:1") as demo:
        out, _ = demo.communicate()
    assert demo.returncode == 1
    assert "no broker answers at 127.0.0.1:1" in out
    assert "Traceback" not in out
    assert left_running(tmp_path) == []
