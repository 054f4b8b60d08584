"""`churn-signals outcome ALERT_ID kept|lost|false_alarm`: what came of an alert."""

from __future__ import annotations

from typing import get_args

import click

from schemas.command import AlertOutcome, Command
from streams.cli.commanding import by_options, give, named, new_id, open_alert, who
from streams.clock import now_ms
from streams.settings import environment_settings

EXAMPLES = """\b
Examples:
  churn-signals outcome 3f2a9c0b kept --by Ann
  churn-signals outcome 3f2a9c0b false_alarm --by Ann --note-id case-4711
"""


@click.command(epilog=EXAMPLES)
@click.argument("alert_id")
@click.argument("result", metavar="|".join(get_args(AlertOutcome)), type=click.Choice(get_args(AlertOutcome)))
@click.option("--note-id", help="The id of a note kept elsewhere, such as in the CRM.")
@by_options
def outcome(
    *, alert_id: str, result: AlertOutcome, note_id: str | None, by: str | None, wait_s: float | None, as_json: bool
) -> int:
    """Say what came of an open alert: the customer was kept, or lost, or there had been nothing to it.

    Whoever says so has taken the alert on as well; the last word counts. ALERT_ID may be the beginning of one.
    """
    settings = environment_settings()
    name, alert = who(settings, by), open_alert(settings, alert_id)
    command = Command(new_id(), "outcome", alert.customer_id, now_ms(), name, alert.alert_id, result, note_id)
    about = f"{name} says of {named(alert)}: {result.replace('_', ' ')}"
    return give(settings, command, about, wait_s, as_json=as_json)
