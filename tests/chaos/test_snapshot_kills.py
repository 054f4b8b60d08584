"""Workers killed at any moment go on from their snapshots: what they publish is what `replay` says, told once."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import msgspec

from support.arrivals import merged
from support.broker import Broker
from support.histories import QUICK, history, write_history
from support.oracles import compare, replay
from support.posting import post
from support.reading import read_topic
from support.workers import RULES_ONLY, Deployment, Positions, deploy, wait_for_lag_zero, workers

PARTITIONS = 4
KILLS = 6


def repeated(deployment: Deployment) -> dict[str, int]:
    """Outputs that stand more than once on their topic, by topic."""
    topics = deployment.topics
    found = {}
    for topic, fields in ((topics.alerts, ("alert_id", "revision")), (topics.stages, ("id",))):
        counts: Counter[tuple[object, ...]] = Counter()
        for message in read_topic(deployment.broker.bootstrap, topic):
            value = msgspec.json.decode(message.value() or b"{}")
            counts[tuple(value[name] for name in fields)] += 1
        found[topic] = sum(count - 1 for count in counts.values())
    return found


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
                time.sleep(0.01)
            time.sleep(dice.random() * 0.5)
            main.kill_9()
            killed_at.append(positions.lag())
        main.start()
        wait_for_lag_zero(deployment, [main])
        print(f"\nkilled with {killed_at} of {len(events)} events not committed; repeated: {repeated(deployment)}")
        assert main.terminate() == 0, main.log_tail()
    findings = compare(deployment, expected)
    assert findings.codes == (0, 0, 0), str(findings)
    assert set(repeated(deployment).values()) == {0}
