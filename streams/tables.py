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
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
import yaml

from schemas.codec import decode_line
from schemas.errors import RejectedError
from schemas.event import Event
from schemas.instant import to_ms, to_rfc3339
from streams.errors import SetupError

WHITESPACE: Final = "whitespace"


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
    """A mapping file. Without `columns` the first line names them; `separator` is one character or `whitespace`."""

    source: str
    customer_id: Value
    time: TimeRule
    events: tuple[EventRule, ...]
    separator: str = ","
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
    numbered = enumerate(lines, start=1)
    for _ in range(mapping.skip_lines):
        next(numbered, None)
    columns = mapping.columns
    seen: Counter[tuple[str, str]] = Counter()
    for number, line in numbered:
        cells = _cells(mapping, line)
        if not cells:
            continue
        if columns is None:
            columns = tuple(cells)
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
        return msgspec.convert(yaml.safe_load(text), Mapping)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise SetupError("mapping", f"{name}: {error}", "See streams/mappings/cdnow.yaml for an example.") from error


def _cells(mapping: Mapping, line: str) -> list[str]:
    if mapping.separator == WHITESPACE:
        return line.split()
    return next(csv.reader([line], delimiter=mapping.separator), [])


def _event(mapping: Mapping, row: dict[str, str], seen: Counter[tuple[str, str]]) -> Event | None:
    rule = next((rule for rule in mapping.events if rule.when.items() <= row.items()), None)
    if rule is None:
        return None
    customer_id = str(_filled(mapping.customer_id, row))
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
        "data": {name: _filled(value, row) for name, value in rule.data.items()},
    }
    if rule.id is not None:
        envelope["id"] = rule.id.format_map(row)
    return decode_line(msgspec.json.encode(envelope))


@lru_cache(maxsize=10_000)
def _moment(text: str, written: str) -> datetime:
    """Read a time; remembered, because dates repeat and reading one costs more than the rest of the line."""
    return datetime.strptime(text, written)  # noqa: DTZ007 - the caller adds the mapping's zone


def _filled(value: Value, row: dict[str, str]) -> Value:
    if isinstance(value, str):
        return value.format_map(row)
    if not isinstance(value, dict):
        return value
    ((kind, column),) = value.items()
    return float(row[column]) if kind == "number" else int(row[column])


def _invented(hours: tuple[int, int], customer_id: str, day: str, nth: int) -> timedelta:
    begin, end = hours
    drawn = int.from_bytes(sha256(f"{customer_id}\0{day}\0{nth}".encode()).digest()[:8], "big")
    return timedelta(hours=begin, seconds=drawn % ((end - begin) * 3600))
