"""`churn-signals customer ID`: one customer from the changelog: stage, numbers, open alerts and what would end them."""

from __future__ import annotations

from typing import IO, Any

import click
import msgspec
import orjson
from models.customer_record import decode_customer
from models.signals.measures import View
from rich.console import Console
from rich.table import Table

from models.calendar import date_of
from models.measures.course import Course, course
from schemas.alert import AlertV1
from schemas.partitioner import partition_of
from streams.alert_text import STYLES, what_to_do
from streams.catalogue_file import load_rules
from streams.course_plot import draw_course
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.settings import Settings, environment_settings
from streams.snapshot import all_states, open_alerts, partition_state, read_state

EXAMPLES = """\b
Examples:
  churn-signals customer 17850
  churn-signals customer 17850 --json
  churn-signals customer --all states.jsonl
"""


@click.command(epilog=EXAMPLES)
@click.argument("customer_id", required=False)
@click.option(
    "--all", "everybody", type=click.File("wb"), help="Every customer's record, canonical, as `replay --states`."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def customer(*, customer_id: str | None, everybody: IO[bytes] | None, as_json: bool) -> int:
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
    place = partition_of(customer_id.encode(), settings.partitions)
    restored = read_state(settings, [place])[place]
    known, packed = partition_state(restored), restored.records.get(customer_id.encode())
    if known is None or packed is None:
        where = f"{settings.bootstrap}, topics {settings.prefix}.*"
        click.echo(
            f"churn-signals: customer {customer_id} is not known at {where}: no event with this key was processed yet. "
            "Ids are told apart by every letter; another broker is named with CHURN_BOOTSTRAP",
            err=True,
        )
        return EXIT_PROBLEM
    view = View(decode_customer(packed), known.boundary, rules.basis)
    shown = _summary(view, customer_id)
    alerts = _open_alerts(settings, customer_id)
    past = course(view)
    if as_json:
        more = {"alerts": list(map(_alert_shown, alerts)), "engagement": msgspec.to_builtins(past)}
        click.echo(orjson.dumps(shown | more, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(shown, alerts, past)
    return EXIT_DONE


def _summary(view: View, customer_id: str) -> dict[str, Any]:
    """Stage and numbers as of the partition's last boundary."""
    record, boundary, basis = view.customer, view.boundary, view.basis
    read = {
        "first activity": None if view.first_day is None else date_of(view.first_day),
        "days since the last activity": view.scalar("days_since_activity")[0],
        "days since the last purchase": view.scalar("days_since_purchase")[0],
        "purchases": view.scalar("purchases_total")[0],
        f"spend ({basis.currency})": view.scalar("spend_total")[0],
        "spend in 365 days": view.count("spend", 365, 0)[0],
        "usual gap between purchases (days)": view.scalar("median_gap")[0],
        "engagement in 14 days": view.count("engagement", 14, 0)[0],
        "engagement usual in 14 days": view.usual("engagement", 14)[0],
        "engagement trend (four weeks)": view.scalar("slope_change")[0],
        "engagement slope z": view.scalar("slope_z")[0],
        "tickets in 30 days": view.count("tickets", 30, 0)[0],
    }
    return {
        "customer_id": customer_id,
        "as_of": basis.calendar.text_of(boundary) if boundary >= 0 else None,
        "stage": record.stage,
        "stage_since": date_of(record.stage_since) if record.stage else None,
        "at_risk": record.is_at_risk,
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
    console = Console()
    risk = "at risk" if shown["at_risk"] else "not at risk"
    stand = f"{shown['stage']}, {risk} (as of {shown['as_of']})" if shown["stage"] else "not reviewed yet"
    console.print(f"customer {shown['customer_id']}: {stand}")
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
        console.print(f"\n[{style}]{alert.severity}[/{style}] [bold]{alert.signal}[/bold]: {alert.summary}")
        console.print(what_to_do(alert))
    if not alerts:
        console.print("no open alerts")
