"""`churn-signals merge ALIAS CUSTOMER_ID`: two ids are one customer, from the next midnight on."""

from __future__ import annotations

import click

from schemas.command import Command
from schemas.partitioner import partition_of
from streams.cli.commanding import by_options, check_note, customer_of, give, new_id, who
from streams.clock import now_ms
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.readback.state import read_partitions
from streams.settings import Settings, environment_settings
from streams.text.plain import plain
from streams.text.terminal import complain

EXAMPLES = """\b
Examples:
  churn-signals merge visitor-7f3a c-42 --by Ann
  churn-signals merge old-account-9 c-42 --by crm --note-id case-17 --wait 90000
  churn-signals merge visitor-7f3a c-42 --by crm --yes --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("alias")
@click.argument("customer_id")
@click.option("--note-id", help="The id of a note kept elsewhere, such as of the case in the CRM.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@by_options
def merge(
    *,
    alias: str,
    customer_id: str,
    note_id: str | None,
    is_sure: bool,
    by: str | None,
    wait_s: float | None,
    as_json: bool,
) -> int:
    """Let ALIAS be another id of CUSTOMER_ID, for ever, from the next midnight on.

    What is known of the alias is added to the customer, who is judged by all of it from the midnight behind that on
    (`customer` shows it then); what is posted under the alias later is the customer's. Open alerts of the alias end.
    It cannot be undone. Unless --yes says that it is sure, it looks first whether anything is known of both.
    """
    settings = environment_settings()
    name, known, customer = who(settings, by), customer_of(alias, "ALIAS"), customer_of(customer_id)
    if known == customer:
        raise SetupError("ALIAS", f"{known} is the customer's own id", "Name another id of the customer.")
    check_note(note_id)
    if not is_sure:
        for one in _strangers(settings, (known, customer)):
            complain(f"no event of {plain(one)} was taken in so far: is the id right?")
        question = f"Let {known} be {customer} for ever? Nothing takes them apart again."
        click.confirm(plain(question), abort=True, err=True)
    command = Command(new_id(), "merge", known, now_ms(), name, note_id=note_id, into=customer)
    return give(settings, command, f"{name}: {known} is {customer}", wait_s, as_json=as_json)


def _strangers(settings: Settings, ids: tuple[str, str]) -> list[str]:
    """Those of whom nothing was taken in."""
    places = {one: partition_of(one.encode(), settings.partitions) for one in ids}
    found = read_partitions(settings, load_rules(settings), {*places.values()})
    strangers = {place: partition.customers.strangers(ids) for place, partition in found.items()}
    return [one for one in ids if one in strangers.get(places[one], ids)]
