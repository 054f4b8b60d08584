"""Mapping files read and checked: what cannot work is said once, with the remedy, before any line is read."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from schemas.event import FEEDS, Email, Login, Purchase, Ticket
from streams.errors import SetupError
from streams.files.cells import MADE_UP, check_cell, columns_of
from streams.files.mapping import LEAVE_OUT, RETURN, WHITESPACE, Cell, EventRule, Mapping, TimeRule, listed
from streams.files.times import format_fault
from streams.wording import did_you_mean

REFERENCE: Final = "The reference is streams/mappings/README.md; `churn-signals mapping show shopify` is an example."

_DATA: Final[dict[str, type[msgspec.Struct]]] = dict(zip(FEEDS, (Purchase, Login, Ticket, Email), strict=True))
_AS_WRITTEN: Final = frozenset({
    "source", "encoding", "separator", "quote", "decimal", "thousands", "columns", "optional", "group_by", "for_each",
    "nobody", "somebody", "file_names", "column", "text", "number", "whole", "sum", "count", "prefix", "format", "zone",
    "when",
})  # fmt: skip
"""Keys whose values are texts, however they look: `nobody: [0, null, no]` are three texts."""


@cache
def builtin_mappings() -> dict[str, Mapping]:
    """Return the mappings in the product, by name."""
    return {name: parsed_mapping(name, builtin_text(name)) for name in builtin_names()}


@cache
def builtin_names() -> tuple[str, ...]:
    """Names of the mappings in the product."""
    entries = (entry.name for entry in files("streams.mappings").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in entries if name.endswith(".yaml")))


def builtin_text(name: str) -> str:
    """The YAML of a mapping in the product."""
    return (files("streams.mappings") / f"{name}.yaml").read_text("utf-8")


def load_mapping(name: str) -> Mapping:
    """Return a mapping by its built-in name or from a file. Raises SetupError."""
    if name in builtin_names():
        return builtin_mappings()[name]
    path = Path(name)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        remedy = f"{did_you_mean(name, builtin_names())}Built in: {', '.join(builtin_names())}."
        raise SetupError("mapping", f"no file {name}", remedy) from error
    except OSError as error:
        raise SetupError("mapping", f"{name} cannot be read: {error}", "Name a YAML file.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SetupError("mapping", f"{name} is not UTF-8 at line {line}", "Save the mapping file as UTF-8.") from error
    return parsed_mapping(name, text)


def parsed_mapping(name: str, text: str) -> Mapping:
    """The mapping in a text. Raises SetupError that begins with the name."""
    try:
        mapping = msgspec.convert(yaml.load(text, _Loader), Mapping, strict=False)  # noqa: S506 - below a SafeLoader
    except (yaml.YAMLError, msgspec.ValidationError, RecursionError) as error:
        raise SetupError("mapping", f"{name}: {error}", REFERENCE) from error
    except ValueError as error:  # a scalar that its own notation does not fit
        raise SetupError("mapping", f"{name}: {error}", REFERENCE) from error
    for where, fault, remedy in _faults(mapping):
        raise SetupError("mapping", f"{name}: {where}: {fault}", remedy)
    return mapping


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: keys are texts, a key stands once, only true and false are truth values."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in {"int", "float", "null"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in made:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
        made[key] = _as_written(value_node) if key in _AS_WRITTEN else _typed(loader, value_node)
    return made


def _typed(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in {"true", "false"}:
        return node.value == "true"
    return loader.construct_object(node, deep=True)


def _as_written(node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_as_written(one) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _as_written(value) for key, value in node.value}
    return str(node.value)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct)

Fault = tuple[str, str, str]
"""Where in the mapping, what is wrong, what to write."""


def _faults(mapping: Mapping) -> Iterator[Fault]:
    """What is wrong with a mapping that has the right shape. Raises SetupError for what a value's own check finds."""
    yield from _format_faults(mapping)
    yield from _time_faults("time", mapping.time)
    if not mapping.events:
        yield "events", "there are none", "Say what a line becomes: `- type: purchase` and its `data`."
    check_cell("customer_id", mapping.customer_id)
    yield from _text_faults("customer_id", mapping.customer_id)
    if not columns_of(mapping.customer_id):  # a constant would make all customers one
        remedy = 'Write customer_id: "{its column}", or {whole: its column}.'
        yield "customer_id", f"{mapping.customer_id!r} names no column", remedy
    for place, rule in enumerate(mapping.events, start=1):
        yield from _rule_faults(f"events, {place}", rule)


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


def _time_faults(where: str, rule: TimeRule) -> Iterator[Fault]:
    try:
        ZoneInfo(rule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"{where}.zone", f"{rule.zone!r} is no time zone", "A time zone, as UTC or Europe/Berlin."
    if (rule.column is None or rule.column == ()) == (rule.text is None):
        yield where, "needs a column, or a text", 'column: created_at, or text: "{date} {time}".'
    if rule.text is not None:
        yield from _text_faults(f"{where}.text", rule.text)
    for written in listed(rule.format) or ("",):
        if fault := format_fault(written):
            yield f"{where}.format", f"{written!r} {fault}", 'As "%d.%m.%Y %H:%M", iso, epoch_s or epoch_ms.'
    begin, end = rule.invented_hours or (0, 24)
    if not 0 <= begin < end <= 24:
        yield f"{where}.invented_hours", f"{begin} to {end}", "Two hours of a day, as [8, 22]."


def _rule_faults(where: str, rule: EventRule) -> Iterator[Fault]:
    if rule.time is not None:
        yield from _time_faults(f"{where}, time", rule.time)
    for name, value in (("type", rule.type), ("id", rule.id), *rule.data.items()):
        if value is not None:
            check_cell(f"{where}, {name}", value)
            yield from _text_faults(f"{where}, {name}", value)
    types = _types_of(rule.type)
    known = {*FEEDS, RETURN}
    if types and (unknown := sorted(types - known)):
        remedy = f"{did_you_mean(unknown[0], known)}{', '.join((*FEEDS, RETURN))}."
        yield f"{where}, type", f"{unknown[0]!r} is none", remedy
        return
    yield from _data_faults(where, types or known, rule)


def _types_of(type_: str | Cell) -> set[str]:
    """The types that a rule can make; empty where only the lines can tell."""
    if isinstance(type_, str):
        return set() if columns_of(type_) else {type_}
    if type_.values is None:
        return set()
    return {str(one) for one in (*type_.values.values(), type_.otherwise) if one is not None} - {LEAVE_OUT}


def _data_faults(where: str, types: set[str], rule: EventRule) -> Iterator[Fault]:
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
    if wanted:
        name = min(wanted)
        yield f"{where}, data", f"{name} is missing", f'A {one} needs it: {name}: "{{its column}}", or a constant.'


def _text_faults(where: str, value: object) -> Iterator[Fault]:
    try:
        names = columns_of(value) if isinstance(value, str | Cell) else set()
    except ValueError as error:
        yield where, str(error), 'Texts name columns as in "shop-{order}".'
        return
    if "" in names:
        yield where, "{} names no column", f"Columns, or {', '.join(sorted(MADE_UP))}."
