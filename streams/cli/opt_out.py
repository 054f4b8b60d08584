"""`churn-signals opt-out CUSTOMER_ID`: leave her alone."""

from __future__ import annotations

import click

from schemas.command import Command
from streams.cli.commanding import by_options, customer_of, give, new_id, who
from streams.clock import now_ms
from streams.settings import environment_settings

EXAMPLES = """\b
Examples:
  churn-signals opt-out c-42 --by Ann
  churn-signals opt-out c-42 --by crm --note-id request-17 --json
"""


@click.command("opt-out", epilog=EXAMPLES)
@click.argument("customer_id")
@click.option("--note-id", help="The id of a note kept elsewhere, such as in the CRM.")
@by_options
def opt_out(*, customer_id: str, note_id: str | None, by: str | None, wait_s: float | None, as_json: bool) -> int:
    """Leave a customer alone: open alerts end, and nothing is sent until `opt-in`.

    What is decided meanwhile is recorded on the topic of suppressed alerts. It counts from the next midnight on.
    """
    settings = environment_settings()
    name, customer = who(settings, by), customer_of(customer_id)
    command = Command(new_id(), "opt_out", customer, now_ms(), name, note_id=note_id)
    return give(settings, command, f"{name}: customer {customer} is left alone", wait_s, as_json=as_json)
