"""The broker dies and comes back under load: the worker goes on by itself, or leaves with 70, and counts are exact."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from kafka.cluster import Cluster
from support.broker import Broker, fresh_prefix
from support.counting import Scene
from support.meanwhile import meanwhile

PER_SECOND: Final = 2_000
SESSION_S: Final = 3.0


@contextmanager
def posting(scene: Scene, per_second: int) -> Iterator[None]:
    """Post evenly while the block runs; afterwards everything posted has arrived."""
    with meanwhile(lambda: scene.post(per_second // 10, flush_s=0), every_s=0.1):
        yield
    assert scene.producer.flush(60) == 0


def costs_nothing(scene: Scene, trouble: Callable[[], None]) -> None:
    """Whatever happens to the broker under load: the worker goes on by itself, and counts are exact."""
    scene.post(1_000)
    with scene.worker(session_timeout_s=SESSION_S) as worker:
        scene.wait_for(scene.posted)
        with posting(scene, PER_SECOND):
            trouble()
            time.sleep(2)
        scene.truth = scene.logged()  # a producer may repeat a batch over the loss of a broker: the log is what counts
        scene.wait_for(scene.posted, within_s=60)
        assert not scene.wrong()
        assert worker.poll() is None, "it went on by itself"


@pytest.mark.full("three times, with all that a worker does: test_broker_loss; this one")
def test_a_broker_killed_again_under_load_costs_nothing(
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    def trouble() -> None:
        for _ in range(2):
            time.sleep(1.5)
            cluster.kill()
            time.sleep(1.5)
            cluster.restart()

    costs_nothing(Scene(Broker(cluster.bootstrap), fresh_prefix(), tmp_path), trouble)


@pytest.mark.full("killed three times: test_broker_loss; standing still")
def test_a_broker_that_stands_still_beyond_the_session_costs_nothing(cluster: Cluster, tmp_path: Path) -> None:
    """The member expires and joins again, while frames of the time before are still on their way inside the worker."""

    def trouble() -> None:
        for _ in range(2):
            time.sleep(1.5)
            os.kill(cluster.pid, signal.SIGSTOP)
            time.sleep(SESSION_S + 1.5)
            os.kill(cluster.pid, signal.SIGCONT)

    costs_nothing(Scene(Broker(cluster.bootstrap), fresh_prefix(), tmp_path), trouble)


def test_sigterm_while_the_broker_is_away_ends_within_ten_seconds(cluster: Cluster, tmp_path: Path) -> None:
    scene = Scene(Broker(cluster.bootstrap), fresh_prefix(), tmp_path)
    scene.post(2_000)
    with scene.worker() as worker:
        scene.wait_for(scene.posted)
        scene.post(2_000)
        os.kill(cluster.pid, signal.SIGSTOP)
        try:
            time.sleep(1)
            started = time.monotonic()
            worker.terminate()
            worker.wait(15)
        finally:
            os.kill(cluster.pid, signal.SIGCONT)
        assert time.monotonic() - started < 10
