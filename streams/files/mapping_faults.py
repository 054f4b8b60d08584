"""What is wrong with a mapping that has the right shape: found before any line is read."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from models.catalogue.suggestion import did_you_mean
from schemas.event import DATA_OF, FEEDS, Purchase
from streams.files.cells import MADE_UP, columns_of
from streams.files.mapping import LEAVE_OUT, RETURN, WHITESPACE, Cell, EventRule, Mapping, TimeRule, Value, listed
from streams.files.times import format_fault

_DATA: Final[dict[str, type[msgspec.Struct]]] = dict(zip(FEEDS, DATA_OF, strict=True))

Fault = tuple[str, str, str]
"""Where in the mapping, what is wrong, what to write."""


def faults_of(mapping: Mapping) -> Iterator[Fault]:
    """What is wrong with a mapping that has the right shape."""
    yield from _format_faults(mapping)
    yield from _time_faults("time", mapping.time)
    if not _is_zone(mapping.zone):
        yield "zone", f"{mapping.zone!r} is no time zone", "A time zone, as UTC or Europe/Berlin."
    if not mapping.events:
        yield "events", "there are none", "Say what a line becomes: `- type: purchase` and its `data`."
    yield from _value_faults("customer_id", mapping.customer_id)
    if not columns_of(mapping.customer_id):  # a constant would make all customers one
        remedy = 'Write customer_id: "{its column}", or {whole: its column}.'
        yield "customer_id", f"{mapping.customer_id!r} names no column", remedy
    for place, rule in enumerate(mapping.events, start=1):
        yield from _rule_faults(f"events, {place}", rule, mapping.currency)


def _format_faults(mapping: Mapping) -> Iterator[Fault]:
    if mapping.encoding is not None and not _is_encoding(mapping.encoding):
        yield "encoding", f"{mapping.encoding!r} is none", "utf-8, cp1252, latin-1, utf-16, shift_jis …"
    one_character = len(mapping.separator) == 1 and mapping.separator not in "\r\n" + mapping.quote
    if not one_character and mapping.separator not in {WHITESPACE, "tab", "\\t"}:
        remedy = f'One character (";", ",", "|"), `tab` or `{WHITESPACE}`.'
        yield "separator", f"{mapping.separator!r} is not one character", remedy
    if len(mapping.quote) > 1:
        yield "quote", f"{mapping.quote!r} is not one character", 'One character, or "" where no cell is in quotes.'
    if mapping.grouping == mapping.decimal:
        yield "thousands", f"{mapping.thousands!r} is the decimal sign too", "Say another `decimal`, or leave it out."
    if mapping.skip_lines < 0:
        yield "skip_lines", f"{mapping.skip_lines} is negative", "Say how many lines stand before the table."
    is_json = mapping.format == "json"
    if mapping.for_each and not is_json:
        yield "for_each", "is for lists in JSON", "Say `format: json`; lines of a table are put together by `group_by`."
    if is_json and (mapping.group_by or mapping.columns or mapping.skip_lines):
        yield "format", "json has neither `group_by` nor `columns` nor `skip_lines`", "Leave them out."


def _is_encoding(name: str) -> bool:
    try:
        "a".encode(name)
        return codecs.lookup(name).name not in {"utf-7", "idna", "punycode", "undefined"}
    except (LookupError, UnicodeError):
        return False


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _time_faults(where: str, rule: TimeRule) -> Iterator[Fault]:
    if rule.zone is not None and not _is_zone(rule.zone):
        yield f"{where}.zone", f"{rule.zone!r} is no time zone", "A time zone, as UTC or Europe/Berlin."
    if (rule.column is None or rule.column == ()) == (rule.text is None):
        yield where, "needs a column, or a text", 'column: created_at, or text: "{date} {time}".'
    if rule.text is not None:
        yield from _value_faults(f"{where}.text", rule.text)
    for written in listed(rule.format) or ("",):
        if fault := format_fault(written):
            yield f"{where}.format", f"{written!r} {fault}", 'As "%d.%m.%Y %H:%M", iso, epoch_s or epoch_ms.'
    begin, end = rule.invented_hours or (0, 24)
    if not 0 <= begin < end <= 24:
        yield f"{where}.invented_hours", f"{begin} to {end}", "Two hours of a day, as [8, 22]."


def _rule_faults(where: str, rule: EventRule, currency: str | None) -> Iterator[Fault]:
    if rule.time is not None:
        yield from _time_faults(f"{where}, time", rule.time)
    for name, value in (("type", rule.type), ("id", rule.id), *rule.data.items()):
        if value is not None:
            yield from _value_faults(f"{where}, {name}", value)
    types = _types_of(rule.type)
    known = {*FEEDS, RETURN}
    if types and (unknown := sorted(types - known)):
        remedy = f"{did_you_mean(unknown[0], known)}{', '.join((*FEEDS, RETURN))}."
        yield f"{where}, type", f"{unknown[0]!r} is none", remedy
        return
    yield from _data_faults(where, types or known, rule, currency)


def _types_of(type_: str | Cell) -> set[str]:
    """The types that a rule can make; empty where only the lines can tell."""
    if isinstance(type_, str):
        return set() if columns_of(type_) else {type_}
    if type_.values is None:
        return set()
    return {str(one) for one in (*type_.values.values(), type_.otherwise) if one is not None} - {LEAVE_OUT}


def _data_faults(where: str, types: set[str], rule: EventRule, currency: str | None) -> Iterator[Fault]:
    """Fields that no such event has, and required ones that are not there."""
    kinds = {one: _DATA["ticket" if one == RETURN else one] for one in types}
    fields = {one: {field.name: field for field in msgspec.structs.fields(kind)} for one, kind in kinds.items()}
    if RETURN in fields:
        fields[RETURN] |= {field.name: field for field in msgspec.structs.fields(Purchase)}
    known = set().union(*fields.values())
    for name in rule.data:
        if name not in known:
            yield (
                f"{where}, data",
                f"{name!r} is no field",
                f"{did_you_mean(name, known)}Fields: {', '.join(sorted(known))}.",
            )
    if len(types) > 1:
        return  # what must be there depends on the line
    (one,) = types
    if one == RETURN:
        wanted = set() if {"ticket_id", "order_id"} & set(rule.data) else {"ticket_id"}
    else:
        wanted = {name for name, field in fields[one].items() if field.required} - set(rule.data)
        wanted -= {"currency"} if currency is not None else set()
    if wanted:
        name = min(wanted)
        yield f"{where}, data", f"{name} is missing", _missing(one, name)


def _missing(type_: str, name: str) -> str:
    if name == "currency":
        return 'Write `currency: EUR` (yours) in the mapping, or currency: "{its column}" in `data`.'
    return f'A {type_} needs it: {name}: "{{its column}}", or a constant.'


def _value_faults(where: str, value: Value) -> Iterator[Fault]:
    if isinstance(value, Cell):
        sources = [value.column, value.text, value.number, value.whole, value.sum, value.count]
        if sum(bool(source) for source in sources) != 1:
            yield (
                where,
                "says from where in no way, or in several",
                "Write one of column, text, number, whole, sum, count.",
            )
    try:
        names = columns_of(value)
    except ValueError as error:
        yield where, str(error), 'Texts name columns as in "shop-{order}".'
        return
    if "" in names:
        yield where, "{} names no column", f"Columns, or {', '.join(sorted(MADE_UP))}."
