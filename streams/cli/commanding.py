"""What commands about alerts share: who says so, which alert is meant, when it counts, and the receipt."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import click

from models.calendar import Calendar
from schemas.alert import AlertV1
from schemas.command import MOST_OF_NOTE, Command, encode_command
from schemas.envelope import is_customer_id
from schemas.receipt import ReceiptReason, ReceiptV1, encode_receipt
from streams.cli.instant import SECONDS
from streams.errors import EXIT_DONE, EXIT_PROBLEM, SetupError
from streams.kafka.commands import post_command, receipt_of
from streams.readback.state import open_alerts
from streams.settings import Settings
from streams.text.plain import plain
from streams.text.terminal import complain, say, say_json
from streams.text.wording import counted, moment, span, whom

T = TypeVar("T", bound=Callable[..., Any])

LEAST_DIGITS: Final = 6
"""Of an alert's id: with so many, another open alert that begins alike is rare, and is told."""


REASONS: Final[dict[ReceiptReason, str]] = {
    "no_open_alert": "no alert of this id was open any more",
    "too_late": "it came too late to count",
    "already_over": "the snooze is over before it takes effect",
    "erased": "the customer is erased",
    "merged": "the id is an alias of",
    "already_merged": "the id is an alias already, of",
    "circle": "the other id was said to be an alias of this one before",
}
"""What the reason of a refusal means."""


def by_options(command: T) -> T:
    """Who says so, whether to wait for what comes of it, and in which form it is told."""
    command = click.option("--json", "as_json", is_flag=True, help="The command, and its receipt, as on the topics.")(
        command
    )
    command = click.option(
        "--wait", "wait_s", type=SECONDS, metavar="SECONDS", help="Wait so long for the receipt: 30, 5min or 12h."
    )(command)
    return click.option("--by", help="Who says so; without it CHURN_USER.")(command)


def who(settings: Settings, by: str | None) -> str:
    """The name that the command bears. Raises SetupError."""
    name = settings.user if by is None else by.strip()
    if not name:
        raise SetupError("--by", "nobody is named", "Say --by NAME, or set CHURN_USER.")
    if len(name) > 64 or not name.isprintable():
        raise SetupError("--by", f"{name!r} is no name of 1 to 64 characters", "Say a shorter one.")
    return name


def open_alert(settings: Settings, given: str) -> AlertV1:
    """The open alert of an id, or of the beginning of one. Raises SetupError."""
    wanted, remedy = given.strip().lower(), "The open ones with their ids: churn-signals alerts --open --explain."
    if not re.fullmatch(rf"[0-9a-f]{{{LEAST_DIGITS},32}}", wanted):
        value = f"{given!r} is no alert id: 32 hexadecimal digits, or the first {LEAST_DIGITS} and more of them"
        raise SetupError("ALERT_ID", value, remedy)
    found = [alert for alert in open_alerts(settings) if alert.alert_id.startswith(wanted)]
    if not found:
        raise SetupError(f"alert {wanted}", "no alert of this id is open: it is over, or never was", remedy)
    if len(found) > 1:
        raise SetupError(f"alert {wanted}", f"{counted(len(found), 'open alert')} begin so", "Give more of its digits.")
    return found[0]


def named(alert: AlertV1) -> str:
    """An alert in words, by its signal and whom it tells of."""
    return f"{alert.signal} of {whom(alert.customer_id)}"


def name_others(settings: Settings, alert: AlertV1) -> None:
    """Name the other alerts of the same outage: each partition in which the feed is down has one."""
    told = others_of_case(alert, open_alerts(settings)) if alert.is_of_feed else None
    if told is not None:
        complain(told)


def others_of_case(alert: AlertV1, alerts: Iterable[AlertV1]) -> str | None:
    """That other alerts of the same case are to be taken on, too; None where none is."""
    case = [one for one in alerts if one.case_id == alert.case_id and one.is_owed]
    others = sorted(one.alert_id[:8] for one in case if one.alert_id != alert.alert_id)
    if not others:
        return None
    return (
        f"as of the last midnight {counted(len(others), 'more alert')} of the same case, of other partitions, waited "
        f"to be taken on, each by itself: {' '.join(others)}"
    )


def customer_of(given: str, argument: str = "CUSTOMER_ID") -> str:
    """A customer's id as it was given. Raises SetupError, which names the argument, for what is none."""
    if not is_customer_id(given):
        raise SetupError(argument, f"{given!r} is no customer id", "Give 1 to 64 letters, digits and _ . @ -.")
    return given


def new_id() -> str:
    """An id for a command."""
    return uuid.uuid4().hex


def give(settings: Settings, command: Command, about: str, wait_s: float | None, *, as_json: bool) -> int:
    """Post a command, say when it counts, and wait for the receipt if that is wanted. Raises SetupError."""
    check_note(command.note_id)
    first = post_command(settings, command)
    if as_json:
        say_json(encode_command(command))
    else:
        say(plain(f"{about}: posted as {command.id}; {_when(settings, command)}"))
    if wait_s is None:
        return EXIT_DONE
    receipt = receipt_of(settings, command, first, wait_s)
    if receipt is None:
        complain(f"no receipt within {span(round(wait_s * 1000))}: it comes once that midnight is decided")
        return EXIT_PROBLEM
    say_json(encode_receipt(receipt)) if as_json else say(plain(_told(receipt, settings.zone)))
    return EXIT_DONE if receipt.status == "done" else EXIT_PROBLEM


def effective_ms(settings: Settings, at_ms: int) -> int:
    """The midnight from which on it counts what is said at an instant."""
    calendar = Calendar(settings.zone)
    return calendar.start_of(calendar.day_of(at_ms) + 1)


def check_note(note_id: str | None) -> None:
    """Raise SetupError for a note that a worker would refuse, and the whole command with it."""
    if note_id is not None and not 1 <= len(note_id) <= MOST_OF_NOTE:
        value = f"{len(note_id):,} characters, 1 to {MOST_OF_NOTE} are allowed"
        raise SetupError("--note-id", value, "Give the id of the note, not its text.")


def _when(settings: Settings, command: Command) -> str:
    """The midnight behind it, and that it is decided once no event of the day before can come any more."""
    midnight = moment(effective_ms(settings, command.at_ms), settings.zone)
    return f"takes effect at midnight, {midnight}, decided about {span(1000 * settings.disorder_s)} after it"


def _told(receipt: ReceiptV1, zone: str) -> str:
    at = moment(receipt.effective_at, zone)
    if receipt.reason is None:
        return f"done as of {at}"
    whose = f" {receipt.into}" if receipt.reason in ("merged", "already_merged") else ""
    return f"refused as of {at}: {REASONS[receipt.reason]}{whose}"
