"""Answers: what people said about alerts, decided at the boundary at which it takes effect, in the order of (at, id).

A command speaks of an alert that was open before that boundary, whether or not it ends there: whoever said it saw it
open. So what comes of it follows from events and commands, not from their arrival.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from models.alerts.episode import HELD_OUT, NEVER_MS, Revision, Revisions, SignalAlerts, revision_at_hand
from models.calendar import Calendar, date_of
from schemas.alert import alert_id
from schemas.command import Command
from schemas.erasure import is_erased_name
from schemas.instant import to_rfc3339
from schemas.receipt import ReceiptReason, ReceiptV1


class Due(Struct, frozen=True):
    """A command that waits for its boundary; `is_late`: it came too late to count."""

    boundary: int
    is_late: bool
    command: Command

    @property
    def order(self) -> tuple[int, str]:
        """In which commands are decided."""
        return self.command.at_ms, self.command.id

    @property
    def is_erasure(self) -> bool:
        """Whether somebody is to be erased by it who is not yet."""
        return self.command.action == "erase" and not is_erased_name(self.command.customer_id)

    @property
    def is_merge(self) -> bool:
        """Whether somebody is an alias of another from then on."""
        command = self.command
        return command.action == "merge" and not self.is_late and not is_erased_name(command.customer_id)

    def nameless(self, name: str) -> "Due":
        """The same about somebody who is erased by then: who said it and when, and which note it names."""
        command = replace(self.command, customer_id=name, alert_id=None, outcome=None, until_ms=None, into=None)
        return replace(self, command=command)


def erasures_in(due: Iterable[Due]) -> dict[str, int]:
    """By customer, the first boundary at which one of these commands erases them."""
    found: dict[str, int] = {}
    for one in due:
        if one.is_erasure:
            customer_id = one.command.customer_id
            found[customer_id] = min(one.boundary, found.get(customer_id, one.boundary))
    return found


class Meant(NamedTuple):
    """The alert a command speaks of: where it is open, or the revision with which it ends at this boundary."""

    of: SignalAlerts
    row: int
    place: int | None
    last: Revision | None


def answer(
    due: Due, row: int | None, alerts: Sequence[SignalAlerts], revisions: Mapping[str, Revisions],
    calendar: Calendar,
) -> ReceiptV1:  # fmt: skip
    """Decide a command about an alert of a customer, or about the customer; `row` None: nothing is known of them.

    Revisions change as by `decide`.
    """
    meant = None if row is None or due.command.alert_id is None else _meant(due, row, alerts, revisions)
    return decide(due, meant, revisions, calendar)


def decide(due: Due, meant: Meant | None, revisions: Mapping[str, Revisions], calendar: Calendar) -> ReceiptV1:
    """Decide a command about an alert; None: no such alert was open.

    Revisions about to be published are changed, others added.
    """
    if is_erased_name(due.command.customer_id):
        return receipt_of(due, calendar, None if due.command.action == "erase" else "erased")
    if due.is_late:
        return receipt_of(due, calendar, "too_late")
    if due.command.alert_id is None:  # about the customer, known or not: see `attention.quiet`
        return receipt_of(due, calendar, None)
    if meant is None:
        return receipt_of(due, calendar, "no_open_alert")
    until_ms = due.command.until_ms
    if until_ms is not None and until_ms <= calendar.start_of(due.boundary):
        return receipt_of(due, calendar, "already_over", signal=meant.of.signal.id)
    if until_ms is None:
        _note(due.command, meant, revisions)
    else:
        _snooze(due.command, meant, revisions)
    return receipt_of(due, calendar, None, signal=meant.of.signal.id)


def receipt_of(
    due: Due,
    calendar: Calendar,
    reason: ReceiptReason | None,
    *,
    signal: str | None = None,
    into: str | None = None,
) -> ReceiptV1:
    """The receipt of a command: done, or refused for a reason. `into`: whose alias its customer is."""
    command = due.command
    return ReceiptV1(
        command_id=command.id,
        action=command.action,
        customer_id=command.customer_id,
        status="done" if reason is None else "refused",
        reason=reason,
        by=command.by,
        at=to_rfc3339(command.at_ms),
        effective_at=calendar.text_of(due.boundary),
        alert_id=command.alert_id,
        signal=signal,
        outcome=command.outcome,
        until=None if command.until_ms is None else to_rfc3339(command.until_ms),
        note_id=command.note_id,
        into=into,
    )


def _meant(due: Due, row: int, alerts: Sequence[SignalAlerts], revisions: Mapping[str, Revisions]) -> Meant | None:
    """The alert of this id; what begins at the boundary itself or is held out cannot be meant: nobody knows its id."""
    command = due.command

    def is_meant(of: SignalAlerts, start: int) -> bool:
        return start < due.boundary and command.alert_id == alert_id(command.customer_id, of.signal.id, date_of(start))

    for of in alerts:
        place = of.open.place(row)
        if place is not None and of.open.column("arm")[place] == HELD_OUT:
            continue
        if place is not None and is_meant(of, int(of.open.column("start")[place])):
            return Meant(of, row, place, None)
        for one in revisions[of.signal.id].of_row(row):
            is_last = one.ends_ms is not None and one.arm != HELD_OUT
            if is_last and is_meant(of, one.start):
                return Meant(of, row, None, one)
    return None


def _note(command: Command, meant: Meant, revisions: Mapping[str, Revisions]) -> None:
    """Write down what was said; what says nothing new is no further revision."""
    of, _, place, last = meant
    if place is None:
        assert last is not None
        _say(command, last)
        return
    table, outcome = of.open, command.outcome or ""
    is_new = table.column("acknowledged_ms")[place] == NEVER_MS or outcome not in ("", table.column("outcome")[place])
    if not is_new:
        return
    told = revision_at_hand(of, revisions[of.signal.id], place)
    _say(command, told)
    for name in ("acknowledged_ms", "acknowledged_by", "outcome"):
        table.column(name)[place] = getattr(told, name)


def _snooze(command: Command, meant: Meant, revisions: Mapping[str, Revisions]) -> None:
    """Let nothing of the signal be sent for a while; of an alert that was sent this is told before."""
    of, row, place, _ = meant
    is_new = of.snoozed.get(row) != command.until_ms
    of.snoozed[row] = command.until_ms or 0
    if place is None or not is_new or of.open.column("sent_ms")[place] == NEVER_MS:
        return
    told = revision_at_hand(of, revisions[of.signal.id], place)
    told.tells_snooze = True


def _say(command: Command, one: Revision) -> None:
    """Who was the first to take it on, and the last word on what came of it."""
    if one.acknowledged_ms == NEVER_MS:
        one.acknowledged_ms, one.acknowledged_by = command.at_ms, command.by
    one.outcome = command.outcome or one.outcome
