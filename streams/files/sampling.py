"""The beginning of an unknown file, looked at for a proposal: encoding, separator, columns with their values."""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from streams.errors import SetupError
from streams.files.json_records import JsonRecords, found_in, text_of
from streams.files.mapping import Mapping, TimeRule
from streams.files.opening import UNDECODABLE, opened_bytes, opened_text
from streams.files.tables import SEPARATOR_LINE, normal

MOST_RECORDS: Final = 2_000
_SAMPLE_BYTES: Final = 1 << 21
_DEEPEST: Final = 4
_SEPARATORS: Final = (",", ";", "\t", "|")
_BARE: Final = Mapping(source="sample", customer_id="", time=TimeRule(format="iso"), events=(), format="json")


class Sample(NamedTuple):
    """What a file holds: its columns in order, each with its values (empty ones included) in the order of records."""

    format: Literal["csv", "json"]
    columns: dict[str, list[str]]
    encoding: str | None
    separator: str = ","
    lists: tuple[str, ...] = ()
    """Paths of lists of objects, in JSON."""

    def filled(self, name: str) -> list[str]:
        """The values of a column that are not empty."""
        return [value.strip() for value in self.columns[name] if value.strip()]


def sampled(file: Path) -> Sample:
    """Look at the beginning of a file. Raises SetupError for what is neither a table nor JSON."""
    encoding = _encoding(file)
    with opened_text(file, encoding) as text:
        start = text.lines.read(_SAMPLE_BYTES)
    if not start.strip():
        raise SetupError("event file", f"{file} is empty", "Give a file with some lines.")
    if start.lstrip()[0] in "{[":
        return _json(file, encoding)
    return _table(file, start, encoding)


def _encoding(file: Path) -> str | None:
    """None for UTF-8 and what a byte order mark names; else what programs in Western Europe write."""
    with opened_text(file, None) as text:
        start = text.lines.read(_SAMPLE_BYTES)
        if not UNDECODABLE.search(start):
            return None
    with opened_bytes(file) as content:
        begin = content.read(_SAMPLE_BYTES)
    try:
        begin.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _table(file: Path, start: str, encoding: str | None) -> Sample:
    start = SEPARATOR_LINE.sub("", start.replace("\r\n", "\n").replace("\r", "\n"), count=1)
    whole = start[: start.rfind("\n") + 1] or start
    read = {sign: _rows(whole, sign) for sign in _SEPARATORS}
    separator = max(read, key=lambda sign: _agreement(read[sign]))
    rows = read[separator]
    if len(rows) < 2 or len(rows[0]) < 2:
        remedy = "Give a CSV whose first line names the columns, or JSON Lines."
        raise SetupError("event file", f"{file} is no table with a head and lines", remedy)
    head, body = normal(rows[0]), [row for row in rows[1:] if len(row) == len(rows[0])]
    columns = {name: [row[place] for row in body] for place, name in enumerate(head)}
    return Sample("csv", columns, encoding, separator)


def _rows(text: str, separator: str) -> list[list[str]]:
    csv.field_size_limit(_SAMPLE_BYTES + 1)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return list(islice((row for row in rows if any(map(str.strip, row))), MOST_RECORDS))
    except csv.Error:
        return []


def _agreement(rows: list[list[str]]) -> tuple[float, int]:
    """How many rows are as wide as the first; and how wide."""
    if not rows or len(rows[0]) == 1:
        return 0.0, 0
    same = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
    return same, len(rows[0])


def _json(file: Path, encoding: str | None) -> Sample:
    outer = ""
    with opened_text(file, encoding) as text:
        rows = [found.row for found in islice(JsonRecords(text, _BARE), MOST_RECORDS)]
    records: list[dict[str, object]] = [row for row in rows if isinstance(row, dict)]
    if len(records) == 1:  # an answer of an API: the objects are in a list of it
        inner = [(name, value) for name, value in records[0].items() if isinstance(value, list) and _objects(value)]
        if inner:
            outer, found = max(inner, key=lambda pair: len(pair[1]))
            records = [{outer: item} for item in found[:MOST_RECORDS]]
    if not records:
        raise SetupError("event file", f"{file} holds no JSON objects", "Give JSON Lines, or an array of objects.")
    names: dict[str, None] = {}
    lists: dict[str, None] = {outer: None} if outer else {}
    for record in records:
        _gather(record, "", names, lists)
    columns = {name: [_text(name, record) for record in records] for name in names}
    return Sample("json", columns, encoding, lists=tuple(lists))


def _gather(value: object, path: str, names: dict[str, None], lists: dict[str, None]) -> None:
    if isinstance(value, dict) and path.count(".") < _DEEPEST:
        for key, inner in value.items():
            _gather(inner, f"{path}.{key}" if path else key, names, lists)
    elif isinstance(value, list):
        if _objects(value):
            lists[path] = None
            for key in value[0]:
                names[f"{path}[].{key}"] = None
        else:
            names[path] = None
    elif path:
        names[path] = None


def _objects(value: list[object]) -> bool:
    return bool(value) and isinstance(value[0], dict)


def _text(name: str, record: dict[str, object]) -> str:
    found = found_in(record, name)
    if isinstance(found, list) and found and not isinstance(found[0], list | dict):
        return text_of(name, found[0])
    if isinstance(found, list | dict):
        return msgspec.json.encode(found).decode() if found else ""
    return text_of(name, found)
