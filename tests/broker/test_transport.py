"""The transport against a real broker, with an owner that only counts: order, exactness over crashes, membership."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any, Final

import pytest

from support.broker import Broker
from support.counting import Scene
from support.counting_worker import PARTITION_KEY, STOP_VALUE
from support.program import Process
from support.waiting import wait_until

SLOW: Final[dict[str, Any]] = {"fetch_bytes": 16 << 10, "pause_s": 0.0004}
"""5,000 records a second: time to end a worker in the middle of a backlog."""
JOINED: Final = "Setting newly assigned"
"""What Faust logs once a worker has got its partitions."""


@pytest.fixture
def scene(broker: Broker, prefix: str, tmp_path: Path) -> Scene:
    return Scene(broker, prefix, tmp_path)


def terminated(worker: Process) -> tuple[int, float]:
    """Exit code after SIGTERM, and the seconds it took."""
    started = time.monotonic()
    worker.terminate()
    return worker.wait(15), time.monotonic() - started


def test_a_backlog_is_taken_in_the_same_order_whatever_is_fetched_at_once(scene: Scene) -> None:
    scene.post(40_000)
    chains = []
    for size in (16, 50, 256):
        scene.begin_anew(f"{scene.prefix}.changelog-{size}")
        with scene.worker(group=f"{scene.prefix}-{size}", fetch_bytes=size << 10) as worker:
            scene.wait_for(scene.posted)
            assert terminated(worker)[0] == 0
        chains.append(scene.chains())
    assert chains[0] == chains[1] == chains[2]


def test_a_restart_in_a_backlog_continues_the_same_order(scene: Scene) -> None:
    """The clock of each topic is committed with its offset, else a restart would begin with that of the next record."""
    scene.post(60_000)  # each worker takes a frame or two of 5,000
    with scene.worker():
        scene.wait_for(scene.posted)
    whole = scene.chains()
    scene.begin_anew(f"{scene.prefix}.changelog-2")
    for _ in range(3):
        with scene.worker(group=f"{scene.prefix}-2", **SLOW) as worker:
            scene.wait_for(min(scene.total() + 1_000, scene.posted))
            assert terminated(worker)[0] == 0
    assert scene.total() < scene.posted, "too fast for this test"
    with scene.worker(group=f"{scene.prefix}-2"):
        scene.wait_for(scene.posted)
    assert scene.chains() == whole


def test_kill_9_at_random_points_leaves_the_counts_exact(scene: Scene) -> None:
    scene.post(30_000)
    chance = random.Random(11)
    for _ in range(4):
        with scene.worker(instance_id="w-0", **SLOW):
            scene.wait_for(min(scene.total() + chance.randrange(1, 2_000), scene.posted))
    assert scene.total() < scene.posted, "too fast for this test"
    with scene.worker(instance_id="w-0"):
        scene.wait_for(scene.posted)
        assert not scene.wrong()
    crashed = scene.chains()
    scene.begin_anew(f"{scene.prefix}.changelog-2")
    with scene.worker(group=f"{scene.prefix}-2"):
        scene.wait_for(scene.posted)
    assert scene.chains() == crashed, "the order is a function of the log, whatever crashed"


def has_joined(scene: Scene) -> bool:
    """Whether the worker started last has got its partitions; records are posted while it asks for them."""
    scene.post(500)
    return JOINED in scene.log()


def test_workers_that_join_and_leave_lose_nothing(scene: Scene) -> None:
    with scene.worker() as first:
        scene.post(5_000)
        for _ in range(2):
            with scene.worker() as second:
                wait_until(lambda: has_joined(scene), 60, scene.log)
                for _ in range(5):
                    scene.post(1_000)
                    time.sleep(0.1)
                assert terminated(second)[0] == 0, scene.log()
            scene.post(3_000)
        scene.wait_for(scene.posted)
        assert not scene.wrong()
        assert terminated(first)[0] == 0


def test_a_worker_that_was_paused_beyond_its_session_resumes_exactly(scene: Scene) -> None:
    """It comes back two generations later: its memory must not be believed, and what it still writes must not win."""
    with scene.worker(session_timeout_s=3.0) as paused, scene.worker(session_timeout_s=3.0):
        scene.post(6_000)
        scene.wait_for(scene.posted)
        scene.post(4_000)
        paused.send_signal(signal.SIGSTOP)
        scene.post(6_000)
        time.sleep(6)
        paused.send_signal(signal.SIGCONT)
        scene.post(2_000)
        scene.wait_for(scene.posted)
        assert not scene.wrong()


def test_a_record_of_an_earlier_epoch_is_written_over_again(scene: Scene) -> None:
    """Compaction keeps the last record of a key: it must be the owner's, not one a paused worker wrote behind it."""
    scene.post(500)
    with scene.worker() as worker:
        scene.wait_for(scene.posted)
        assert terminated(worker)[0] == 0
    with scene.worker():
        wait_until(lambda: set(scene.epochs().values()) == {2}, 20, lambda: str(scene.epochs()))
        found = scene.restored()[0].records
        changed, deleted = sorted(key for key in found if key != PARTITION_KEY)[:2]
        time.sleep(1)  # until the worker is ready: before that, the restore itself sees what is stale
        scene.producer.produce(scene.changelog, found[changed][:5] + bytes(len(found[changed]) - 5), changed, 0)
        scene.producer.produce(scene.changelog, None, deleted, 0, headers=[("g", bytes(4))])
        scene.producer.flush(10)
        ours = {key: bytes([1, 0, 0, 0, 2]) + found[key][5:] for key in (changed, deleted)}
        wait_until(lambda: scene.last_writes(0).items() >= ours.items(), 20, lambda: "not written over")
        end = scene.restored()[0].end
        time.sleep(1.5)
        assert scene.restored()[0].end == end, "it writes once, not for ever"


def test_sigterm_under_load_ends_within_ten_seconds(scene: Scene) -> None:
    scene.post(60_000)
    with scene.worker(**SLOW) as worker:
        scene.wait_for(2_000)
        code, seconds = terminated(worker)
    assert code == 0
    assert seconds < 10


def test_sigterm_while_restoring_ends_within_ten_seconds(scene: Scene) -> None:
    scene.post(1_000)
    with scene.worker() as worker:
        wait_until(lambda: JOINED in scene.log(), 20, scene.log)
        code, seconds = terminated(worker)
    assert code == 0
    assert seconds < 10


def test_an_owner_that_stops_the_worker_sets_the_exit_code_and_the_frame_is_not_committed(scene: Scene) -> None:
    scene.post(2_000)
    with scene.worker() as worker:
        scene.wait_for(scene.posted)
        scene.producer.produce(scene.topics.event(1), STOP_VALUE, b"c1")
        scene.producer.flush(10)
        assert worker.wait(15) == 3
    with scene.worker() as again:
        assert again.wait(15) == 3, "the record that stopped it comes again"


def test_a_worker_whose_event_loop_hangs_is_ended_with_70(scene: Scene) -> None:
    scene.post(1_000)
    with scene.worker(watchdog_s=3.0, pause_s=1_000.0) as worker:
        assert worker.wait(20) == 70


def test_each_restart_claims_a_higher_epoch(scene: Scene) -> None:
    scene.post(500)
    for epoch in (1, 2):
        with scene.worker(instance_id="w-0") as worker:
            wait_until(lambda: set(scene.epochs().values()) == {epoch}, 20, lambda: str(scene.epochs()))  # noqa: B023 - waited for here
            scene.wait_for(scene.posted)
            assert terminated(worker)[0] == 0


def test_a_missing_output_topic_ends_the_worker_with_an_error(scene: Scene) -> None:
    with scene.worker(echo="missing") as worker:
        scene.post(10)
        assert worker.wait(60) == 1
