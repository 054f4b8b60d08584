"""What is owed at a first start: alerts of the last fourteen days, unless CHURN_ALERTS_FROM says otherwise."""

from __future__ import annotations

import logging

import pytest

from models.calendar import DAY_MS
from models.engine.partition import Partition
from schemas.instant import from_rfc3339
from streams.agents.customers import OWED_DAYS, Customers
from streams.agents.models import Shelf
from streams.agents.owned import OwnedPartition
from streams.settings import load_settings
from support.troubled import default_rules

NOW_MS = from_rfc3339("2026-11-29T20:47:12Z")


def customers(**own: str) -> Customers:
    settings = load_settings({f"CHURN_{name.upper()}": value for name, value in own.items()})
    times = iter(range(NOW_MS, NOW_MS + 10_000, 1_000))  # partitions begin one after the other
    return Customers(settings, default_rules(), None, lambda: next(times), Shelf(default_rules()))


def owed_from(partition: Partition) -> int:
    return partition.review.writer.alerts_from_ms


def test_all_partitions_of_a_first_start_owe_alerts_since_one_midnight_two_weeks_before() -> None:
    agent = customers()
    found = {owed_from(agent.new_partition(number)) for number in range(3)}
    assert found == {NOW_MS // DAY_MS * DAY_MS - OWED_DAYS * DAY_MS}


def test_the_setting_says_since_when_alerts_are_owed() -> None:
    agent = customers(alerts_from="2026-03-01T00:00:00Z")
    assert owed_from(agent.new_partition(0)) == from_rfc3339("2026-03-01T00:00:00Z")


def test_a_worker_says_once_since_when_alerts_are_owed_and_how_replay_decides_alike(
    caplog: pytest.LogCaptureFixture,
) -> None:
    agent = customers()
    with caplog.at_level(logging.INFO, "churn"):
        for number in range(3):
            agent.adopt(OwnedPartition(number, agent.new_partition(number)))
    (line,) = (record.getMessage() for record in caplog.records)
    assert "CHURN_ALERTS_FROM=2026-11-15T00:00:00Z" in line
