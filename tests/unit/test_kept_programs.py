"""A program that `make up` finds running may be about to leave: it is waited for until it is ready or gone."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from kafka.process import launch, started_at
from local.programs import Noted, Program


def test_a_program_that_leaves_before_it_is_ready_does_not_stay(tmp_path: Path) -> None:
    """As a worker does that no broker answered for long, just when the broker is back."""
    leaving = [sys.executable, "-c", "import time; time.sleep(1)", "-m", "streams", "worker"]
    process = launch(leaving, tmp_path / "worker.log")
    noted = Noted(process.pid, started_at(process.pid) or "", {})
    (tmp_path / "worker.json").write_text(json.dumps(asdict(noted)))
    worker = Program("worker", tmp_path)
    assert worker.running() == noted
    assert not worker.stays()
    assert process.wait() == 0
    assert worker.noted() == noted
