"""What is lost must be seen: input deleted before it was read, a topic made anew, a dead-letter topic that is gone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import TopicPartition

from models.engine.ledger import COMMANDS
from schemas.command import Command, encode_command
from schemas.event import LOGIN
from support.arrivals import Arrival, merged
from support.broker import Broker, topics_of
from support.builders import NOON_MS, login
from support.histories import START_MS, Size, history, write_history
from support.ledger import Draft, Ledger, draft
from support.letters import check_letters
from support.oracles import compare, replay
from support.pages import total, wait_until_ready
from support.posting import post
from support.program import run
from support.recorded import outcomes_of
from support.waiting import wait_until
from support.workers import Deployment, Positions, deploy, wait_for_lag_zero, workers

ENDS_WITHIN_S: Final = 40.0
BACKLOG: Final = Size(12_000, 300, 120)


def logins(first: int, count: int) -> list[Draft]:
    return [draft(login(f"c{number % 20}", NOON_MS + number * 1_000)) for number in range(first, first + count)]


def delete_before(broker: Broker, topic: str, partition: int, offset: int) -> None:
    """Delete what lies before an offset, as retention does."""
    admin = broker.admin()  # kept by name: one that is collected cancels its calls
    for future in admin.delete_records([TopicPartition(topic, partition, offset)]).values():
        future.result(30)


def read_everything(deployment: Deployment) -> None:
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0


@pytest.mark.slow
def test_records_deleted_before_they_were_read_are_counted_as_lost(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=1)
    topic = deployment.topics.event(LOGIN)
    ledger = Ledger(deployment)
    ledger.post(logins(0, 100))
    read_everything(deployment)
    ledger.post(logins(100, 50))
    delete_before(broker, topic, 0, 130)
    with workers(deployment, "main") as (main,):
        main.start()
        address = wait_until_ready(main)
        wait_for_lag_zero(deployment, [main])
        assert total(address, "churn_events_lost_total") == 30
        assert "30 records were deleted before they were read" in main.log()
        assert main.terminate() == 0
    assert outcomes_of(deployment)[topic]["applied"] == 120


@pytest.mark.slow
def test_boundaries_are_passed_again_though_what_lay_before_them_was_deleted(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    """Killed in a backlog, before a snapshot: a boundary was passed behind commands that nobody can read any more."""
    deployment = deploy(broker, prefix, tmp_path, partitions=1)
    events = history(BACKLOG)
    said = [
        Command(f"about-nobody-{number}", "opt_in", f"nobody-{number}", START_MS + number, "Ann") for number in range(5)
    ]
    commands = [Arrival(COMMANDS, one.customer_id.encode(), encode_command(one), one.at_ms) for one in said]
    post(deployment, [*commands, *merged(events)])
    with workers(deployment, "main") as (main,):
        main.start()
        positions, alerts = Positions(deployment), (deployment.topics.alerts,)
        wait_until(lambda: positions.ends(alerts)[alerts[0], 0] > 0, 60, running=[main], every_s=0.02)
        main.kill_9()
        delete_before(broker, deployment.topics.commands, 0, len(commands))
        main.start()
        address = wait_until_ready(main)
        wait_until(lambda: total(address, "churn_recorded_events") >= BACKLOG.events, 60, running=[main])
        wait_until(lambda: total(address, "churn_reviews_waiting") == 0, 60, running=[main])
        assert total(address, "churn_events_lost_total") == len(commands)
        assert f"{len(commands)} records were deleted before they were read" in main.log()
        assert main.terminate() == 0
    findings = compare(deployment, replay(write_history(events, tmp_path / "events.jsonl"), tmp_path, partitions=1))
    assert findings.codes == (0, 0, 0, 0), str(findings)


@pytest.mark.slow
def test_a_topic_made_anew_stops_the_worker(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Its offsets begin again at 0, where the partition has been before: all of it would look like redeliveries."""
    deployment = deploy(broker, prefix, tmp_path, partitions=1)
    topic = deployment.topics.event(LOGIN)
    Ledger(deployment).post(logins(0, 100))
    read_everything(deployment)
    admin = broker.admin()
    for future in admin.delete_topics([topic]).values():
        future.result(30)
    while topic in topics_of(broker, prefix):
        time.sleep(0.05)
    assert run("topics", "create", **deployment.settings).code == 0
    Ledger(deployment).post(logins(1_000, 40))
    with workers(deployment, "main") as (main,):
        main.start()
        assert main.process.wait(ENDS_WITHIN_S) == 1, main.log_tail()
        assert topic in main.log_tail()
        assert "CHURN_APP_VERSION" in main.log_tail()
    assert outcomes_of(deployment)[topic]["applied"] == 100


@pytest.mark.full("waits half a minute for clients that look for a topic")
@pytest.mark.slow
def test_without_the_dead_letter_topic_nothing_is_committed_past_a_bad_record(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=1)
    topic, dead_letters = deployment.topics.event(LOGIN), deployment.topics.dead_letters
    ledger = Ledger(deployment)
    ledger.post(logins(0, 20))
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        admin = broker.admin()
        for future in admin.delete_topics([dead_letters]).values():
            future.result(30)
        ledger.post([Draft(LOGIN, b"c1", b"{", NOON_MS, [], "not_json"), *logins(100, 20)])
        assert main.process.wait(ENDS_WITHIN_S) == 1, main.log_tail()
        assert f"could not deliver to {dead_letters}" in main.log_tail()
        assert Positions(deployment).committed()[topic, 0] == 20
        main.start()
        assert main.process.wait(ENDS_WITHIN_S) == 2
        assert f"topic {dead_letters}: missing" in main.log_tail()
        assert run("topics", "create", **deployment.settings).code == 0
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0
    check_letters(deployment, dead_letters, ledger.refused)
    assert outcomes_of(deployment)[topic] == {
        "applied": 40,
        "applied_late": 0,
        "erased": 0,
        "duplicate": 0,
        "late": 0,
        "dead_lettered": 1,
    }
