"""The summary: what came out, as numbers for programs and as a page for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from demo.check import Findings
from demo.flow import Passed
from demo.story import Story
from schemas.alert import URGENCY, AlertV1, decode_alert
from streams.board.ledger import GRAVE
from streams.snapshot import newest_revisions

FIRST = 5
"""So many customers are named as the first to call."""


class Reason(msgspec.Struct, frozen=True):
    """One open alert of a customer at risk."""

    signal: str
    severity: str
    summary: str
    owner: str
    due_at: str | None


class AtRisk(msgspec.Struct, frozen=True):
    """A customer at risk: spend of a year, and the reasons, the most urgent first."""

    customer_id: str
    stage: str | None
    spend: float
    currency: str
    reasons: tuple[Reason, ...]


class Summary(msgspec.Struct, frozen=True):
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
class Evidence:
    """What was counted and compared."""

    passed: Passed
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


def summarize(story: Story, evidence: Evidence, seconds: float) -> Summary:
    """Put together what came out."""
    board, outcomes = evidence.passed.board, evidence.outcomes
    by_signal = Counter(alert.signal for alert in evidence.alerts)
    return Summary(
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
        reasons=tuple(Reason(a.signal, a.severity, a.summary, a.owner, a.due_at) for a in alerts),
    )


def problems(summary: Summary, evidence: Evidence) -> list[str]:
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


def print_summary(console: Console, story: Story, summary: Summary, evidence: Evidence) -> None:
    """The page for people."""
    base = summary.customers - summary.stages.get("churned", 0)
    money = ", ".join(f"{value:,.0f} {currency} a year" for currency, value in summary.spend_at_risk.items())
    console.print()
    console.print(
        f"[bold white on red] {summary.at_risk_now:,} [/] [bold]customers at risk now[/bold]: "
        f"{summary.at_risk_now / max(base, 1):.1%} of the {base:,} who have not churned, [bold]{money}[/bold]"
    )
    console.print()
    console.print(_tables(story, summary))
    console.print("\n[bold cyan]who first, and why[/]")
    for number, customer in enumerate(summary.top_at_risk, start=1):
        console.print(
            f"{number}. [bold]customer {customer.customer_id}[/], {customer.stage or 'new'}, "
            f"{customer.spend:,.2f} {customer.currency} in a year"
        )
        for reason in customer.reasons:
            due = f", due {reason.due_at[:10]}" if reason.due_at else ""
            told = f"[red]{reason.signal}[/] ({reason.owner}{due}): {reason.summary}"
            console.print(Padding.indent(told, 3))
    console.print("\n[bold cyan]does it add up?[/]")
    for line in _checks(summary, evidence):
        console.print(line)
    feeds = ", ".join(f"{count:,} {feed}" for feed, count in story.counts().items())
    console.print(
        f"\n{summary.events_posted:,} events ({feeds}) of {story.days} days in {summary.seconds:.0f} s; "
        f"{summary.events_per_second:,.0f} events/s through one worker while `replay` ran beside it"
    )


def _tables(story: Story, summary: Summary) -> Table:
    stages = Table("stage", "customers", box=None, pad_edge=False, header_style="bold cyan")
    stages.columns[1].justify = "right"
    for stage, count in summary.stages.items():
        stages.add_row(stage, f"{count:,}")
    alerts = Table(f"alerts in {story.days} days", "", box=None, pad_edge=False, header_style="bold cyan")
    alerts.columns[1].justify = "right"
    for signal, count in sorted(summary.alerts.items(), key=lambda item: -item[1]):
        alerts.add_row(signal, f"{count:,}")
    both = Table.grid(padding=(0, 6))
    both.add_row(stages, alerts)
    return both


def _checks(summary: Summary, evidence: Evidence) -> list[str]:
    def line(*, is_well: bool, text: str) -> str:
        return f"{'[green]yes[/]' if is_well else '[bold red]NO [/]'}  {text}"

    counted = summary.events_applied + summary.duplicates + summary.late + summary.dead_lettered
    return [
        line(
            is_well=counted == summary.events_posted,
            text=f"{summary.events_posted:,} events posted: {summary.events_applied:,} applied, {summary.duplicates} "
            f"duplicates, {summary.late} late, {summary.dead_lettered} dead letters",
        ),
        line(
            is_well=evidence.equal_alerts.is_equal,
            text=f"alerts equal `replay`, id by id: {evidence.replayed['revisions']:,} revisions of "
            f"{summary.alerts_total:,} alerts",
        ),
        line(
            is_well=evidence.equal_stages.is_equal,
            text=f"changes of stage equal `replay`: {evidence.replayed['transitions']:,}",
        ),
    ]
