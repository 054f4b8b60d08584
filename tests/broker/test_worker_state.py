"""What a worker keeps, and what it notices: snapshots at its end, topics made anew, another on the same state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Producer

from schemas.event import FEEDS, LOGIN
from support.arrivals import merged
from support.broker import Broker, topics_of
from support.builders import DAY_MS, HOUR_MS, NOON_MS, event, login
from support.histories import START_MS, Size, history
from support.ledger import Draft, Ledger, draft
from support.pages import total, wait_until_ready
from support.posting import post
from support.program import run
from support.reading import read_topic
from support.waiting import wait_until
from support.workers import RULES_ONLY, Deployment, Worker, deploy, wait_for_lag_zero, workers

NOTICED_WITHIN_S: Final = 60.0
DAYS: Final = 90


def logins(count: int) -> list[Draft]:
    return [draft(login(f"c{number % 20}", NOON_MS + number * 1_000)) for number in range(count)]


def test_nothing_is_read_again_after_sigterm(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=2, catalogue=RULES_ONLY)
    post(deployment, merged(history(Size(2_000, 100, DAYS))))
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0
        assert main.log().count("saved as of epoch 1") >= 4, "a first one each, and one at the end"
        main.start()
        address = wait_until_ready(main)
        post(deployment, merged([login("c00001", START_MS + (DAYS + 1) * DAY_MS)]))
        wait_for_lag_zero(deployment, [main])
        assert total(address, "churn_records_total") == 1 + deployment.partitions, (
            "a login, and in each partition a tick"
        )
        assert total(address, "churn_recorded_events") == 2_001


@contextmanager
def reading_logins(deployment: Deployment) -> Iterator[Worker]:
    Ledger(deployment).post(logins(100))
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        yield main


def make_anew(deployment: Deployment, topic: str) -> None:
    """Delete the topic, create it again, and post more than it ever held."""
    admin = deployment.broker.admin()
    for future in admin.delete_topics([topic]).values():
        future.result(30)
    while topic in topics_of(deployment.broker, deployment.prefix):
        time.sleep(0.05)
    assert run("topics", "create", **deployment.settings).code == 0
    Ledger(deployment).post(logins(300))


@pytest.mark.slow
@pytest.mark.parametrize("is_running", [True, False])
def test_a_topic_made_anew_that_outgrew_the_old_one_stops_the_worker(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_running: bool,  # noqa: FBT001 - a parameter
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=1, catalogue=RULES_ONLY)
    topic = deployment.topics.event(LOGIN)
    with reading_logins(deployment) as main:
        if not is_running:
            assert main.terminate() == 0
        make_anew(deployment, topic)
        if not is_running:
            main.start()
        assert main.process.wait(NOTICED_WITHIN_S) == 1, main.log_tail()
        assert "the topic was deleted and made anew" in main.log_tail()
        assert "CHURN_APP_VERSION" in main.log_tail()
        again = {**deployment.settings, "app_version": "2"}
        assert run("topics", "create", **again).code == 0
    anew = Deployment(broker, prefix, 1, tmp_path, {**deployment.more, "app_version": "2"})
    with workers(anew, "anew") as (worker,):
        worker.start()
        address = wait_until_ready(worker)
        wait_until(lambda: total(address, "churn_recorded_events") == 300, 30, worker.log_tail)


@pytest.mark.slow
@pytest.mark.parametrize("same", ["prefix", "instance_id"])
def test_another_worker_on_the_same_state_is_noticed_within_a_minute(
    broker: Broker, prefix: str, tmp_path: Path, same: str
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=2, catalogue=RULES_ONLY)
    post(deployment, merged(history(Size(2_000, 100, DAYS))))
    more = {"group": f"{prefix}-other"} if same == "prefix" else {}
    other = Deployment(broker, prefix, 2, tmp_path, {**deployment.more, **more})
    first = Worker(deployment, "first", instance="one" if same == "instance_id" else None)
    second = Worker(other, "second", instance="one" if same == "instance_id" else None)
    try:
        first.start()
        wait_for_lag_zero(deployment, [first])
        began = time.monotonic()
        second.start()
        both = (first, second)
        wait_until(lambda: not all(worker.is_running() for worker in both), NOTICED_WITHIN_S, first.log_tail)
        (gone,) = [worker for worker in both if not worker.is_running()]
        print(f"\nthe same {same}: {gone.name} says so after {time.monotonic() - began:.0f} s")
        assert gone.process.wait(10) == 2, gone.log_tail()
        assert "CHURN_INSTANCE_ID" in gone.log_tail()
        (left,) = [worker for worker in both if worker is not gone]
        wait_for_lag_zero(other if left is second else deployment, [left])
    finally:
        first.close()
        second.close()


@pytest.mark.slow
def test_an_open_alert_left_by_an_earlier_owner_is_put_right(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=1, catalogue=RULES_ONLY)
    topic = deployment.topics.alerts_open
    post(deployment, merged(history(Size(2_000, 100, DAYS))))
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0
        main.start()
        wait_until_ready(main)
        told = [(message.key(), message.value()) for message in read_topic(broker.bootstrap, topic)]
        last = dict(told)
        over = next(key for key, value in last.items() if value is None)
        still = next(key for key, value in last.items() if value is not None)
        firing = next(value for key, value in told if key == over and value is not None)
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce(topic, firing, over, 0, headers=[("g", b"1")])
        producer.produce(topic, None, still, 0, headers=[("g", b"1")])
        assert producer.flush(10) == 0
        next_day_ms = START_MS + (DAYS + 1) * DAY_MS + 2 * HOUR_MS
        post(deployment, merged([event(feed, "c00001", next_day_ms) for feed in FEEDS]))

        def is_right() -> bool:
            now = {message.key(): message.value() for message in read_topic(broker.bootstrap, topic)}
            return now[over] is None and now[still] is not None

        wait_until(is_right, 30, main.log_tail)
        assert main.log().count("was left by an earlier owner") >= 1
