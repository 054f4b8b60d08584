"""A program that `make up` finds running may be about to leave: it is waited for until it is ready or gone."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import asdict
from pathlib import Path

from kafka.cluster import free_port
from kafka.process import launch, started_at
from local.__main__ import is_ours
from local.errors import LocalError
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


def test_the_address_that_was_to_be_exported_is_our_own_broker_unless_another_is_there(tmp_path: Path) -> None:
    port = free_port()
    assert is_ours(f"127.0.0.1:{port}", tmp_path, port)
    assert not is_ours(f"127.0.0.1:{port}", tmp_path, None)
    assert not is_ours("kafka.example:9092", tmp_path, port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_ours(f"127.0.0.1:{port}", tmp_path, port)


def test_what_ends_with_a_question_mark_gets_no_full_stop() -> None:
    assert str(LocalError("x", "is it there?", "Look.")) == "x: is it there? Look."
    assert str(LocalError("x", "is gone.", "Look.")) == "x: is gone. Look."
