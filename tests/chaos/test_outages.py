"""A feed that is down in half of the partitions of a real broker comes to what `replay` says, with kill -9."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import orjson
import pytest

from schemas.event import LOGIN, Event
from schemas.instant import from_rfc3339
from schemas.partitioner import partition_of
from streams.simulation.population import World, simulate
from support import sliced_worker
from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS
from support.crashes import Crashes
from support.dispatching import on_topic, place, replayed_digests, wait_until_sent
from support.histories import write_history
from support.oracles import compare, compare_suppressed, replay
from support.posting import posting
from support.program import command
from support.workers import deploy, wait_for_lag_zero, workers

PARTITIONS = 4
OFF, BACK = 45, 50
SEED = 5
PER_SECOND = 1_500
WORLD = World(customers=600, days=75, seed=SEED, start_ms=from_rfc3339("2025-03-01T00:00:00Z"))
CATALOGUE = """\
base: default
model: off
outage: {chance: 0.01, weeks: 3}
"""


def is_lost(event: Event) -> bool:
    """Whether it is a login that nobody posts."""
    day = (event.time_ms - WORLD.start_ms) // DAY_MS
    is_off = event.feed == LOGIN and OFF <= day < BACK
    return is_off and partition_of(event.customer_id.encode(), PARTITIONS) < PARTITIONS // 2


@pytest.mark.full("with all else: test_everything; alone")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_feed_that_is_down_on_a_broker_comes_to_what_replay_says(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
) -> None:
    (catalogue := tmp_path / "catalogue.yaml").write_text(CATALOGUE)
    events = [one for one in simulate(WORLD)[0] if not is_lost(one)]
    file = write_history(events, tmp_path / "events.jsonl")
    expected = replay(file, tmp_path, partitions=PARTITIONS, catalogue=str(catalogue))
    made = tmp_path / "digests.jsonl"
    lists = replayed_digests(file, made, "--partitions", str(PARTITIONS), catalogue=str(catalogue))
    alerts = map(orjson.loads, expected.alerts.read_bytes().splitlines())
    down = Counter(one["status"] for one in alerts if one["customer_id"] == "feed:login")
    assert down == dict.fromkeys(("firing", "updated", "resolved"), PARTITIONS // 2)
    held = Counter(orjson.loads(line)["rule"] for line in expected.suppressed.read_bytes().splitlines())
    assert held["feed_down"] > 5
    assert any(owner == "Platform" for owner, _ in lists)
    before = sum(one.time_ms < WORLD.start_ms + OFF * DAY_MS for one in events) / len(events)
    meanwhile = sum(one.time_ms < WORLD.start_ms + (BACK - 1) * DAY_MS for one in events) / len(events)
    deployment = deploy(
        broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=str(catalogue), commit_interval_s="0.1"
    )
    with (
        workers(deployment, "main-1", program=sliced_worker.PROGRAM) as mains,
        workers(deployment, "dispatcher", is_static=False, program=command("dispatcher")) as (dispatcher,),
    ):
        crashes = Crashes(deployment, mains, len(events), random.Random(SEED))
        try:
            mains[0].start()
            dispatcher.start()
            with posting(deployment, merged(events), per_second=PER_SECOND):  # all at once it may be through too soon
                crashes.kill_mid_boundary(before)
                crashes.kill_mid_boundary(meanwhile)
        finally:
            crashes.close()
        wait_for_lag_zero(deployment, mains, within_s=240, is_after_kills=True)
        wait_until_sent(dispatcher, lambda sent: {*map(place, sent)} >= lists.keys())
        assert mains[0].terminate() == 0
        assert dispatcher.terminate() == 0
    findings, suppressed = compare(deployment, expected), compare_suppressed(deployment, expected)
    print(f"\n{dict(down)}, {dict(held)}, {len(lists)} digests, {crashes.report}\n{findings}{suppressed.out}")
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert suppressed.code == 0, suppressed.out
    assert {place(one): one for one in on_topic(deployment)} == lists
    assert all(one == lists.get(place(one)) for one in on_topic(deployment))
