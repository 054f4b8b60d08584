"""The product itself: real workers over a backlog, watched from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.measuring import Page, SystemRun, cpu_seconds, resident_bytes
from kafka.cluster import free_port
from support.broker import Broker, delete_topics, fresh_prefix
from support.workers import Deployment, Positions, Worker, deploy

GIVE_UP_S: Final = 1_800.0
PATIENT_S: Final = 30
"""Session timeout of workers that are held while their backlog is posted: they must stay members of the group.

Faust takes no more."""


class Look(NamedTuple):
    """When we looked at workers, and what CPU time they had used by then."""

    at: float
    cpu_s: float


@contextmanager
def deployed(broker: Broker, folder: Path, partitions: int, **settings: str) -> Iterator[Deployment]:
    """Topics of their own for one run."""
    prefix = fresh_prefix()
    try:
        yield deploy(broker, prefix, folder, partitions=partitions, **settings)
    finally:
        delete_topics(broker, prefix)


@contextmanager
def running(deployment: Deployment, name: str = "worker") -> Iterator[tuple[Worker, Page]]:
    """A worker for as long as the block runs, and its page."""
    port = free_port()
    worker = Worker(replace(deployment, more={**deployment.more, "metrics_port": str(port)}), name)
    worker.start()
    try:
        yield worker, Page(port)
        assert worker.terminate() == 0, worker.log_tail()
    finally:
        worker.close()


def patient(deployment: Deployment) -> Deployment:
    """The same, for workers that are to be held."""
    return replace(deployment, more={**deployment.more, "session_timeout_s": str(PATIENT_S)})


def run_product(deployment: Deployment, post: Callable[[], None], events: int, workers: int = 1) -> SystemRun:
    """Workers that own their partitions are held, a backlog is posted, they go on; until everything is committed.

    So any number of workers begins at the same moment, restored and balanced, and the posting costs them nothing.
    """
    positions = Positions(deployment)
    with ExitStack() as stack:
        started = [stack.enter_context(running(patient(deployment), f"worker-{number}")) for number in range(workers)]
        fleet, pages = [worker for worker, _ in started], [page for _, page in started]
        until(fleet, lambda: _is_balanced(pages, deployment.partitions))
        begun, done = work_off(fleet, pages, positions, post, events)
        resident, peak = (sum(resident_bytes(w.process.pid, field) for w in fleet) for field in ("VmRSS", "VmHWM"))
        return SystemRun(done.at - begun.at, done.cpu_s - begun.cpu_s, resident, peak)


def work_off(
    fleet: Sequence[Worker], pages: Sequence[Page], positions: Positions, post: Callable[[], None], events: int
) -> tuple[Look, Look]:
    """Hold workers that are ready while a backlog is posted: the looks when they go on and when nothing is left."""
    with _held(fleet):
        post()
    begun = _look(fleet)
    _, done = until(fleet, lambda: is_worked_off(pages, positions, events), each_s=0.1)
    return begun, done


def is_worked_off(pages: Sequence[Page], positions: Positions, events: int) -> bool:
    """Whether so many events are committed and nobody waits for a review."""
    is_taken = sum(positions.committed().values()) >= events
    return is_taken and not any(page.total("churn_reviews_waiting") for page in pages)


def _is_balanced(pages: Sequence[Page], partitions: int) -> bool:
    """Whether all are ready and own an equal share."""
    owned = [page.total("churn_assigned_partitions") for page in pages]
    is_shared = sum(owned) == partitions and min(owned) >= partitions // len(pages)
    return is_shared and all(page.is_well("/readyz") for page in pages)


@contextmanager
def _held(fleet: Sequence[Worker]) -> Iterator[None]:
    for worker in fleet:
        worker.pause()
    try:
        yield
    finally:
        for worker in fleet:
            worker.resume()


def until(
    fleet: Sequence[Worker], is_so: Callable[[], bool], each_s: float = 0.02, within_s: float = GIVE_UP_S
) -> tuple[Look, Look]:
    """Wait for something; the last look that began before it was so, and the first that ended after."""
    deadline = time.monotonic() + within_s
    before = _look(fleet)
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s:\n{fleet[0].log_tail()}"
        time.sleep(each_s)
        before = _look(fleet)
    return before, _look(fleet)


def _look(fleet: Sequence[Worker]) -> Look:
    for worker in fleet:
        worker.check()
    return Look(time.monotonic(), sum(cpu_seconds(worker.process.pid) for worker in fleet))
