"""A worker that is paused until another has taken over, and then writes on: everything is as if nothing had been.

It pauses itself where it hurts, see `support.stopping_worker`. Its outputs may stand twice, in the same bytes. The
table of open alerts, where only the last record of a key counts, is put right by its successor.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from support.arrivals import merged
from support.broker import Broker
from support.histories import SMALL, history, write_history
from support.oracles import Expected, Findings, compare, replay
from support.posting import post
from support.repeats import repeated
from support.stopping_worker import PLACES, Place, program
from support.waiting import wait_until, wait_until_logged
from support.workers import RULES_ONLY, Deployment, Worker, deploy, wait_for_lag_zero

PARTITIONS: Final = 2
SESSION_S: Final = 3.0
STOPS_WITHIN_S: Final = 60.0
PUT_RIGHT_WITHIN_S: Final = 45.0
"""Its successor looks every 10 seconds."""
IN_SHORT: Final = ("sending",)


@pytest.mark.slow
@pytest.mark.parametrize("is_awake_early", [False, True], ids=["after-all-is-done", "while-the-other-works"])
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_paused_until_another_took_over(
    place: Place,
    is_awake_early: bool,  # noqa: FBT001 - a parameter of the test
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    if not is_full and (place not in IN_SHORT or is_awake_early):
        pytest.skip("a pause there: --full")
    started = time.monotonic()
    events = history(SMALL[False])
    expected = replay(
        write_history(events, tmp_path / "history.jsonl"), tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY
    )
    deployment = deploy(
        broker, prefix, tmp_path, partitions=PARTITIONS, session_timeout_s=str(SESSION_S), catalogue=RULES_ONLY
    )
    arrivals = merged(events)
    later = arrivals[len(arrivals) // 2 :] if place == "claiming" else []
    post(deployment, arrivals[: len(arrivals) - len(later)])
    stopped = tmp_path / "stopped"
    paused, heir = Worker(deployment, "paused", program=program(place, stopped)), Worker(deployment, "heir")
    try:
        _start_until_paused(paused, stopped)
        heir.start()
        if is_awake_early:
            wait_until_logged(heir, "partitions in", STOPS_WITHIN_S)
        else:
            wait_for_lag_zero(deployment, [heir])
        paused.resume()
        if later:  # it claims over the head of its successor, who keeps a partition and must claim it anew
            wait_until_logged(heir, "it is taken over anew", STOPS_WITHIN_S)
            post(deployment, later)
        wait_for_lag_zero(deployment, [heir, paused])
        findings = _compared_until_right(deployment, expected, [heir, paused])
        assert [worker.terminate() for worker in (paused, heir)] == [0, 0], paused.log_tail() + heir.log_tail()
    finally:
        paused.close()
        heir.close()
    corrected, took = (heir.log() + paused.log()).count("is put right"), time.monotonic() - started
    print(f"\n{place}: repeated {repeated(deployment)}, {corrected} put right, {took:.0f} s\n{findings}")
    findings = compare(deployment, expected)
    assert findings.codes == (0, 0, 0, 0), str(findings)


def _start_until_paused(worker: Worker, stopped: Path) -> None:
    worker.start()
    wait_until(stopped.exists, STOPS_WITHIN_S, lambda: "it stops", running=[worker], every_s=0.01)


def _compared_until_right(deployment: Deployment, expected: Expected, running: list[Worker]) -> Findings:
    """The comparison, again and again for as long as the table is not put right yet."""
    deadline = time.monotonic() + PUT_RIGHT_WITHIN_S
    while True:
        findings = compare(deployment, expected)
        if findings.codes == (0, 0, 0, 0) or time.monotonic() > deadline:
            return findings
        for worker in running:
            worker.check()
        time.sleep(1.0)
