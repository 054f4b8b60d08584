"""What people and programs say about alerts: a command, as it is written and as it is once the contract was checked.

Each action has a record of its own, with the fields it needs. A command takes effect at the first boundary behind `at`;
what became of it is told by a receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from zlib import crc32

import msgspec
from msgspec import Meta, Struct

from schemas.envelope import OF_FEED, CustomerId, CustomerOrFeed, EventId, EventTime, OtherCustomerId
from schemas.errors import RejectedError
from schemas.event_time import check_bounds
from schemas.explain import Check, checks_of, find_fault, parse_object
from schemas.instant import to_ms, to_rfc3339
from schemas.limits import MAX_BYTES

By = Annotated[str, Meta(min_length=1, max_length=64, description="the name of who says so, a person or a program")]
MOST_OF_NOTE: Final = 64
"""Characters of a note's id."""
NoteId = Annotated[
    str, Meta(min_length=1, max_length=MOST_OF_NOTE, description="of a note kept elsewhere, such as in the CRM")
]
AlertId = Annotated[str, Meta(max_length=32, pattern="^[0-9a-f]{32}$", description="the alert's `alert_id`")]
AlertOutcome = Literal["kept", "lost", "false_alarm"]
"""What came of an alert: the customer was kept, or lost; or there had been nothing to it."""


class AcknowledgeCommand(Struct, frozen=True):
    """Somebody takes an alert on: it is not escalated, and not past due."""

    id: EventId
    action: Literal["acknowledge"]
    customer_id: CustomerOrFeed
    at: EventTime
    by: By
    schema_version: Literal[1]
    alert_id: AlertId
    note_id: NoteId | None = None


class OutcomeCommand(Struct, frozen=True):
    """What came of an alert; whoever says so has taken it on as well. The last word counts."""

    id: EventId
    action: Literal["outcome"]
    customer_id: CustomerOrFeed
    at: EventTime
    by: By
    schema_version: Literal[1]
    alert_id: AlertId
    outcome: AlertOutcome
    note_id: NoteId | None = None


class SnoozeCommand(Struct, frozen=True):
    """Not now: nothing of the alert's signal is sent of the customer until an instant behind `at`."""

    id: EventId
    action: Literal["snooze"]
    customer_id: CustomerOrFeed
    at: EventTime
    by: By
    schema_version: Literal[1]
    alert_id: AlertId
    until: EventTime
    note_id: NoteId | None = None


class OptOutCommand(Struct, frozen=True):
    """Leave the customer alone: open alerts end, and nothing is sent, until an opt-in."""

    id: EventId
    action: Literal["opt_out"]
    customer_id: CustomerId
    at: EventTime
    by: By
    schema_version: Literal[1]
    note_id: NoteId | None = None


class OptInCommand(Struct, frozen=True):
    """The customer may be told of again; alerts that are still open are sent then."""

    id: EventId
    action: Literal["opt_in"]
    customer_id: CustomerId
    at: EventTime
    by: By
    schema_version: Literal[1]
    note_id: NoteId | None = None


class EraseCommand(Struct, frozen=True):
    """Forget the customer for ever: what is known of them goes, what comes of them later counts for nothing."""

    id: EventId
    action: Literal["erase"]
    customer_id: CustomerId
    at: EventTime
    by: By
    schema_version: Literal[1]
    note_id: NoteId | None = None


class MergeCommand(Struct, frozen=True):
    """The customer is an alias of another one: what is known of them, and what comes later, is that one's."""

    id: EventId
    action: Literal["merge"]
    customer_id: CustomerId
    at: EventTime
    by: By
    schema_version: Literal[1]
    into: OtherCustomerId
    note_id: NoteId | None = None


AboutAlert = AcknowledgeCommand | OutcomeCommand | SnoozeCommand
CommandV1 = AboutAlert | OptOutCommand | OptInCommand | EraseCommand | MergeCommand

ACTIONS: Final[Mapping[str, type[CommandV1]]] = {
    "acknowledge": AcknowledgeCommand,
    "outcome": OutcomeCommand,
    "snooze": SnoozeCommand,
    "opt_out": OptOutCommand,
    "opt_in": OptInCommand,
    "erase": EraseCommand,
    "merge": MergeCommand,
}
Action = Literal["acknowledge", "outcome", "snooze", "opt_out", "opt_in", "erase", "merge"]


class Command(Struct, frozen=True):
    """An accepted command. `fingerprint` is a 32-bit CRC of its meaning: the same id with another one is a conflict."""

    id: str
    action: Action
    customer_id: str
    at_ms: int
    by: str
    alert_id: str | None = None
    outcome: AlertOutcome | None = None
    note_id: str | None = None
    until_ms: int | None = None
    into: str | None = None
    """Of a merge, the customer whose alias it is."""

    @property
    def is_of_feed(self) -> bool:
        """Whether it speaks of a feed's alert, and of no customer."""
        return self.customer_id.startswith(OF_FEED)

    @property
    def fingerprint(self) -> int:
        """See above."""
        return crc32(_pack(self))


class _AnyCommand(Struct):
    """The fields that every action has; those of the action are judged by its own record."""

    action: Action


_ORDER: Final = ("schema_version", "action", "customer_id", "at", "id", "by")
"""In which fields are judged; the version first: in an unknown one nothing else can be."""
_CHECKS: Final[Mapping[str, tuple[Check, ...]]] = {name: checks_of(kind, _ORDER) for name, kind in ACTIONS.items()}
_CHECK_ACTION: Final = checks_of(_AnyCommand, ("action",))
_pack = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


def decode_command(key: bytes | None, value: bytes | None) -> Command:
    """The command in a record. Raises RejectedError when it does not keep the contract."""
    if not key:
        raise RejectedError("missing_key", "the record has no key; it must be the customer id")
    command = decode_command_line(value)
    if command.customer_id.encode() != key:
        raise RejectedError("key_mismatch", "the key of the record is not the customer id", "customer_id")
    return command


def decode_command_line(value: bytes | None) -> Command:
    """The command in a record's value, or in a line of a file. Raises RejectedError."""
    if not value:
        raise RejectedError("empty", "the record has no value")
    if len(value) > MAX_BYTES:
        raise RejectedError("too_large", f"{len(value)} bytes, at most {MAX_BYTES} are allowed")
    parsed = parse_object(value)
    action = parsed.get("action")
    checks = _CHECKS.get(action) if isinstance(action, str) else None
    fault = find_fault(checks or (_CHECKS["acknowledge"][0], *_CHECK_ACTION), parsed)
    if fault is not None:
        raise fault
    wire = msgspec.convert(parsed, ACTIONS[str(action)])
    check_bounds(wire.at, "at")
    command = _from_wire(wire)
    if isinstance(wire, MergeCommand) and wire.into == wire.customer_id:
        raise RejectedError("out_of_range", "nobody is an alias of themselves", "into")
    if isinstance(wire, SnoozeCommand):
        check_bounds(wire.until, "until")
        if command.until_ms is not None and command.until_ms <= command.at_ms:
            raise RejectedError("out_of_range", "must lie behind `at`", "until")
    return command


def _from_wire(wire: CommandV1) -> Command:
    return Command(
        wire.id,
        wire.action,
        wire.customer_id,
        to_ms(wire.at),
        wire.by,
        wire.alert_id if isinstance(wire, AboutAlert) else None,
        wire.outcome if isinstance(wire, OutcomeCommand) else None,
        wire.note_id,
        to_ms(wire.until) if isinstance(wire, SnoozeCommand) else None,
        wire.into if isinstance(wire, MergeCommand) else None,
    )


def encode_command(command: Command) -> bytes:
    """Canonical JSON of the contract; `decode_command` of it gives an equal command."""
    fields: dict[str, object] = {
        "id": command.id,
        "action": command.action,
        "customer_id": command.customer_id,
        "at": to_rfc3339(command.at_ms),
        "by": command.by,
        "schema_version": 1,
    }
    until = None if command.until_ms is None else to_rfc3339(command.until_ms)
    own = (
        ("alert_id", command.alert_id), ("outcome", command.outcome), ("until", until), ("into", command.into),
        ("note_id", command.note_id),
    )  # fmt: skip
    return _to_json(fields | {name: value for name, value in own if value is not None})
