"""`churn-signals opt-in CUSTOMER_ID`: a customer may be told of again."""

from __future__ import annotations

import click

from schemas.command import Command
from streams.cli.commanding import by_options, customer_of, give, new_id, who
from streams.clock import now_ms
from streams.settings import environment_settings

EXAMPLES = """\b
Examples:
  churn-signals opt-in c-42 --by Ann
  churn-signals opt-in c-42 --by crm --note-id request-17 --json
"""


@click.command("opt-in", epilog=EXAMPLES)
@click.argument("customer_id")
@click.option("--note-id", help="The id of a note kept elsewhere, such as in the CRM.")
@by_options
def opt_in(*, customer_id: str, note_id: str | None, by: str | None, wait_s: float | None, as_json: bool) -> int:
    """Let alerts about a customer be sent again, after `opt-out`.

    Those that are still open are sent at the next midnight.
    """
    settings = environment_settings()
    name, customer = who(settings, by), customer_of(customer_id)
    command = Command(new_id(), "opt_in", customer, now_ms(), name, note_id=note_id)
    return give(settings, command, f"{name}: customer {customer} may be told of again", wait_s, as_json=as_json)
