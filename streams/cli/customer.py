"""`churn-signals customer ID`: one customer from the changelog: stage, numbers, open alerts and what would end them."""

from __future__ import annotations

from typing import Any

import click
import msgspec
import numpy as np
import orjson
from rich.table import Table

from models.calendar import date_of
from models.catalogue.language import compile_term
from models.customers.columns import STAGE_NAMES
from models.engine.partition import Partition
from models.engine.population import is_at_risk
from models.measures.as_of import AsOf
from models.measures.course import Course, course
from models.measures.windows import Windows
from schemas.alert import AlertV1
from schemas.envelope import is_customer_id
from schemas.partitioner import partition_of
from streams.alert_text import STYLES, what_to_do
from streams.catalogue_file import load_rules
from streams.cli.output import OUTPUT, Output
from streams.course_plot import draw_course
from streams.dead_letters import late_events_of
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.plain import plain
from streams.settings import Settings, environment_settings
from streams.snapshot import all_states, open_alerts, read_partitions
from streams.terminal import complain, say_json, styled, terminal
from streams.wording import counted

EXAMPLES = """\b
Examples:
  churn-signals customer 17850
  churn-signals customer 17850 --json
  churn-signals customer --all states.jsonl
"""


@click.command(epilog=EXAMPLES)
@click.argument("customer_id", required=False)
@click.option("--all", "everybody", type=OUTPUT, help="Every customer's record, canonical, as `replay --states`.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def customer(*, customer_id: str | None, everybody: Output | None, as_json: bool) -> int:
    """One customer: stage, numbers, reasons, open alerts and what would end them."""
    settings = environment_settings()
    rules = load_rules(settings)
    if everybody is not None:
        with everybody:
            for state in all_states(settings, rules):
                everybody.write(orjson.dumps(state) + b"\n")
        return EXIT_DONE
    if customer_id is None:
        raise click.UsageError("name a customer, or say --all FILE")
    if not is_customer_id(customer_id):
        reason = f"{customer_id!r} is no customer id: 1 to 64 letters, digits and _ . @ -"
        raise click.BadParameter(reason, param_hint="CUSTOMER_ID")
    place = partition_of(customer_id.encode(), settings.partitions)
    late = late_events_of(settings, customer_id)
    if late:
        complain(f"too late, so counted nowhere: {counted(late, 'event')}. See: churn-signals dead-letters list --late")
    partition = read_partitions(settings, rules, [place]).get(place)
    row = None if partition is None else partition.customers.roster.row_of(customer_id)
    if partition is None or row is None:
        where = f"{settings.bootstrap}, topics {settings.prefix}.*"
        complain(
            f"customer {plain(customer_id)} is not known at {where}: no event with this key was processed yet. "
            "Ids are told apart by every letter; another broker is named with CHURN_BOOTSTRAP"
        )
        return EXIT_PROBLEM
    shown = _summary(partition, row)
    alerts = _open_alerts(settings, customer_id)
    past = course(_as_of(partition), row)
    shown["late_events"] = late
    if as_json:
        more = {"alerts": list(map(_alert_shown, alerts)), "engagement": msgspec.to_builtins(past)}
        say_json(orjson.dumps(shown | more, option=orjson.OPT_INDENT_2))
    else:
        _print(shown, alerts, past)
    return EXIT_DONE


NUMBERS = {
    "days since the last activity": "days_since_activity",
    "days since the last purchase": "days_since_purchase",
    "purchases": "purchases_total",
    "spend": "spend_total",
    "spend in 365 days": "spend(365d)",
    "usual gap between purchases (days)": "median_gap",
    "engagement in 14 days": "engagement(14d)",
    "engagement usual in 14 days": "usual(engagement, 14d)",
    "engagement trend (four weeks)": "slope_change",
    "engagement slope z": "slope_z",
    "tickets in 30 days": "tickets(30d)",
}
"""What is shown of a customer, and how the catalogue would ask for it."""


def _as_of(partition: Partition) -> AsOf:
    """The customers as of the last boundary, with the windows that are shown."""
    terms = [compile_term(text, {}).term for text in NUMBERS.values()]
    windows = Windows({window for term in terms for window in term.windows})
    windows.rebuild(partition.customers)
    return AsOf(partition.customers, windows)


def _summary(partition: Partition, row: int) -> dict[str, Any]:
    """Stage and numbers as of the partition's last boundary."""
    customers, basis, boundary = partition.customers, partition.basis, partition.judged_boundary
    columns, rows, as_of = customers.columns, np.array([row], np.int32), _as_of(partition)
    starts = np.zeros(customers.size, np.int32)
    first_day, stage = int(columns.first_day[row]), int(columns.stage[row])
    read: dict[str, Any] = {"first activity": date_of(first_day) if first_day < boundary else None}
    for name, text in NUMBERS.items():
        shown = f"spend ({basis.currency})" if name == "spend" else name
        read[shown] = compile_term(text, {}).term.listed(as_of, rows, starts)[0]
    return {
        "customer_id": customers.roster.id_of(row),
        "as_of": basis.calendar.text_of(boundary) if boundary >= 0 else None,
        "stage": STAGE_NAMES[stage] if stage else None,
        "stage_since": date_of(int(columns.stage_since[row])) if stage else None,
        "at_risk": bool(is_at_risk(partition)[row]),
        "numbers": read,
    }


def _open_alerts(settings: Settings, customer_id: str) -> list[AlertV1]:
    mine = [alert for alert in open_alerts(settings) if alert.customer_id == customer_id]
    return sorted(mine, key=lambda alert: alert.observed_at)


def _alert_shown(alert: AlertV1) -> dict[str, Any]:
    keys = (
        "signal",
        "severity",
        "summary",
        "owner",
        "due_at",
        "intervention",
        "clears_when",
        "value_at_risk",
        "value_basis",
    )
    return {key: msgspec.to_builtins(getattr(alert, key)) for key in keys}


def _print(shown: dict[str, Any], alerts: list[AlertV1], past: Course | None) -> None:
    console = terminal()
    risk = "at risk" if shown["at_risk"] else "not at risk"
    stand = f"{shown['stage']}, {risk} (as of {shown['as_of']})" if shown["stage"] else "not reviewed yet"
    console.print(styled(f"customer {shown['customer_id']}: {stand}"))
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in shown["numbers"].items():
        text = "unknown" if value is None else f"{value:,.2f}" if isinstance(value, float) else str(value)
        table.add_row(name, text)
    console.print(table)
    if past is not None:
        console.print()
        console.print(draw_course(past), no_wrap=True, overflow="crop")
    for alert in alerts:
        style = STYLES[alert.severity]
        console.print()
        console.print(styled((alert.severity, style), " ", (alert.signal, "bold"), f": {alert.summary}"))
        console.print(what_to_do(alert))
    if not alerts:
        console.print("no open alerts")
