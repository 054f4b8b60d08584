"""Tables (CSV and the like) as events, by a small mapping file in YAML.

A value of a mapping is a constant, a text with `{column}` in it, or `{number: column}` / `{whole: column}`. Besides
the columns a text may name `{customer_id}`, `{day}` (the event's date) and `{nth}` (0, 1, 2 … among the lines of one
customer and day).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from schemas.codec import decode_line
from schemas.errors import RejectedError
from schemas.event import Event
from schemas.instant import to_ms, to_rfc3339
from streams.errors import SetupError

WHITESPACE: Final = "whitespace"
MADE_UP: Final = frozenset({"customer_id", "day", "nth"})
"""What a text may name besides columns."""


class TimeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the event time is, how it is written and in which zone.

    `invented_hours` (from, to) makes up a time of day, the same one every time, for data that has only dates.
    """

    column: str
    format: str
    zone: str = "UTC"
    invented_hours: tuple[int, int] | None = None


Value = str | int | float | bool | dict[Literal["number", "whole"], str]
"""What a field is filled with; a dict reads a column as a number or as a whole number (leading zeros go)."""


class EventRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of event; `when` says which lines it is made of (column: text), all of them without."""

    type: str
    data: dict[str, Value]
    id: str | None = None
    when: dict[str, str] = {}


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file. Without `columns` the first line names them; `separator` is one character or `whitespace`.

    With `decimal: ","` the dot groups thousands, as in 1.234,50.
    """

    source: str
    customer_id: Value
    time: TimeRule
    events: tuple[EventRule, ...]
    separator: str = ","
    decimal: Literal[".", ","] = "."
    columns: tuple[str, ...] | None = None
    skip_lines: int = 0
    file_names: tuple[str, ...] = ()


@cache
def builtin_mappings() -> dict[str, Mapping]:
    """Return the mappings in the product, by name."""
    folder = files("streams.mappings")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): _parse(name, (folder / name).read_text("utf-8")) for name in found}


def load_mapping(name: str) -> Mapping:
    """Return a mapping by its built-in name or from a file. Raises SetupError."""
    if name in builtin_mappings():
        return builtin_mappings()[name]
    path = Path(name)
    if not path.is_file():
        raise SetupError("mapping", f"no file {name}", f"Built in: {', '.join(builtin_mappings())}.")
    return _parse(name, path.read_text("utf-8"))


def rows_to_events(mapping: Mapping, lines: Iterable[str]) -> Iterator[tuple[int, Event | RejectedError]]:
    """Yield each line's number and its event, or why it is none. Lines that no `when` fits are left out."""
    numbered = enumerate(_without_mark(lines), start=1)
    for _ in range(mapping.skip_lines):
        next(numbered, None)
    columns = mapping.columns
    if columns is not None:
        _refuse_unknown_columns(mapping, columns)
    seen: Counter[tuple[str, str]] = Counter()
    for number, line in numbered:
        cells = _cells(mapping, line)
        if not cells:
            continue
        if columns is None:
            columns = tuple(cells)
            _refuse_unknown_columns(mapping, columns)
            continue
        try:
            made = _event(mapping, dict(zip(columns, cells, strict=True)), seen)
        except RejectedError as error:
            yield number, error
        except (ValueError, KeyError, OverflowError) as error:
            yield number, RejectedError("wrong_type", f"{type(error).__name__}: {error}")
        else:
            if made is not None:
                yield number, made


def _parse(name: str, text: str) -> Mapping:
    try:
        mapping = msgspec.convert(yaml.safe_load(text), Mapping)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise SetupError("mapping", f"{name}: {error}", "See streams/mappings/cdnow.yaml for an example.") from error
    try:
        ZoneInfo(mapping.time.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        remedy = "A time zone, as UTC or Europe/Berlin."
        raise SetupError("mapping", f"{name}: time.zone: {mapping.time.zone!r}", remedy) from error
    try:
        _columns_asked(mapping)
    except ValueError as error:
        raise SetupError("mapping", f"{name}: {error}", 'Texts name columns as in "shop-{order}".') from error
    if not _columns_of(mapping.customer_id):  # a constant would make all customers one
        remedy = 'Write customer_id: "{its column}", or {whole: its column}.'
        raise SetupError("mapping", f"{name}: customer_id: {mapping.customer_id!r} names no column", remedy)
    return mapping


def _columns_of(value: Value) -> set[str]:
    """The columns that a value reads."""
    if isinstance(value, dict):
        return set(value.values())
    return {name for _, name, _, _ in Formatter().parse(value) if name} if isinstance(value, str) else set()


def _columns_asked(mapping: Mapping) -> set[str]:
    """Every column that the mapping names. Raises ValueError for a text whose braces are not in pairs."""
    asked = _columns_of(mapping.customer_id) | {mapping.time.column}
    for rule in mapping.events:
        made = [_columns_of(value) for value in (rule.id or "", *rule.data.values())]
        asked |= set().union(*made) - MADE_UP | set(rule.when)
    return asked


def _refuse_unknown_columns(mapping: Mapping, columns: tuple[str, ...]) -> None:
    """Raise SetupError for a column that the table does not have: said once, not for each line."""
    unknown = sorted(_columns_asked(mapping) - set(columns))
    if unknown:
        raise SetupError("mapping", f"no column {unknown[0]!r}", f"The table has: {', '.join(columns)}.")


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    """The lines without the byte order mark that spreadsheets write first."""
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix("\ufeff")


def _cells(mapping: Mapping, line: str) -> list[str]:
    if mapping.separator == WHITESPACE:
        return line.split()
    return next(csv.reader([line], delimiter=mapping.separator), [])


def _event(mapping: Mapping, row: dict[str, str], seen: Counter[tuple[str, str]]) -> Event | None:
    rule = next((rule for rule in mapping.events if rule.when.items() <= row.items()), None)
    if rule is None:
        return None
    customer_id = str(_filled(mapping.customer_id, row, mapping.decimal))
    moment = _moment(row[mapping.time.column], mapping.time.format)
    day = moment.date().isoformat()
    nth = seen[customer_id, day]
    seen[customer_id, day] += 1
    row = row | {"customer_id": customer_id, "day": day, "nth": str(nth)}
    if mapping.time.invented_hours is not None:
        moment = datetime.combine(moment, time()) + _invented(mapping.time.invented_hours, customer_id, day, nth)
    envelope: dict[str, Any] = {
        "type": rule.type,
        "customer_id": customer_id,
        "event_time": to_rfc3339(
            to_ms(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(mapping.time.zone)))
        ),
        "schema_version": 1,
        "source": mapping.source,
        "data": {name: _filled(value, row, mapping.decimal) for name, value in rule.data.items()},
    }
    if rule.id is not None:
        envelope["id"] = rule.id.format_map(row)
    return decode_line(msgspec.json.encode(envelope))


@lru_cache(maxsize=10_000)
def _moment(text: str, written: str) -> datetime:
    """Read a time; remembered, because dates repeat and reading one costs more than the rest of the line."""
    return datetime.strptime(text, written)  # noqa: DTZ007 - the caller adds the mapping's zone


def _filled(value: Value, row: dict[str, str], decimal: str) -> Value:
    if isinstance(value, str):
        return value.format_map(row)
    if not isinstance(value, dict):
        return value
    ((kind, column),) = value.items()
    text = row[column] if decimal == "." else row[column].replace(".", "").replace(",", ".")
    try:
        return float(text) if kind == "number" else int(text)
    except ValueError:
        hint = '; `decimal: ","` in the mapping reads decimal commas' if decimal == "." and "," in text else ""
        wanted = "number" if kind == "number" else "whole number"
        raise RejectedError("wrong_type", f"{column}: {row[column]!r} is no {wanted}{hint}") from None


def _invented(hours: tuple[int, int], customer_id: str, day: str, nth: int) -> timedelta:
    begin, end = hours
    drawn = int.from_bytes(sha256(f"{customer_id}\0{day}\0{nth}".encode()).digest()[:8], "big")
    return timedelta(hours=begin, seconds=drawn % ((end - begin) * 3600))
