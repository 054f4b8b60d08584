"""`churn-signals customer ID`: one customer from the changelog: stage, numbers, open alerts and what would end them."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import click
import msgspec
import numpy as np
import orjson

from models.calendar import date_of
from models.catalogue.language import compile_term
from models.catalogue.rules import Rules
from models.customers.columns import STAGE_NAMES
from models.customers.since_boundary import since_boundary
from models.engine.partition import Partition
from models.engine.population import is_at_risk
from models.engine.restatement import restated
from models.engine.verdicts import no_contact_of, waiting_of
from models.measures.as_of import AsOf
from models.measures.course import course
from models.measures.windows import Windows
from schemas.alert import AlertV1
from schemas.envelope import is_customer_id
from schemas.instant import to_rfc3339
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.cli.output import OUTPUT, Output
from streams.clock import now_ms
from streams.console.customer_page import CustomerPage, print_page
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import load_rules
from streams.kafka.connection import connect
from streams.kafka.groups import waiting_records, worker_group
from streams.readback.dead_letters import late_events_of
from streams.readback.state import all_states, ended_alerts, open_alerts, read_partitions
from streams.settings import Settings, environment_settings
from streams.text.plain import plain
from streams.text.terminal import complain, say_json, terminal
from streams.text.wording import counted, moment

EXAMPLES = """\b
Examples:
  churn-signals customer 17850
  churn-signals customer 17850 --explain
  churn-signals customer 17850 --json
  churn-signals customer --all states.jsonl
"""


@click.command(epilog=EXAMPLES)
@click.argument("customer_id", required=False)
@click.option("--all", "everybody", type=OUTPUT, help="Every customer's record, canonical, as `replay --states`.")
@click.option("--explain", is_flag=True, help="The statistics behind it as well: slopes, scores, weights.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the statistics.")
def customer(*, customer_id: str | None, everybody: Output | None, explain: bool, as_json: bool) -> int:
    """One customer: stage, numbers, reasons, open alerts and what would end them; what came since, as today's."""
    settings = environment_settings()
    rules = load_rules(settings)
    if everybody is not None:
        return _write_all(settings, rules, everybody)
    if customer_id is None:
        raise click.UsageError("name a customer, or say --all FILE")
    if not is_customer_id(customer_id):
        reason = f"{customer_id!r} is no customer id: 1 to 64 letters, digits and _ . @ -"
        raise click.BadParameter(reason, param_hint="CUSTOMER_ID")
    return _show(settings, rules, customer_id, explain=explain, as_json=as_json)


def _show(settings: Settings, rules: Rules, customer_id: str, *, explain: bool, as_json: bool) -> int:
    """Show one customer, or say why there is nothing to show."""
    place = partition_of(customer_id.encode(), settings.partitions)
    partition = read_partitions(settings, rules, [place]).get(place)
    row = None if partition is None else partition.customers.roster.row_of(customer_id)
    if partition is not None and (alias := partition.customers.aliases.gone.get(customer_id)) is not None:
        at = moment(rules.basis.calendar.text_of(alias.since), settings.zone)
        complain(
            f"{plain(customer_id)} is an alias of {plain(alias.customer_id)} since {at}: what is known is that "
            f"customer's. See: churn-signals customer {plain(alias.customer_id)}"
        )
        return EXIT_PROBLEM
    late = late_events_of(settings, customer_id)
    if late:
        complain(f"too late, so counted nowhere: {counted(late, 'event')}. See: churn-signals dead-letters list --late")
    if partition is None or row is None:
        if partition is not None and partition.customers.erased.is_erased(customer_id):
            complain(f"customer {plain(customer_id)} was erased: nothing is known, nor will be")
        else:
            _say_unknown(settings, customer_id)
        return EXIT_PROBLEM
    as_of = customers_as_of(partition)
    shown = summary(partition, row, as_of)
    shown["late_events"] = late
    alerts = restated(partition, _open_alerts(settings, customer_id))
    ended = ended_alerts(settings, customer_id)
    past = course(as_of, row)
    if as_json:
        more = {
            "alerts": [_alert_shown(alert) for alert in alerts],
            "ended_alerts": [{key: getattr(one, key) for key in ENDED_SHOWN} for one in ended],
            "engagement": msgspec.to_builtins(past),
        }
        say_json(orjson.dumps(shown | more, option=orjson.OPT_INDENT_2))
    else:
        zone = rules.basis.calendar.zone
        print_page(terminal(), CustomerPage(shown, alerts, ended, past, zone, now_ms(), rules), explain=explain)
    return EXIT_DONE


def _write_all(settings: Settings, rules: Rules, everybody: Output) -> int:
    """Write all customers; says on standard error what is not in them, and when there is nobody."""
    connect(settings)  # says at once when there is no broker
    waiting = waiting_records(settings, worker_group(settings), Topics(settings.prefix).events)
    known = 0
    with everybody:
        for known, state in enumerate(all_states(settings, rules), 1):  # noqa: B007 - the last number is the count
            everybody.write(orjson.dumps(state) + b"\n")
    where = f"{settings.bootstrap}, topics {settings.prefix}.*"
    if waiting:
        complain(f"{counted(waiting, 'event')} at {where} had not been taken yet: what they change is not in the file")
    if not known:
        complain(f"no customer is known at {where}: no event was processed yet. See: churn-signals doctor")
    return EXIT_DONE if known else EXIT_PROBLEM


def _say_unknown(settings: Settings, customer_id: str) -> None:
    where = f"{settings.bootstrap}, topics {settings.prefix}.*"
    complain(
        f"customer {plain(customer_id)} is not known at {where}: no event with this key was processed yet. "
        "Ids are told apart by every letter; of ids that a mapping hashed `mapping try FILE:MAPPING --ids ids.csv` "
        f"says which is whose; another broker is named with CHURN_BOOTSTRAP{_hashed_hint(customer_id)}"
    )


def _hashed_hint(customer_id: str) -> str:
    """Known systems hash addresses, and so do most mappings: who has an address asks for its hash.

    >>> _hashed_hint("c-42"), _hashed_hint(" Ann@Example.org")[-42:]
    ('', ' customer 438c4c7afe600cdf1e455c369bec76dc')
    """
    if "@" not in customer_id:
        return ""
    hashed = sha256(customer_id.strip().lower().encode()).hexdigest()[:32]
    return f". Where a mapping hashed the addresses (`hash: true`), this one is customer {hashed}"


NUMBERS = {
    "days since the last activity": "days_since_activity",
    "days since the last purchase": "days_since_purchase",
    "purchases so far": "purchases_total",
    "spend so far": "spend_total",
    "purchases in the last 365 days": "purchases(365d)",
    "spend in the last 365 days": "spend(365d)",
    "usual gap between purchases (days)": "median_gap",
    "engagement in 14 days": "engagement(14d)",
    "engagement usual in 14 days": "usual(engagement, 14d)",
    "tickets in 30 days": "tickets(30d)",
}
"""What is shown of a customer, and how the catalogue would ask for it."""

STATISTICS = {
    "engagement trend (points a day, four weeks)": "slope_change",
    "z-score of the engagement slope": "slope_z",
}
"""What only those ask for who want to know how it was computed."""


def customers_as_of(partition: Partition) -> AsOf:
    """The customers as of the last boundary, with the windows that are shown."""
    terms = [compile_term(text, {}).term for text in (*NUMBERS.values(), *STATISTICS.values())]
    windows = Windows({window for term in terms for window in term.windows})
    windows.rebuild(partition.customers)
    return AsOf(partition.customers, windows)


def summary(partition: Partition, row: int, as_of: AsOf) -> dict[str, Any]:
    """Stage and numbers as of the partition's last boundary, and what came since; unknown is None."""
    customers, basis, boundary = partition.customers, partition.basis, partition.judged_boundary
    columns, rows = customers.columns, np.array([row], np.int32)
    starts = np.zeros(customers.size, np.int32)
    first_day, stage = int(columns.first_day[row]), int(columns.stage[row])
    is_known = boundary >= 0 and first_day < boundary

    def read(names: dict[str, str]) -> dict[str, Any]:
        return {
            f"{name} ({basis.currency})" if name.startswith("spend") else name: (
                compile_term(text, {}).term.listed(as_of, rows, starts)[0] if is_known else None
            )
            for name, text in names.items()
        }

    return {
        "customer_id": customers.roster.id_of(row),
        "as_of": basis.calendar.text_of(boundary) if boundary >= 0 else None,
        "stage": STAGE_NAMES[stage] if stage else None,
        "stage_since": date_of(int(columns.stage_since[row])) if stage else None,
        "at_risk": bool(is_at_risk(partition)[row]) if is_known else None,
        "do_not_contact": no_contact_of(partition, row),
        "held": [
            {
                "signal": one.signal,
                "severity": one.severity,
                "starts_at": basis.calendar.text_of(one.start),
                "rule": one.rule,
                "passes_at": None if one.passes_ms is None else to_rfc3339(one.passes_ms),
            }
            for one in waiting_of(partition, row)
        ],
        "numbers": {"first activity": date_of(first_day) if is_known else None, **read(NUMBERS)},
        "statistics": read(STATISTICS),
        "since": {date_of(day): counts for day, counts in since_boundary(customers, row).items()},
        "currency": basis.currency,
    }


ENDED_SHOWN = ("alert_id", "signal", "severity", "owner", "starts_at", "ends_at", "ended_because", "summary")
"""What `--json` says of an alert that is over."""


def _open_alerts(settings: Settings, customer_id: str) -> list[AlertV1]:
    return [alert for alert in open_alerts(settings) if alert.customer_id == customer_id]


def _alert_shown(alert: AlertV1) -> dict[str, Any]:
    keys = (
        "signal", "severity", "summary", "owner", "observed_at", "due_at", "historical", "case_id", "intervention",
        "do_not_contact", "clears_when", "value_at_risk", "value_basis", "risk", "spend_last_year",
    )  # fmt: skip
    return {key: msgspec.to_builtins(getattr(alert, key)) for key in keys}
