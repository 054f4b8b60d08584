"""The broker is killed and comes back three times under load: records and alerts are those of the replay all the same.

The worker either goes on by itself, or the watchdog ends it with 70 and its restart, by whatever runs it, recovers.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from kafka.cluster import Cluster
from streams.transport.watchdog import STUCK
from support.arrivals import Arrival, merged
from support.broker import Broker, fresh_prefix
from support.histories import Size, history, write_history
from support.meanwhile import meanwhile
from support.oracles import compare, replay
from support.pages import address_of, total
from support.posting import posting
from support.waiting import wait_until
from support.workers import RULES_ONLY, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
SIZES: Final = {False: (Size(4_500, 300, 120), 400.0), True: (Size(60_000, 3_000, 180), 1_000.0)}
"""How much history, and how many events of it a second."""
AWAY_S: Final = {False: (0.0, 1.0, 2.0), True: (1.0, 10.0, 20.0)}
"""How long the broker stays away each time."""
RECOVERS_WITHIN_S: Final = 90.0


class Keeper:
    """Runs a worker as an orchestrator would: when it leaves with 70, it is started again."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.restarts = 0

    def look(self) -> None:
        """Start the worker again when the watchdog has ended it; any other end is a failure."""
        if not self.worker.is_running():
            assert self.worker.process.returncode == STUCK, self.worker.log_tail()
            self.worker.start()
            self.restarts += 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_broker_killed_three_times_under_load_leaves_records_and_alerts_exact(
    cluster: Cluster,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    broker = Broker(cluster.bootstrap)
    deployment = deploy(broker, fresh_prefix(), tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    size, per_second = SIZES[is_full]
    events = history(size)
    resumed = []
    with workers(deployment, "main") as (main,):
        keeper = Keeper(main)
        main.start()
        for number, part in enumerate(parts := in_parts(merged(events), len(AWAY_S[is_full]))):
            done = sum(map(len, parts[:number]))
            with meanwhile(keeper.look, every_s=0.5), posting(deployment, part, per_second=per_second):
                wait_until_processed(keeper, done + 100)
                cluster.kill()
                time.sleep(AWAY_S[is_full][number])
                cluster.restart()
                started = time.monotonic()
                wait_until_processed(keeper, done + len(part))
                resumed.append(time.monotonic() - started)
        with meanwhile(keeper.look, every_s=0.5):
            wait_for_lag_zero(deployment, [], within_s=RECOVERS_WITHIN_S)
        assert main.terminate() == 0
    file = write_history(events, tmp_path / "events.jsonl")
    findings = compare(deployment, replay(file, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY))
    waited = ", ".join(f"{seconds:.1f}" for seconds in resumed)
    print(
        f"\nall that was posted read {waited} s after the broker was back, {keeper.restarts} restarts by 70\n{findings}"
    )
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert len(resumed) == 3


def in_parts(arrivals: list[Arrival], count: int) -> list[list[Arrival]]:
    """The same in so many parts of nearly equal length."""
    return [arrivals[at * len(arrivals) // count : (at + 1) * len(arrivals) // count] for at in range(count)]


def wait_until_processed(keeper: Keeper, records: int) -> None:
    """Wait until so many records are processed, by the worker's own count, which survives restarts."""

    def told() -> str:
        return f"{processed(keeper):.0f} of {records} processed\n{keeper.worker.log_tail()}"

    wait_until(lambda: processed(keeper) >= records, RECOVERS_WITHIN_S, told, every_s=0.1)


def processed(keeper: Keeper) -> float:
    """Distinct offsets in the partition records; -1 while the worker is starting."""
    try:
        return total(address_of(keeper.worker), "churn_recorded_events")
    except (AssertionError, OSError):
        return -1.0
