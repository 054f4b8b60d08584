"""Retention of the inputs that a restart needs, and what is said where it is too short."""

from __future__ import annotations

import pytest

from schemas.topics import DAY_MS
from streams.diagnosis.diagnosis import look_at_compaction
from streams.kafka.preflight import Finding, refuse_short_retention
from streams.settings import Settings

LOGINS, TICKS = "churn.events.login", "churn.ticks"


def findings(topic: str, days: float, lateness_days: int = 7, policy: str = "delete") -> list[Finding]:
    configs = {topic: {"retention.ms": str(int(days * DAY_MS)), "cleanup.policy": policy}}
    return list(refuse_short_retention(Settings(lateness_days=lateness_days), configs))


@pytest.mark.parametrize(("days", "lateness_days"), [(8, 7), (1, 0), (3, 2), (8, 30)])
def test_events_that_a_restart_needs_and_kafka_deletes_are_named(days: float, lateness_days: int) -> None:
    (found,) = findings(LOGINS, days, lateness_days)
    assert found.thing == f"retention.ms of topic {LOGINS}"
    assert found.value.startswith(str(days * DAY_MS))
    assert f"CHURN_LATENESS_DAYS is {lateness_days}" in found.value
    assert found.remedy.endswith(f"to -1 (for ever) or above {(1 + lateness_days) * DAY_MS}.")


def test_longer_ones_are_well() -> None:
    assert findings(LOGINS, 8.1) == []
    assert findings(LOGINS, -1 / DAY_MS) == []
    assert findings(LOGINS, 1, policy="compact") == []


def test_a_topic_that_is_compacted_late_is_named_as_what_is_erased_lies_there_for_long() -> None:
    never = {name: {"max.compaction.lag.ms": str(2**63 - 1)} for name in ("churn.alerts", "churn.events.login")}
    (found,) = look_at_compaction(Settings(), never)
    assert (found.level, "churn.alerts: " in found.text, "86400000" in found.text) == ("warning", True, True)
    assert list(look_at_compaction(Settings(), {"churn.alerts": {"max.compaction.lag.ms": "3600000"}})) == []


def test_the_clock_needs_a_day() -> None:
    assert findings(TICKS, 7, lateness_days=30) == []
    (found,) = findings(TICKS, 1)
    assert "LATENESS" not in found.value


def test_outputs_may_be_cut_when_they_like() -> None:
    assert findings("churn.alerts", 0.1) == []
