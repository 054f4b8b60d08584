"""`churn-signals erase CUSTOMER_ID`: forget a customer, for ever."""

from __future__ import annotations

import re

import click

from schemas.command import Command
from schemas.partitioner import partition_of
from streams.cli.commanding import by_options, check_note, customer_of, give, new_id, who
from streams.clock import now_ms
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.readback.state import read_partitions
from streams.settings import Settings, environment_settings, variable_of
from streams.text.plain import plain
from streams.text.terminal import complain

EXAMPLES = """\b
Examples:
  churn-signals erase c-42 --by Ann
  churn-signals erase c-42 --by Ann --note-id request-17 --wait 90000
  churn-signals erase c-42 --by crm --note-id request-17 --yes --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("customer_id")
@click.option("--note-id", help="The id of a note kept elsewhere, such as of the request; without the customer's id.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@by_options
def erase(
    *, customer_id: str, note_id: str | None, is_sure: bool, by: str | None, wait_s: float | None, as_json: bool
) -> int:
    """Forget a customer for ever, from the next midnight on; it cannot be undone.

    Open alerts end, and everything that is known of the customer goes: from the state, its snapshots, and the topics
    of the product. A salted hash of the id stays on a block-list, so that whatever is posted of the customer later
    counts for nothing. What is left for you to do, in the event topics above all, is in the runbook (deploy/handbook).
    """
    settings = environment_settings()
    name, customer = who(settings, by), customer_of(customer_id)
    _check_salt(settings)
    check_note(note_id)
    _check_nameless(note_id, customer)
    told = _told_of(settings, customer)
    if told is not None:
        complain(plain(told))
    if not is_sure:
        question = f"Forget customer {customer} for ever? Nothing brings back what is known, nor the customer."
        click.confirm(plain(question), abort=True, err=True)
    command = Command(new_id(), "erase", customer, now_ms(), name, note_id=note_id)
    return give(settings, command, f"{name}: customer {customer} is forgotten", wait_s, as_json=as_json)


def _told_of(settings: Settings, customer_id: str) -> str | None:
    """What to know before: that nothing is known of the customer, which may be a slip; None where something is."""
    place = partition_of(customer_id.encode(), settings.partitions)
    partition = read_partitions(settings, load_rules(settings), [place]).get(place)
    if partition is not None and partition.customers.erased.is_erased(customer_id):
        return f"customer {customer_id} was erased before"
    if partition is None or partition.customers.roster.row_of(customer_id) is None:
        return (
            f"customer {customer_id} is not known here, and is kept out from then on all the same. Ids are told apart "
            "by every letter; of ids that a mapping hashed `mapping try FILE:MAPPING --ids ids.csv` says which is whose"
        )
    return None


def _check_nameless(note_id: str | None, customer: str) -> None:
    """Raise SetupError for a note that names the customer: it stays, in the receipt."""
    if note_id is not None and re.search(rf"(?<![A-Za-z0-9]){re.escape(customer)}(?![A-Za-z0-9])", note_id):
        value = f"{note_id!r} names the customer, and stays in the receipt"
        raise SetupError("--note-id", value, "Give the id of the request, without the customer's.")


def _check_salt(settings: Settings) -> None:
    """Raise SetupError without a salt of the deployment's own: it cannot be changed once somebody was erased."""
    if settings.erasure_salt is None:
        raise SetupError(
            variable_of("erasure_salt"),
            "not set, so that whoever guesses an id could find it among those erased",
            f"Set it, or {variable_of('erasure_salt_file')}, to a secret of your own for workers, learner and commands "
            "alike, and keep it: it cannot be changed once somebody was erased.",
        )
