"""Workers killed at any moment go on from their snapshots: what they publish is what `replay` says, told once.

With `--full`: 40 kills of two workers at the live tail, where each midnight has its snapshot, with the model on; every
other kill is followed by one in the middle of the restore.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from streams.transport.snapshots.records import from_key
from support.arrivals import merged
from support.broker import Broker
from support.histories import QUICK, Size, history, write_history
from support.oracles import compare, replay
from support.posting import post, posting
from support.reading import read_topic
from support.repeats import repeated
from support.waiting import wait_until_logged
from support.workers import RULES_ONLY, WITH_MODEL, Deployment, Positions, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
KILLS: Final = 6
MANY: Final = 40
LIVE: Final = Size(50_000, 2_500)
PER_SECOND: Final = 330
STARTS_WITHIN_S: Final = 30.0


@dataclass
class Interrupted:
    """What the kills found under way."""

    kills: int = 0
    restores: int = 0

    def kill(self, worker: Worker) -> None:
        """Kill and start again."""
        self.restores += "partitions in" not in worker.log()
        self.kills += 1
        worker.kill_9()
        worker.start()


def snapshots_left_undone(deployment: Deployment) -> int:
    """Snapshots of which there are pieces but no manifest."""
    pieces: Counter[tuple[object, ...]] = Counter()
    for message in read_topic(deployment.broker.bootstrap, deployment.topics.changelog):
        key = from_key(message.key() or b"")
        if key is not None and key.kind in {"chunk", "manifest"} and message.value() is not None:
            pieces[message.partition(), key.epoch, key.generation] |= 1 if key.kind == "chunk" else 2
    return sum(found == 1 for found in pieces.values())


def test_kill_9_at_random_points_changes_nothing_and_repeats_nothing(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    events = history(QUICK)
    expected = replay(
        write_history(events, tmp_path / "history.jsonl"), tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY
    )
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    post(deployment, merged(events))
    dice, positions = random.Random(5), Positions(deployment)
    with workers(deployment, "main") as (main,):
        killed_at = []
        for _ in range(KILLS):
            main.start()
            before = positions.lag()
            deadline = time.monotonic() + 30
            while positions.lag() == before and before and time.monotonic() < deadline:
                time.sleep(0.03)
            time.sleep(dice.random() * 0.5)
            main.kill_9()
            killed_at.append(positions.lag())
        main.start()
        wait_for_lag_zero(deployment, [main], is_after_kills=True)
        print(f"\nkilled with {killed_at} of {len(events)} events not committed; repeated: {repeated(deployment)}")
        assert main.terminate() == 0, main.log_tail()
    findings = compare(deployment, expected)
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert set(repeated(deployment).values()) == {0}


@pytest.mark.full("takes three minutes")
@pytest.mark.timeout(600)
def test_forty_kills_of_two_workers(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
) -> None:
    events = history(LIVE)
    file = write_history(events, tmp_path / "history.jsonl")
    expected = replay(file, tmp_path, partitions=PARTITIONS, catalogue=WITH_MODEL)
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=WITH_MODEL)
    dice, found = random.Random(9), Interrupted()
    with workers(deployment, "one", "two") as both:
        with posting(deployment, merged(events), per_second=PER_SECOND):
            for worker in both:
                worker.start()
            while found.kills < MANY:
                victim = dice.choice(both)
                wait_until_logged(victim, "partitions in", STARTS_WITHIN_S)
                time.sleep(dice.random() * 2.5)
                found.kill(victim)
                if dice.random() < 0.5:
                    wait_until_logged(victim, "FrameRecovery]: Starting", STARTS_WITHIN_S)
                    time.sleep(dice.random() * 0.4)
                    found.kill(victim)
        wait_for_lag_zero(deployment, both, is_after_kills=True)
        assert [worker.terminate() for worker in both] == [0, 0], "".join(worker.log_tail() for worker in both)
    undone, again = snapshots_left_undone(deployment), repeated(deployment)
    findings = compare(deployment, expected)
    print(
        f"\n{found.kills} kills, {found.restores} in a restore, {undone} snapshots undone, repeated {again}\n{findings}"
    )
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert found.restores > MANY // 10
    assert set(again.values()) == {0}
