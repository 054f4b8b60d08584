"""What the workers publish equals what `replay` prints, however the events arrive and whoever is killed meanwhile.

Each scenario has a name: `pytest tests/chaos/test_equality.py -k merged --full`. With `--full` 100,000 events of 5,000
customers go through 4 topics of 6 partitions, with five kills -9 and a second worker that joins and leaves twice;
without it less, and without the model: one kill in the middle of a boundary in each, more in the two roughest. A kill
counts only if something was redelivered after it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import pytest
from confluent_kafka import Producer

from schemas.event import Event
from support import sliced_worker
from support.arrivals import Arrival, delayed, duplicated, merged, shuffled, topic_after_topic
from support.broker import Broker
from support.crashes import Crashes, Report
from support.histories import FULL, QUICK, history, write_history
from support.oracles import Expected, compare, replay
from support.posting import post, posting
from support.workers import RULES_ONLY, WITH_MODEL, Deployment, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = {False: 4, True: 6}
"""By whether the run is of full size: what a midnight costs, it costs in each."""
SEED: Final = 20

Order = Callable[[list[Event]], list[Arrival]]


@dataclass(frozen=True, slots=True)
class Past:
    """A history and what the oracle makes of it in so many partitions, by a catalogue."""

    events: list[Event]
    partitions: int
    catalogue: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class Scenario:
    """In which order the events come; `is_live`: while two workers run, else before one starts."""

    name: str
    order: Order
    is_live: bool = False
    boundaries_from: float = 0.0
    """The share of the events before which no boundary can pass."""
    is_like_another: bool = False
    """Whether another scenario shows it as well: only with `--full`."""
    is_rough: bool = False
    """Whether there is a visit and a further kill in the quick size, too."""


def _topics(*feeds: str) -> Order:
    return lambda events: topic_after_topic(events, feeds)


SCENARIOS: Final = (
    Scenario("merged", merged, is_rough=True),
    Scenario("topic-after-topic-as-listed", _topics("purchase", "login", "ticket", "email"), is_like_another=True),
    Scenario(
        "topic-after-topic-backwards",
        _topics("email", "ticket", "login", "purchase"),
        is_live=True,
        boundaries_from=0.7,
        is_like_another=True,
    ),
    Scenario(
        "topic-after-topic-mixed",
        _topics("ticket", "purchase", "email", "login"),
        is_live=True,
        boundaries_from=0.7,
        is_like_another=True,
    ),
    Scenario("duplicates", lambda events: duplicated(events, SEED), is_like_another=True),
    Scenario("live-delayed", lambda events: delayed(events, SEED), is_live=True, is_like_another=True),
    Scenario("live-shuffled", lambda events: shuffled(events, SEED), is_live=True, is_rough=True, is_like_another=True),
)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, is_full: bool) -> Past:  # noqa: FBT001 - a fixture
    """The history of this run and its replay, made once."""
    folder = tmp_path_factory.mktemp("past")
    events = history(FULL if is_full else QUICK)
    file = write_history(events, folder / "events.jsonl")
    catalogue = WITH_MODEL if is_full else RULES_ONLY
    partitions = PARTITIONS[is_full]
    return Past(events, partitions, catalogue, replay(file, folder, partitions=partitions, catalogue=catalogue))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_equality(scenario: Scenario, past: Past, broker: Broker, prefix: str, tmp_path: Path, is_full: bool) -> None:  # noqa: FBT001 - a fixture
    if scenario.is_like_another and not is_full:
        pytest.skip("another order like it is enough for every day: this one with --full")
    started = time.monotonic()
    often = {"commit_interval_s": "0.1"}  # what is committed says how far they are
    deployment = deploy(broker, prefix, tmp_path, partitions=past.partitions, catalogue=past.catalogue, **often)
    arrivals = scenario.order(past.events)
    names = ("main-1", "main-2") if scenario.is_live else ("main-1",)
    mains_of = workers(deployment, *names, program=sliced_worker.PROGRAM)
    with mains_of as mains, workers(deployment, "guest-1", "guest-2", is_static=False) as guests:
        report = _live(scenario, deployment, arrivals, mains, guests, is_full=is_full)
        wait_for_lag_zero(deployment, mains, within_s=240, is_after_kills=True)
        assert [worker.terminate() for worker in mains] == [0] * len(mains)
    findings = compare(deployment, past.expected)
    took = time.monotonic() - started
    print(f"\n{scenario.name}: {len(arrivals)} records, {report}, {took:.0f} s\n{findings}")
    assert findings.codes == (0, 0, 0, 0), str(findings)
    assert len(report.kills) >= (5 if is_full else 1)
    assert all(kill.redelivered for kill in report.kills)
    assert any(kill.is_mid_boundary for kill in report.kills)


def test_the_comparison_fails_when_one_event_is_missing_from_the_replay(
    past: Past, broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=past.partitions, catalogue=RULES_ONLY)
    lives = _some_customers(past.events)
    file = write_history(lives, tmp_path / "some.jsonl")
    expected = replay(file, tmp_path, partitions=past.partitions, catalogue=RULES_ONLY)
    post(deployment, merged(lives))
    with workers(deployment, "main-1") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0
    assert compare(deployment, expected).codes == (0, 0, 0, 0)
    _leave_open(deployment, expected)
    assert compare(deployment, expected).codes == (0, 0, 0, 1)
    (tmp_path / "less").mkdir()
    excluded = _an_event_that_matters(expected)
    less = replay(file, tmp_path / "less", partitions=past.partitions, exclude=excluded, catalogue=RULES_ONLY)
    findings = compare(deployment, less)
    assert findings.alerts.code == 1
    assert findings.states.code == 1
    assert "1 differ, 0 missing, 0 unknown" in findings.states.out


def _leave_open(deployment: Deployment, expected: Expected) -> None:
    """A record among the open alerts that nobody closes."""
    producer = Producer({"bootstrap.servers": deployment.broker.bootstrap})
    alert = expected.alerts.read_bytes().splitlines()[0]
    producer.produce(deployment.topics.alerts_open, alert, b"an alert that never was", partition=0)
    assert producer.flush(10) == 0


def _some_customers(events: list[Event]) -> list[Event]:
    """A tenth: enough for every partition."""
    return [event for event in events if event.customer_id.endswith("3")]


def _an_event_that_matters(expected: Expected) -> str:
    """The id of an event without which an alert would not be."""
    alerts = map(orjson.loads, expected.alerts.read_bytes().splitlines())
    return str(next(alert["evidence"][0] for alert in alerts if alert["signal"] == "unsubscribed"))


def _live(
    scenario: Scenario,
    deployment: Deployment,
    arrivals: list[Arrival],
    mains: list[Worker],
    guests: list[Worker],
    *,
    is_full: bool,
) -> Report:
    """Post, start, kill, join, leave; returns with the workers running and everything posted."""
    trouble = _trouble if is_full else _some_trouble
    crashes = Crashes(deployment, mains, len(arrivals), random.Random(f"{SEED}/{scenario.name}"))
    try:
        if not scenario.is_live:
            post(deployment, arrivals)
        for worker in mains:
            worker.start()
        if not scenario.is_live:
            trouble(crashes, guests, scenario)
        else:
            with posting(deployment, arrivals, per_second=1_500 if is_full else 3_000):
                trouble(crashes, guests, scenario)
    finally:
        crashes.close()
    return crashes.report


def _some_trouble(crashes: Crashes, guests: list[Worker], scenario: Scenario) -> None:
    if scenario.is_rough:
        crashes.join(0.02, guests[0])
        crashes.leave(0.15)
        crashes.kill(0.3)
    crashes.kill_mid_boundary(max(0.4, scenario.boundaries_from))


def _trouble(crashes: Crashes, guests: list[Worker], scenario: Scenario) -> None:
    """Kills and visits, each at a share of the work done."""
    crashes.kill(0.05)
    crashes.join(0.1, guests[0])
    crashes.leave(0.2)
    crashes.kill(0.3)
    crashes.kill(0.4)
    crashes.join(0.5, guests[1])
    crashes.leave(0.6)
    crashes.kill_mid_boundary(max(0.65, scenario.boundaries_from))
    crashes.kill(0.85)
