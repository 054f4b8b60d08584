"""What `make up` starts: again after a crash, anew with other settings, and never somebody else's process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kafka.cluster import free_port
from kafka.process import started_at
from support.program import ROOT, Outcome, environment

ENDS_WITHIN_S = 120.0


@dataclass
class Local:
    """A folder of our own, where a broker, a worker, a learner and a dispatcher may run."""

    folder: Path
    ports: tuple[int, int, int, int]
    """Of the broker, the worker, the learner and the dispatcher."""

    def up(self, *more: str, **settings: str) -> Outcome:
        learner, dispatcher = (str(port) for port in self.ports[2:])
        pages = ("--learner-metrics-port", learner, "--dispatcher-metrics-port", dispatcher)
        return self._run("up", *pages, *more, **settings)

    def down(self) -> Outcome:
        return self._run("down")

    def _run(self, verb: str, *arguments: str, **settings: str) -> Outcome:
        own = {"metrics_port": str(self.ports[1]), "partitions": "2"} | settings
        done = subprocess.run(
            [sys.executable, "-m", "local", verb, "--folder", str(self.folder), *arguments],
            cwd=ROOT,
            env=environment(own) | {"PYTHONPATH": f"{ROOT}:{ROOT / 'deploy'}"},
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr, 0.0)

    def pid(self, name: str) -> int:
        return int(json.loads((self.folder / f"{name}.json").read_text())["pid"])

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        pid = self.pid(name)
        os.kill(pid, number)
        while started_at(pid) is not None and not _is_zombie(pid):
            time.sleep(0.05)


def _is_zombie(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    made = Local(tmp_path / "run", (free_port(), free_port(), free_port(), free_port()))
    yield made
    made.down()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_starts_what_does_not_run_and_starts_anew_what_is_set_otherwise(local: Local, tmp_path: Path) -> None:
    first = local.up("--port", str(local.ports[0]))
    assert first.code == 0, first.err
    worker, learner = local.pid("worker"), local.pid("learner")
    twice = local.up()
    assert twice.code == 0, twice.err
    assert f"worker: already running, pid {worker}" in twice.out
    assert f"learner: already running, pid {learner}" in twice.out
    assert f"dispatcher: already running, pid {local.pid('dispatcher')}" in twice.out
    assert "kafka: already running" in twice.out

    # Killed, all of it but the learner: the same port, the same data; its address exported, as we said.
    dispatcher = local.pid("dispatcher")
    local.kill("dispatcher", signal.SIGTERM)
    local.kill("worker")
    local.kill("kafka/broker")
    again = local.up(bootstrap=f"127.0.0.1:{local.ports[0]}")
    assert again.code == 0, again.err
    assert f"worker: pid {worker} is gone without a word" in again.out
    assert f"dispatcher: pid {dispatcher} was stopped by SIGTERM, it is started again" in again.out
    assert f"kafka: ready at 127.0.0.1:{local.ports[0]}" in again.out
    assert f"learner: already running, pid {learner}" in again.out

    # Another catalogue, then the same file with other content; a model is no longer learned.
    own = tmp_path / "own.yaml"
    own.write_text("base: default\nmodel: off\n")
    other = local.up(catalogue=str(own))
    assert other.code == 0, other.err
    assert "is started anew, as this changed: CHURN_CATALOGUE\n" in other.out
    assert f"the catalogue has no model; pid {learner} is stopped" in other.out
    own.write_text("base: default\nmodel: off\nfeeds: [purchase]\n")
    assert "is started anew, as this changed: CHURN_CATALOGUE\n" in local.up(catalogue=str(own)).out

    refuses_what_cannot_be(local, own)
    local.kill("dispatcher", signal.SIGTERM)
    down = local.down()
    assert (down.code, down.err) == (0, "")
    assert re.search(r"dispatcher: pid \d+ was stopped by SIGTERM already", down.out)
    assert "kafka: stopped" in down.out
    assert local.down().out == ""


def refuses_what_cannot_be(local: Local, own: Path) -> None:
    """What the worker refuses is said; what cannot be is said before anything is stopped."""
    running = local.pid("worker")
    for settings, words in (
        ({"zone": "Mars/Crater"}, "CHURN_ZONE: 'Mars/Crater' is not allowed"),
        ({"partitions": "3"}, "CHURN_PARTITIONS: 3, but all topics of churn have 2 partitions"),
        ({"metrics_port": str(local.ports[2])}, "is wanted by worker and learner"),
    ):
        refused = local.up(catalogue=str(own), **settings)
        assert refused.code == 1
        assert words in refused.err
        assert local.pid("worker") == running
    assert "First: make down" in local.up("--port", str(free_port())).err
    zone = local.up(catalogue=str(own), zone="Europe/Berlin")
    assert zone.code == 1
    assert "CHURN_ZONE: Europe/Berlin, but the state is of UTC" in zone.err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a process is told from another by /proc here")
def test_a_pid_that_another_process_has_by_now_is_neither_taken_for_ours_nor_ended(local: Local) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "-m streams worker"])
    try:
        local.folder.mkdir()
        note = {"pid": bystander.pid, "started": "another boot 1", "digests": {}}
        (local.folder / "worker.json").write_text(json.dumps(note))
        (local.folder / "kafka").mkdir()
        about = {"pid": bystander.pid, "port": local.ports[0], "bootstrap": "127.0.0.1:1"}
        (local.folder / "kafka" / "broker.json").write_text(json.dumps(about))
        down = local.down()
        assert down.code == 0, down.err
        assert re.search(rf"worker: pid {bystander.pid} was gone already", down.out)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_broker_elsewhere_is_used_and_named_when_it_does_not_answer(local: Local) -> None:
    away = f"127.0.0.1:{local.ports[0]}"
    outcome = local.up(bootstrap=away)
    assert outcome.code == 1
    assert f"CHURN_BOOTSTRAP: no broker answers at {away}" in outcome.err
    assert not (local.folder / "kafka").exists(), "no broker of our own is started"
