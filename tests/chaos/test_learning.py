"""Learning through Kafka gives the weights of `backtest`, to the last bit, whoever is killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Self

import pytest
from confluent_kafka import Producer

from schemas.alert import decode_alert
from schemas.event import Event
from schemas.model import CommitteeV1
from schemas.model_version import MODEL_KEY, decode_model_version
from streams.files.catalogue_file import rules_of
from streams.files.history import read_history
from streams.settings import Settings
from support.arrivals import merged
from support.backtested import backtested
from support.broker import Broker
from support.cdnow import some_of_cdnow
from support.histories import write_history
from support.oracles import compare, replay
from support.posting import post
from support.program import command, run
from support.reading import read_topic
from support.waiting import wait_until, wait_until_logged
from support.workers import Deployment, Worker, deploy, follower, wait_for_lag_zero, workers

PARTITIONS: Final = 2
LEARN_WITHIN_S: Final = 90.0
ALL_WITHIN_S: Final = 900.0
"""With a quarter of all customers: what is posted in seconds takes minutes to learn."""
STILL_OPEN: Final = 2
"""Weeks at the end of the data that need not be complete: a partition's last event closes no boundary."""

CATALOGUE: Final = """
base: default
feeds: [purchase]
model: {horizon_days: 90, risk_set_days: 365, anchor: 1997-01-13}
signals: {churn_risk: {when: risk - risk_usual >= 0.04}}
constants: {high_spend: {start: 300, quantile: 0.8, of: spend_total}}
"""
"""Alerts of the model at small provocation: few customers are enough for some, and not for a share of the base. And a
constant that runs by the versions in force."""


class Versions:
    """Follows the topic of models: the dates up to which was learned."""

    def __init__(self, deployment: Deployment) -> None:
        self._consumer = follower(replace(deployment, partitions=1), [deployment.topics.models])
        self._dates: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def dates(self) -> set[str]:
        """The dates published so far."""
        for message in self._consumer.consume(1_000, 0.05):
            if message.key() == MODEL_KEY:
                self._dates.add(decode_model_version(message.value() or b"").learned_until)
        return self._dates

    def are_there(self, many: int) -> bool:
        return len(self.dates()) >= many


def published(deployment: Deployment) -> Iterator[tuple[str, CommitteeV1]]:
    """Every version on the topic, in its order."""
    for message in read_topic(deployment.broker.bootstrap, deployment.topics.models):
        if message.key() == MODEL_KEY:
            version = decode_model_version(message.value() or b"")
            yield version.learned_until, version.committee


@pytest.mark.timeout(2400)
def test_the_weights_are_those_of_backtest_after_kills_of_the_learner(
    broker: Broker,
    prefix: str,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    catalogue = tmp_path / "purchases.yaml"
    catalogue.write_text(CATALOGUE)
    events = list(read_history([some_of_cdnow(4 if is_full else 80, tmp_path)]).decoded())
    within_s = ALL_WITHIN_S if is_full else LEARN_WITHIN_S
    truth = backtested(rules_of(CATALOGUE, Settings()), events)
    assert len(truth) > 50
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=str(catalogue))
    learner = Worker(deployment, "learner", program=command("learner"))
    try:
        with workers(deployment, "main") as (main,), Versions(deployment) as versions:
            main.start()
            learner.start()
            middle = len(events) * 3 // 4
            post(deployment, merged(events[:middle]))
            for number in range(1, 4):
                wait_until(partial(versions.are_there, number * 7), within_s, running=[learner, main], every_s=0.1)
                learner.kill_9()
                learner.start()
            post(deployment, merged(events[middle:]))  # by now there is a model to score with
            wait_for_lag_zero(deployment, [main], within_s=within_s)
            newest = sorted(truth)[-STILL_OPEN - 1]
            wait_until(lambda: newest in versions.dates(), within_s, lambda: f"{newest} is learned", running=[learner])
            assert learner.terminate() == 0
            found = list(published(deployment))
            _poison(deployment, main)
            assert main.terminate() == 0
    finally:
        learner.close()
    dates = {until for until, _ in found}
    assert set(sorted(truth)[:-STILL_OPEN]) <= dates <= set(truth)
    assert [until for until, committee in found if committee != truth[until]] == []
    _check_alerts(deployment, events, tmp_path)


def _poison(deployment: Deployment, main: Worker) -> None:
    """A record that is no model is refused by name, and the worker goes on."""
    assert "a model was refused" not in main.log()
    producer = Producer({"bootstrap.servers": deployment.broker.bootstrap})
    producer.produce(deployment.topics.models, key=MODEL_KEY, value=bytes((1, 0, 0, 0, 9)) + b'{"name": "churn"}')
    assert producer.flush(10) == 0
    wait_until_logged(main, "a model was refused (undecodable", 20)


def _check_alerts(deployment: Deployment, events: list[Event], folder: Path) -> None:
    """The alerts are those of a replay that is told which version each review used; without it some are missing."""
    models = folder / "models.jsonl"
    assert run("model", "dump", "--out", str(models), **deployment.settings).code == 0
    catalogue = deployment.more["catalogue"]
    file = write_history(events, folder / "events.jsonl")
    expected = replay(file, folder, partitions=PARTITIONS, models=models, catalogue=catalogue)
    alerts = [decode_alert(line) for line in expected.alerts.read_bytes().splitlines()]
    assert any(one.signal == "churn_risk" for one in alerts)
    assert {one.threshold for one in alerts if one.signal == "dormant_high_value"} > {300}, "its bound ran"
    findings = compare(deployment, expected)
    assert findings.codes == (0, 0, 0, 0), str(findings)
    blind = replay(file, folder, partitions=PARTITIONS, catalogue=catalogue)
    assert b'"signal":"churn_risk"' not in blind.alerts.read_bytes()
    assert run("model", "show", **deployment.settings).code == 0
