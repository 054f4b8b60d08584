"""A company starts with months of history: on the first day the model has been judged, and speaks of everybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from models.config import Learning
from models.scoring.snapshots import weekday_of
from schemas.alert import decode_alert
from schemas.instant import from_rfc3339, to_rfc3339
from streams.simulation.population import World, simulate
from support.arrivals import merged
from support.broker import Broker
from support.builders import DAY_MS
from support.histories import write_history
from support.oracles import compare, replay
from support.pages import address_of, total
from support.posting import post
from support.program import command, run
from support.reading import read_topic
from support.waiting import wait_until
from support.workers import Deployment, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 2
WORLD: Final = World(customers=450, days=240, seed=11, start_ms=from_rfc3339("2025-01-01T00:00:00Z"))
WITHIN_S: Final = 120.0


def shown(deployment: Deployment) -> dict[str, Any]:
    done = run("model", "show", "--json", **deployment.settings)
    return json.loads(done.out) if done.code == 0 else {"label_lag_days": None, "version": ""}


@pytest.mark.full("without a broker: property/test_scored_after_backlog; on one")
def test_on_the_first_day_the_model_is_judged_and_speaks_of_everybody(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS)
    events, _ = simulate(WORLD)
    first_day_ms = WORLD.end_ms + DAY_MS
    learner = Worker(deployment, "learner", program=command("learner"))
    try:
        with workers(deployment, "main") as (main,):
            main.start()
            post(deployment, merged(events))
            wait_for_lag_zero(deployment, [main])
            learner.start()
            wait_until(lambda: shown(deployment)["label_lag_days"] in range(14), WITHIN_S, running=[learner])
            found = shown(deployment)
            learned_s = from_rfc3339(found["learned_until"]) / 1000
            name = "churn_model_learned_timestamp_seconds"
            wait_until(lambda: total(address_of(main), name) >= learned_s, WITHIN_S, running=[main])
            assert run("tick", "--at", to_rfc3339(first_day_ms + 2 * DAY_MS // 24), **deployment.settings).code == 0
            wait_until(lambda: bool(churn_risks(deployment)), WITHIN_S, running=[main])
            wait_for_lag_zero(deployment, [main])
            assert learner.terminate() == 0
            assert main.terminate() == 0
    finally:
        learner.close()
    assert found["judged"]["given"] == 0
    assert found["judged"]["worked_out"] > 2_000
    assert found["quality"]["churn"]["log_loss"] < found["quality"]["base_rate"]["log_loss"]
    assert found["calibration"]
    customers = churn_risks(deployment)
    assert len({weekday_of(customer, Learning()) for customer in customers}) > 3, "not only those whose day it is"
    models = tmp_path / "models.jsonl"
    assert run("model", "dump", "--out", str(models), **deployment.settings).code == 0
    until = to_rfc3339(first_day_ms + 2 * DAY_MS // 24)
    file = write_history(events, tmp_path / "events.jsonl")
    expected = replay(file, tmp_path, partitions=PARTITIONS, models=models, until=until)
    findings = compare(deployment, expected)
    assert findings.codes == (0, 0, 0, 0), str(findings)


def churn_risks(deployment: Deployment) -> set[str]:
    """Whose alert of the model stands."""
    alerts = [
        decode_alert(message.value() or b"")
        for message in read_topic(deployment.broker.bootstrap, deployment.topics.alerts)
    ]
    return {alert.customer_id for alert in alerts if alert.signal == "churn_risk"}
