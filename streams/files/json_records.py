"""JSON Lines, or one JSON document, as records; names are looked up in them as they stand, else as paths."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from schemas.errors import RejectedError
from streams.errors import SetupError
from streams.files.mapping import Mapping, listed
from streams.files.opening import UNDECODABLE, Text
from streams.files.records import FileRecord

MISSING: Final = object()
"""What a look-up finds where there is nothing."""

MOST_DOCUMENT: Final = 1 << 29
"""Characters of a file that is one JSON document: it is held in memory as a whole, lines are not."""

_decode = msgspec.json.Decoder().decode
_UNDECODABLE_JSON = (msgspec.MsgspecError, UnicodeError, RecursionError)


class JsonRecords:
    """The records of a file: an object a line, the items of an array, or the one object; then of lists in them."""

    def __init__(self, text: Text, mapping: Mapping) -> None:
        self._text, self._lists = text, listed(mapping.for_each)
        self._lines = 0
        self.blank = 0
        self.empty = 0
        self.is_document = False

    @property
    def line_number(self) -> int:
        """Lines read until now; items, of a document."""
        return self._lines

    def __iter__(self) -> Iterator[FileRecord]:
        first = next(self._text.lines, "")
        while first and not first.strip():
            self._lines += 1
            self.blank += 1
            first = next(self._text.lines, "")
        if first and _is_part_of_document(first):
            self.is_document = True
            yield from self._items(first)
            return
        if first:
            yield from self._line(first)
        for line in self._text.lines:
            yield from self._line(line)

    def _line(self, line: str) -> Iterator[FileRecord]:
        self._lines += 1
        if not line.strip():
            self.blank += 1
            return
        if not line.isascii() and UNDECODABLE.search(line):
            name = self._text.encoding.upper()
            error = RejectedError("not_utf8", f"not {name} at line {self._lines}; say `encoding:` in the mapping")
            yield FileRecord(self._lines, None, [line], error)
            return
        try:
            found = _decode(line)
        except _UNDECODABLE_JSON as error:
            yield FileRecord(self._lines, None, [line], RejectedError("not_json", str(error)))
            return
        yield from self._each(self._lines, found, [line])

    def _items(self, first: str) -> Iterator[FileRecord]:
        text = first + self._text.lines.read(MOST_DOCUMENT)
        if len(text) >= MOST_DOCUMENT:
            raise SetupError(
                "event file", "one JSON document of more than 512 MB", "Write JSON Lines: an object a line."
            )
        try:
            found = _decode(text)
        except _UNDECODABLE_JSON as error:
            raise SetupError("event file", f"is no JSON: {error}", "Give JSON Lines, or one whole document.") from error
        for item in found if isinstance(found, list) else [found]:
            self._lines += 1
            yield from self._each(self._lines, item, [msgspec.json.encode(item).decode(), "\n"])

    def _each(self, number: int, found: object, raw: list[str]) -> Iterator[FileRecord]:
        if not isinstance(found, dict):
            yield FileRecord(number, None, raw, RejectedError("not_an_object", "a JSON object is expected"))
            return
        rows = [found]
        for path in self._lists:
            try:
                rows = [_with(row, path, item) for row in rows for item in _list_at(row, path)]
            except RejectedError as error:
                yield FileRecord(number, None, raw, error)
                return
        if not rows:
            self.empty += 1
            yield FileRecord(number, MISSING, raw)
        for row in rows:
            yield FileRecord(number, row, raw)


def _is_part_of_document(line: str) -> bool:
    """Whether the first line is no complete object: then the whole file is one document."""
    if line.lstrip().startswith("["):
        return True
    if not line.lstrip().startswith("{"):
        return False
    try:
        _decode(line)
    except _UNDECODABLE_JSON as error:
        return "truncated" in str(error)
    return False


def found_in(row: object, name: str) -> object:
    """What a name stands for in a record, or `MISSING`.

    A key of that name comes first, dots and brackets included; else the name is a path: `a.b`, an item `a.0.b`, and
    `a[].b` for the list of that in all items.

    >>> found_in({"a": {"b": 1}, "a.b": 2}, "a.b"), found_in({"a": [{"b": 1}, {"b": 2}]}, "a[].b")
    (2, [1, 2])
    """
    if isinstance(row, dict):
        if name in row:
            return row[name]
        for at, sign in enumerate(name):
            if (sign == "." or name.startswith("[]", at)) and name[:at] in row:
                found = found_in(row[name[:at]], name[at + (sign == ".") :])
                if found is not MISSING:
                    return found
    elif isinstance(row, list):
        if name.startswith("[]"):
            rest = name[2:].removeprefix(".")
            items = [found_in(item, rest) if rest else item for item in row]
            return [item for item in items if item is not MISSING]
        place, _, rest = name.partition(".")
        if place.isascii() and place.isdigit() and len(place) < 6 and int(place) < len(row):
            return found_in(row[int(place)], rest) if rest else row[int(place)]
    return MISSING


def _list_at(row: dict[str, Any], path: str) -> list[object]:
    found = found_in(row, path)
    if found is MISSING or found is None:
        return []
    if not isinstance(found, list):
        raise RejectedError("wrong_type", f"{path} is no list", path)
    return found


def _with(row: dict[str, Any], path: str, item: object) -> dict[str, Any]:
    """The record with one item in the place of the list it is from."""
    if path in row:
        return row | {path: item}
    for at, sign in enumerate(path):
        inner = row.get(path[:at]) if sign == "." else None
        if isinstance(inner, dict) and found_in(inner, path[at + 1 :]) is not MISSING:
            return row | {path[:at]: _with(inner, path[at + 1 :], item)}
    raise RejectedError("wrong_type", f"{path} is within a list: name that list in `for_each` before it", path)


def text_of(name: str, value: object) -> str:
    """A JSON value as text; nothing and null are empty. Raises RejectedError for a list or an object."""
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if value is MISSING or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    kind = "a list" if isinstance(value, list) else "an object"
    raise RejectedError("wrong_type", f"{name} is {kind}: name what in it is meant, as {name}.0 or {name}.id", name)
