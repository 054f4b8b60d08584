"""Ticks move quiet feeds' clocks, and never cut a backlog short."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Producer

from models.engine.ledger import TICKS
from schemas.event import FEEDS, Event
from schemas.example import LessonV1, ProgressV1, decode_lesson
from schemas.instant import to_rfc3339
from schemas.tick import Tick, encode_tick
from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS
from support.histories import START_MS, Size, history, write_history
from support.oracles import Expected, compare, replay
from support.posting import post, tell_ends
from support.program import run
from support.reading import read_topic
from support.recorded import partitions_of
from support.workers import Deployment, Positions, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
DAYS: Final = 60
AT_MS: Final = START_MS + (DAYS + 45) * DAY_MS
"""Long after the last event: time for silence to be noticed."""


def past() -> list[Event]:
    return history(Size(1_200, 80, DAYS), seed=3)


def replayed(events: list[Event], folder: Path, *, until_ms: int | None = None) -> Expected:
    file = write_history(events, folder / "events.jsonl")
    return replay(file, folder, partitions=PARTITIONS, until="" if until_ms is None else to_rfc3339(until_ms))


def wait_for_ticks(deployment: Deployment, main: Worker) -> None:
    """Wait until all events and one tick a partition are read, and what follows from them is in the changelog."""
    wait_for_lag_zero(deployment, [main])
    deadline = time.monotonic() + 30
    while any(state.ledger.covered[TICKS] < 0 for state in partitions_of(deployment).values()):
        main.check()
        assert time.monotonic() < deadline, "the ticks are not read"
        time.sleep(0.1)


def test_tick_after_the_events_equals_replay_until_that_time(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Posted behind a backlog nobody has read yet: the backlog is read first, then the clock moves."""
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS)
    events = past()
    post(deployment, merged(events))
    assert run("tick", "--at", to_rfc3339(AT_MS), **deployment.settings).code == 0
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_ticks(deployment, main)
        assert main.terminate() == 0
    expected = replayed(events, tmp_path, until_ms=AT_MS)
    findings = compare(deployment, expected)
    assert findings.codes == (0, 0, 0, 0), str(findings)
    (without := tmp_path / "without").mkdir()
    quiet = replayed(events, without)
    assert expected.alerts.read_bytes() != quiet.alerts.read_bytes(), "the tick changes what is told"


@pytest.mark.full("without a broker: property/test_partition_counts; on one")
def test_any_number_of_partitions_decides_the_same_once_the_end_is_told(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    """Nine customers: of twelve partitions some are empty, in others the last events are weeks old."""
    events = history(Size(500, 9, DAYS), seed=5)
    file = write_history(events, tmp_path / "events.jsonl")
    expected = replay(file, tmp_path, partitions=1)
    lessons = set[tuple[bytes, ...]]()
    for partitions in (1, 2, 12, 48) if is_full else (1, 12):
        (folder := tmp_path / str(partitions)).mkdir()
        deployment = deploy(broker, f"{prefix}-{partitions}", folder, partitions=partitions)
        assert run("produce", str(file), **deployment.settings).code == 0
        with workers(deployment, "main") as (main,):
            main.start()
            wait_for_lag_zero(deployment, [main])
            assert main.terminate() == 0
        findings = compare(deployment, expected)
        assert findings.codes == (0, 0, 0, 0), f"{partitions} partitions: {findings}"
        boundaries = {state.boundary for state in partitions_of(deployment).values()}
        assert len(boundaries) == 1, f"{partitions} partitions stand at different boundaries: {boundaries}"
        examples = [record.value() or b"" for record in read_topic(broker.bootstrap, deployment.topics.examples)]
        markers = [decoded for value in examples if isinstance(decoded := decode_lesson(value), ProgressV1)]
        assert {marker.partition for marker in markers} == set(range(partitions)), "the learner waits for one"
        lessons.add(tuple(sorted(value for value in examples if isinstance(decode_lesson(value), LessonV1))))
    assert len(lessons) == 1
    assert lessons.pop()


def test_tick_ahead_of_a_backlog_moves_nothing(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """It names the end offsets and is read first, as its record is stamped before all events: nobody has got there."""
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS)
    events = past()
    post(deployment, merged(events), tells_ends=False)
    ends = Positions(deployment).ends(deployment.topics.events)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for partition in range(PARTITIONS):
        idle = {feed: ends[topic, partition] for feed, topic in zip(FEEDS, deployment.topics.events, strict=True)}
        value = encode_tick(Tick(AT_MS, idle))
        producer.produce(deployment.topics.ticks, value, partition=partition, timestamp=START_MS - DAY_MS)
    assert producer.flush(30) == 0
    tell_ends(deployment, events)
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_ticks(deployment, main)
        assert main.terminate() == 0
    assert all(max(state.watermark.highs) < AT_MS for state in partitions_of(deployment).values())
    findings = compare(deployment, replayed(events, tmp_path))
    assert findings.codes == (0, 0, 0, 0), str(findings)
