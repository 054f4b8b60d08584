"""`churn-signals ack ALERT_ID`: somebody takes an alert on."""

from __future__ import annotations

import click

from schemas.command import Command
from streams.cli.commanding import by_options, give, name_others, named, new_id, open_alert, who
from streams.clock import now_ms
from streams.settings import environment_settings

EXAMPLES = """\b
Examples:
  churn-signals ack 3f2a9c0b --by Ann
  CHURN_USER=Ann churn-signals ack 3f2a9c0be1d24c55a7b1c07e5f0d9a12
  churn-signals ack 3f2a9c0b --by crm --note-id case-4711 --wait 30
"""


@click.command(epilog=EXAMPLES)
@click.argument("alert_id")
@click.option("--note-id", help="The id of a note kept elsewhere, such as in the CRM.")
@by_options
def ack(*, alert_id: str, note_id: str | None, by: str | None, wait_s: float | None, as_json: bool) -> int:
    """Take an open alert on: it is not escalated, and no longer past due.

    ALERT_ID may be the beginning of one. It counts from the next midnight on. A feed that is down has an alert in each
    partition: each is taken on by itself.
    """
    settings = environment_settings()
    name, alert = who(settings, by), open_alert(settings, alert_id)
    command = Command(new_id(), "acknowledge", alert.customer_id, now_ms(), name, alert.alert_id, note_id=note_id)
    about = f"{name} takes on {named(alert)}"
    code = give(settings, command, about, wait_s, as_json=as_json)
    name_others(settings, alert)
    return code
