"""Why a record was refused: the slow second look, taken only at records that failed the typed decoder.

Each field is converted by the very types of the contract, in a fixed order, so that the reason never depends on the
order of keys in the JSON and cannot drift from what the decoder accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

import msgspec

from schemas.envelope import ENVELOPES
from schemas.errors import Reason, RejectedError
from schemas.event import FEEDS
from schemas.limits import check_limits

_ENVELOPE_ORDER: Final = ("schema_version", "type", "customer_id", "event_time", "id", "source", "data")
"""The version first: in an unknown version nothing else can be judged."""

_VALUE_REASONS: Final[Mapping[str, Reason]] = {
    "schema_version": "unsupported_version",
    "customer_id": "bad_customer_id",
    "into": "bad_customer_id",
    "id": "bad_id",
    "alert_id": "bad_id",
    "note_id": "bad_id",
    "action": "unknown_action",
    "source": "bad_source",
    "data.amount": "bad_money",
    "data.currency": "bad_money",
    "data.action": "unknown_action",
}
"""The reason when a field has the right type and a wrong value, where it is not `unknown_value` or `out_of_range`."""

_TIMES: Final = frozenset({"event_time", "at", "until"})
"""Fields that hold an instant: their bounds are checked elsewhere."""


def _number(text: str) -> float:
    """A number of any length; what is whole by its value is an integer, as JSON Schema has it."""
    number = float(text)
    return int(number) if number.is_integer() else number


_untyped = msgspec.json.Decoder(float_hook=_number)


def parse_object(value: bytes) -> dict[str, object]:
    """The JSON object in a value. Raises RejectedError: not UTF-8, not JSON, no object, beyond the limits."""
    check_utf8(value)
    check_limits(value)
    try:
        parsed = _untyped.decode(value)
    except msgspec.ValidationError:
        parsed = _with_endless_integers(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedError("not_json", str(error)) from error
    if not isinstance(parsed, dict):
        raise RejectedError("not_an_object", f"a JSON object is expected, not {_json_type(parsed)}")
    return parsed


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _with_endless_integers(value: bytes) -> object:
    """JSON with an integer of more digits than the decoder reads: it is beyond every bound, as infinity is."""
    try:
        parsed = json.loads(value, parse_int=_number, parse_float=_number, parse_constant=_no_constant)
        json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except ValueError as error:
        raise RejectedError("not_json", str(error)) from error
    return parsed


def check_utf8(value: bytes) -> None:
    """Raises RejectedError (`not_utf8`). The typed decoder does not look into the strings it skips."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise RejectedError("not_utf8", f"invalid UTF-8 at byte {error.start}") from error


def explain(feed: int, record: Mapping[str, object], names: Mapping[str, str]) -> RejectedError | None:
    """The first fault of a parsed record, or None when there is none.

    `names` translates our names of the envelope's fields into those the producer used (CloudEvents).
    """
    for check in _CHECKS[feed]:
        holder = record if check.path == check.key else record["data"]
        fault = _fault(check, holder, names.get(check.path, check.path))
        if fault is not None:
            return fault
    return None


def find_fault(checks: Iterable[Check], record: Mapping[str, object]) -> RejectedError | None:
    """The first fault of a parsed record without data of its own, or None when there is none."""
    return next((fault for check in checks if (fault := _fault(check, record, check.path)) is not None), None)


@dataclass(frozen=True, slots=True)
class Check:
    """One field of the contract. `alone` is a record of this field only: converting to it is cheap the second time."""

    path: str
    key: str
    required: bool
    declared: object
    alone: type[msgspec.Struct]


def checks_of(kind: type[msgspec.Struct], order: Sequence[str], prefix: str = "") -> tuple[Check, ...]:
    """The fields of a record in the order in which they are judged, those that are not named last."""
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    checks = []
    for name in (*order, *(name for name in known if name not in order)):
        field, path = known[name], prefix + name
        field_type = dict[str, object] if path == "data" else field.type
        alone = msgspec.defstruct("Alone", [(name, field_type)])
        checks.append(Check(path, name, field.required, field.type, alone))
    return tuple(checks)


def _checks(feed: int) -> tuple[Check, ...]:
    """The fields of a feed in the order in which they are judged, those of the data last."""
    (data,) = (field for field in msgspec.structs.fields(ENVELOPES[feed]) if field.name == "data")
    return checks_of(ENVELOPES[feed], _ENVELOPE_ORDER) + checks_of(data.type, (), "data.")


def _fault(check: Check, holder: object, shown: str) -> RejectedError | None:
    assert isinstance(holder, Mapping)  # `data` itself was judged before its fields
    if check.key not in holder:
        return RejectedError("missing_field", "the field is required", shown) if check.required else None
    content = holder[check.key]
    name = check.path
    try:
        msgspec.convert({check.key: content}, check.alone)
    except msgspec.ValidationError as error:
        message = str(error).partition(" - at ")[0]
        return RejectedError(_reason(name, content, message), _detail(check.declared, message), shown)
    pattern = None if name in _TIMES else _pattern_of(check.declared)
    if pattern is not None and not re.fullmatch(pattern, str(content)):
        return RejectedError(_VALUE_REASONS[name], "characters that are not allowed", shown)
    return None


def _pattern_of(declared: object) -> str | None:
    """What is only in the JSON Schema of a type, as it would cost too much inside the decoder."""
    notes = (one.extra_json_schema or {} for one in get_args(declared) if isinstance(one, msgspec.Meta))
    return next((pattern for one in notes if (pattern := one.get("pattern"))), None)


def _reason(name: str, content: object, message: str) -> Reason:
    if ", got `" in message:
        return "wrong_type"
    if name == "type":
        return "wrong_topic" if content in FEEDS else "unknown_type"
    if name in _TIMES:
        return "no_offset_in_time" if "timezone" in message else "bad_time"
    otherwise: Reason = "unknown_value" if message.startswith("Invalid enum value") else "out_of_range"
    return _VALUE_REASONS.get(name, otherwise)


def _detail(field_type: object, message: str) -> str:
    """The decoder's message; where it would quote the record, what is allowed instead."""
    if not message.startswith("Invalid enum value"):
        return message
    members = [member for part in (field_type, *get_args(field_type)) for member in get_args(part)]
    return f"must be {' or '.join(str(member) for member in members if isinstance(member, str | int))}"


_CHECKS: Final = tuple(_checks(feed) for feed in range(len(FEEDS)))


def _json_type(content: object) -> str:
    if content is None:
        return "null"
    if isinstance(content, bool):
        return "a boolean"
    if isinstance(content, (int, float)):
        return "a number"
    return "an array" if isinstance(content, list) else "a string"
