"""The summary: what came out, counted and compared, as one value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from demo.check import Findings
from demo.flow import FlowResult
from demo.story import Story
from schemas.alert import URGENCY, AlertV1, decode_alert
from streams.board.ledger import GRAVE
from streams.readback.state import newest_revisions

FIRST = 5
"""So many customers are named as the first to call."""


class OpenAlert(msgspec.Struct, frozen=True):
    """One open alert of a customer at risk."""

    signal: str
    severity: str
    summary: str
    owner: str
    due_at: str | None
    intervention: str
    clears_when: str


class AtRisk(msgspec.Struct, frozen=True):
    """A customer at risk: spend of a year, and the reasons, the most urgent first."""

    customer_id: str
    stage: str | None
    spend: float
    currency: str
    reasons: tuple[OpenAlert, ...]


class DemoSummary(msgspec.Struct, frozen=True):
    """What `.run/demo-summary.json` holds. `spend_at_risk` by currency; `alerts` counts each alert once."""

    events_posted: int
    events_applied: int
    duplicates: int
    late: int
    dead_lettered: int
    customers: int
    stages: dict[str, int]
    at_risk_now: int
    spend_at_risk: dict[str, float]
    alerts: dict[str, int]
    alerts_total: int
    alerts_equal_replay: bool
    top_at_risk: tuple[AtRisk, ...]
    seconds: float
    events_per_second: float


@dataclass(frozen=True, slots=True)
class DemoEvidence:
    """What was counted and compared."""

    passed: FlowResult
    outcomes: Mapping[str, int]
    alerts: list[AlertV1]
    """The highest revision of each."""
    equal_alerts: Findings
    equal_stages: Findings
    replayed: Mapping[str, Any]


def newest(file: Path) -> list[AlertV1]:
    """The highest revision of each alert in a file of alerts."""
    with file.open("rb") as lines:
        return newest_revisions(map(decode_alert, lines))


def summarize(story: Story, evidence: DemoEvidence, seconds: float) -> DemoSummary:
    """Put together what came out."""
    board, outcomes = evidence.passed.board, evidence.outcomes
    by_signal = Counter(alert.signal for alert in evidence.alerts)
    return DemoSummary(
        events_posted=len(story.events),
        events_applied=outcomes["applied"] + outcomes["applied_late"],
        duplicates=outcomes["duplicate"],
        late=outcomes["late"],
        dead_lettered=outcomes["dead_lettered"],
        customers=board.customers or 0,
        stages={row.stage: row.customers for row in board.stages or ()},
        at_risk_now=board.at_risk or 0,
        spend_at_risk={currency: round(value, 2) for currency, value in (board.spend_at_risk or {}).items()},
        alerts=dict(sorted(by_signal.items())),
        alerts_total=len(evidence.alerts),
        alerts_equal_replay=evidence.equal_alerts.is_equal,
        top_at_risk=tuple(first_to_call(evidence.alerts)),
        seconds=round(seconds, 1),
        events_per_second=round(len(story.events) / evidence.passed.seconds, 1),
    )


def first_to_call(alerts: Iterable[AlertV1]) -> list[AtRisk]:
    """Customers at risk by urgency: the gravest alert, then how many as grave, then what they spend."""
    grave: dict[str, list[AlertV1]] = defaultdict(list)
    for alert in alerts:
        if alert.is_open and alert.polarity == "negative" and alert.severity in GRAVE and alert.stage != "churned":
            grave[alert.customer_id].append(alert)
    ranked = sorted(grave.items(), key=lambda item: (_urgency(item[1]), item[0]))
    return [_at_risk(customer_id, reasons) for customer_id, reasons in ranked[:FIRST]]


def _urgency(alerts: list[AlertV1]) -> tuple[int, int, float]:
    gravest = min(URGENCY[alert.severity] for alert in alerts)
    return gravest, -sum(URGENCY[alert.severity] == gravest for alert in alerts), -_spend(alerts)


def _spend(alerts: list[AlertV1]) -> float:
    return max((alert.value_at_risk.amount for alert in alerts if alert.value_at_risk), default=0.0)


def _at_risk(customer_id: str, alerts: list[AlertV1]) -> AtRisk:
    alerts = sorted(alerts, key=lambda alert: (URGENCY[alert.severity], alert.due_at or "9", alert.signal))
    newest_told = max(alerts, key=lambda alert: alert.observed_at)
    return AtRisk(
        customer_id=customer_id,
        stage=newest_told.stage,
        spend=_spend(alerts),
        currency=next((alert.value_at_risk.currency for alert in alerts if alert.value_at_risk), ""),
        reasons=tuple(
            OpenAlert(a.signal, a.severity, a.summary, a.owner, a.due_at, a.intervention, a.clears_when) for a in alerts
        ),
    )


def problems(summary: DemoSummary, evidence: DemoEvidence) -> list[str]:
    """What does not add up; empty when all is well."""
    found = []
    if not evidence.equal_alerts.is_equal:
        found.append(f"alerts differ from replay: {evidence.equal_alerts.text}")
    if not evidence.equal_stages.is_equal:
        found.append(f"changes of stage differ from replay: {evidence.equal_stages.text}")
    counted = summary.events_applied + summary.duplicates + summary.late + summary.dead_lettered
    if counted != summary.events_posted:
        found.append(f"{summary.events_posted:,} events were posted, {counted:,} are accounted for")
    ours = {"customers": summary.customers, "at_risk_now": summary.at_risk_now, "stages": _known(summary.stages)}
    replayed = evidence.replayed
    for name, value in ours.items():
        theirs = _known(replayed[name]) if name == "stages" else replayed[name]
        if value != theirs:
            found.append(f"{name}: the worker says {value}, replay {theirs}")
    return found


def _known(stages: Mapping[str, int]) -> dict[str, int]:
    return {stage: count for stage, count in sorted(stages.items()) if count}
