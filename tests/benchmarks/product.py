"""The product itself: the real worker over a backlog, watched from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.measuring import Page, cpu_seconds, resident_bytes
from benchmarks.plain_loop import SystemRun
from kafka.cluster import free_port
from support.broker import Broker, delete_topics, fresh_prefix
from support.workers import Deployment, Positions, Worker, deploy

GIVE_UP_S: Final = 1_800.0


class Look(NamedTuple):
    """When we looked at a worker, and what CPU time it had used by then."""

    at: float
    cpu_s: float


@contextmanager
def deployed(broker: Broker, folder: Path, partitions: int) -> Iterator[Deployment]:
    """Topics of their own for one run."""
    prefix = fresh_prefix()
    try:
        yield deploy(broker, prefix, folder, partitions=partitions)
    finally:
        delete_topics(broker, prefix)


@contextmanager
def running(deployment: Deployment) -> Iterator[tuple[Worker, Page]]:
    """A worker for as long as the block runs, and its page."""
    port = free_port()
    worker = Worker(replace(deployment, more={**deployment.more, "metrics_port": str(port)}), "worker")
    worker.start()
    try:
        yield worker, Page(port)
        assert worker.terminate() == 0, worker.log_tail()
    finally:
        worker.close()


def run_product(deployment: Deployment, events: int) -> SystemRun:
    """Start a worker over a backlog. The clock starts at the last look that saw no event processed: never too late."""
    positions = Positions(deployment)
    with running(deployment) as (worker, page):
        started, _ = until(worker, lambda: page.total("churn_events_total") > 0)
        _, done = until(worker, lambda: sum(positions.committed().values()) >= events, each_s=0.1)
        resident, peak = (resident_bytes(worker.process.pid, field) for field in ("VmRSS", "VmHWM"))
        return SystemRun(done.at - started.at, done.cpu_s - started.cpu_s, resident, peak)


def until(worker: Worker, is_so: Callable[[], bool], each_s: float = 0.02) -> tuple[Look, Look]:
    """Wait for something; the last look that began before it was so, and the first that ended after."""
    deadline = time.monotonic() + GIVE_UP_S
    before = _look(worker)
    while not is_so():
        worker.check()
        assert time.monotonic() < deadline, f"not within {GIVE_UP_S:.0f} s:\n{worker.log_tail()}"
        time.sleep(each_s)
        before = _look(worker)
    return before, _look(worker)


def _look(worker: Worker) -> Look:
    worker.check()
    return Look(time.monotonic(), cpu_seconds(worker.process.pid))
