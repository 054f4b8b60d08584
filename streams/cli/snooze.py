"""`churn-signals snooze ALERT_ID --until T`: not now."""

from __future__ import annotations

import click

from schemas.command import Command
from streams.cli.commanding import by_options, effective_ms, give, named, new_id, open_alert, who
from streams.cli.instant import UNTIL
from streams.clock import now_ms
from streams.errors import SetupError
from streams.settings import Settings, environment_settings
from streams.text.wording import moment

EXAMPLES = """\b
Examples:
  churn-signals snooze 3f2a9c0b --until 2026-12-15T08:00:00+01:00 --by Ann
  churn-signals snooze 3f2a9c0b --until 7d --by Ann
"""


@click.command(epilog=EXAMPLES)
@click.argument("alert_id")
@click.option(
    "--until",
    "until_ms",
    type=UNTIL,
    required=True,
    metavar="TIME",
    help="7d, 36h or an RFC 3339 time, behind the next midnight.",
)
@click.option("--note-id", help="The id of a note kept elsewhere, such as in the CRM.")
@by_options
def snooze(
    *, alert_id: str, until_ms: int, note_id: str | None, by: str | None, wait_s: float | None, as_json: bool
) -> int:
    """Send nothing more of an open alert, nor of its signal for this customer, until a time.

    It is sent again at the first midnight from then on, if it is still open. ALERT_ID may be the beginning of one.
    """
    settings = environment_settings()
    at_ms = now_ms()
    check_until(settings, until_ms, at_ms)
    name, alert = who(settings, by), open_alert(settings, alert_id)
    command = Command(
        new_id(), "snooze", alert.customer_id, at_ms, name, alert.alert_id, note_id=note_id, until_ms=until_ms
    )
    until = moment(until_ms, settings.zone)
    about = f"{name} snoozes {named(alert)} until {until}"
    return give(settings, command, about, wait_s, as_json=as_json)


def check_until(settings: Settings, until_ms: int, at_ms: int) -> None:
    """Raise SetupError for a time before the snooze would take effect: a worker would refuse it a day later."""
    until = moment(until_ms, settings.zone)
    if until_ms <= at_ms:
        raise SetupError("--until", f"{until} is over", "Name a time that is to come.")
    midnight_ms = effective_ms(settings, at_ms)
    if until_ms <= midnight_ms:
        value = f"{until} is over before it takes effect, at midnight, {moment(midnight_ms, settings.zone)}"
        raise SetupError("--until", value, "Name a later time.")
