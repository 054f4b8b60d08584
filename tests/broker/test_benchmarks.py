"""The benchmarks on a real Kafka, at a size of no interest. Nothing here looks at a time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from benchmarks.bench import QUICK
from benchmarks.measuring import SystemRun
from benchmarks.peers.environments import PeerError
from benchmarks.race import KEEPS, ONE, PLAIN, System, race
from benchmarks.results import Results
from benchmarks.work import Bench
from streams.files.history import HistoryEvent
from support.broker import Broker
from support.workers import Deployment

CUSTOMERS = 15


def test_loop_and_worker_give_the_alerts_of_replay_and_a_failing_peer_says_why(broker: Broker, tmp_path: Path) -> None:
    def fail(deployment: Deployment, events: list[HistoryEvent]) -> SystemRun:
        raise PeerError("left with 1: no such module")

    sizes = replace(QUICK, customers=CUSTOMERS, partitions=2)
    saved: list[None] = []
    with ExitStack() as stack:
        bench = Bench(
            tmp_path, sizes, Results(2), Progress(disable=True), lambda: saved.append(None), stack, running=broker
        )
        found = race(bench, (PLAIN, ONE, System("failing", "nothing", fail)), CUSTOMERS, rounds=1)
    plain, one, failing = found.systems
    for system in (plain, one):
        assert system.keeps == KEEPS
        assert system.worst is not None
        assert system.worst.size == 0
        assert system.worst.expected > 0
        assert system.runs[0].seconds > 0
    assert failing.failure == "left with 1: no such module"
    assert not failing.runs
