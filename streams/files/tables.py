"""Tables cut into rows of cells by the standard library's CSV reader (RFC 4180), also where some lines are broken.

A quote that is not closed would swallow what follows. So a record over several lines that has not the width of the head
is given up only as far as its first line: the lines after it are read again, as often as keeps the whole linear.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from schemas.errors import RejectedError
from streams.errors import SetupError
from streams.files.mapping import WHITESPACE, Mapping
from streams.files.opening import UNDECODABLE, Text
from streams.files.records import FileRecord

MOST_LINES: Final = 10_000
"""Lines of one record; a cell with a whole e-mail thread has some hundreds."""
MOST_CHARACTERS: Final = 1 << 20
"""Characters of one record. The contract takes 64 KiB; an export may hold more beside."""

_ENDS = re.compile(r"[\r\n]+(?=[^\r\n])")
_ENDINGS: Final = frozenset({"\r\n", "\r"})
_UNCLOSED: Final = "a quote is opened and not closed"
SEPARATOR_LINE: Final = re.compile(r"\Asep=(.)\r?\n?", re.IGNORECASE)
"""What some spreadsheets write before all else."""


class Table:
    """The rows of a table, its head, and how many lines it had."""

    def __init__(self, text: Text, mapping: Mapping) -> None:
        self._text, self._mapping = text, mapping
        self._lines = _Lines(text.lines)
        self._rows = _rows(self._lines, mapping)
        self.blank = 0
        self.head_lines: list[str] = []
        """The line that names the columns, as it was; none where the mapping does."""
        self.head: tuple[str, ...] = ()
        self.head = self._read_head()

    @property
    def line_number(self) -> int:
        """Lines read until now, of all kinds."""
        return self._lines.number

    def _read_head(self) -> tuple[str, ...]:
        """The names of the columns. Raises SetupError for a head that cannot be read."""
        first = next(self._text.lines, "")
        marker = SEPARATOR_LINE.fullmatch(first)
        if marker is None:
            self._lines.put_back([first] if first else [])
        elif marker[1] != _separator(self._mapping):
            raise SetupError("mapping", f"separator: the table says {marker[1]!r}", "Say the same in the mapping.")
        else:
            self._lines.number += 1
        for _ in islice(self._lines, self._mapping.skip_lines):
            self._lines.begin()
        if self._mapping.columns is not None:
            return tuple(normal(self._mapping.columns))
        record = next(iter(self), None)
        if record is None:
            return ()
        if record.error is not None:
            value = f"the names of the columns cannot be read (line {record.number}): {record.error.detail}"
            raise SetupError("event file", value, "Mend the first line, or name `columns` and `skip_lines`.")
        self.head_lines = record.raw
        return tuple(record.row)

    def __iter__(self) -> Iterator[FileRecord]:
        """The rows that are not empty, in order; a row that cannot be read has an error instead."""
        while True:
            number = self._lines.begin()
            try:
                cells = next(self._rows)
            except StopIteration:
                if not self._lines.taken:
                    return
                cells = []
            except csv.Error as error:
                yield self._bad(
                    number, _UNCLOSED if self._lines.is_cut else f"a quote within quotes is not doubled: {error}"
                )
                continue
            raw = self._lines.taken
            if not any(map(str.strip, cells)) and not self._lines.is_cut:
                self.blank += len(raw)
                continue
            yield self._record(number, cells, raw)

    def _record(self, number: int, cells: list[str], raw: list[str]) -> FileRecord:
        if self._lines.is_cut:
            return self._bad(number, _UNCLOSED)
        width = len(self.head) or len(cells)
        if len(cells) > width and not any(map(str.strip, cells[width:])):
            del cells[width:]  # separators after the last cell
        if len(cells) != width:
            return self._bad(number, f"{len(cells)} cells, the head has {width}{_quote_hint(raw)}")
        if not all(map(str.isascii, raw)):
            if any(map(UNDECODABLE.search, raw)):
                name, remedy = self._text.encoding.upper(), "say `encoding:` in the mapping (cp1252 in Western Europe)"
                return FileRecord(
                    number, None, raw, RejectedError("not_utf8", f"not {name} at line {number}; {remedy}")
                )
            cells = normal(cells)
        return FileRecord(number, cells, raw)

    def _bad(self, number: int, reason: str) -> FileRecord:
        """A bad record, of one line if the others can be read again."""
        return FileRecord(number, None, self._lines.give_back(), RejectedError("wrong_type", reason))


class _Lines:
    """Hands lines to the CSV reader, remembers those of the present record, takes back what it need not have read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._returned: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []
        self.is_cut = False
        self._size = 0
        self._again = 0

    def begin(self) -> int:
        """Begin a record; the number of its first line."""
        self.taken, self._size, self.is_cut = [], 0, False
        return self.number + 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MOST_LINES or self._size > MOST_CHARACTERS:
            self.is_cut = True
            raise StopIteration
        line = self._returned.popleft() if self._returned else next(self._lines, None)
        if line is None:
            self.is_cut = bool(self.taken)
            raise StopIteration
        self.number += 1
        self._size += len(line)
        self.taken.append(line)
        # A line end within a line, as a lone CR in a file of LF, stands in a cell: the reader would end the row there.
        at = line.find("\r")
        is_whole = (at < 0 or line[at:] in _ENDINGS) and line.find("\n", 0, len(line) - 1) < 0
        return line if is_whole else _ENDS.sub(" ", line)

    def put_back(self, lines: list[str]) -> None:
        """Lines to be read next."""
        self._returned.extendleft(reversed(lines))

    def give_back(self) -> list[str]:
        """Put back all but the first line of the record, while that happens seldom enough; what is left of it."""
        rest = self.taken[1:]
        if rest and self._again + len(rest) <= MOST_LINES + 2 * self.number:
            self._again += len(rest)
            self.put_back(rest)
            self.number -= len(rest)
            return self.taken[:1]
        return self.taken


def _rows(lines: _Lines, mapping: Mapping) -> Iterator[list[str]]:
    if mapping.separator == WHITESPACE:
        return map(str.split, lines)
    csv.field_size_limit(MOST_CHARACTERS + 1)
    if not mapping.quote:
        return csv.reader(lines, delimiter=_separator(mapping), quoting=csv.QUOTE_NONE)
    # Strict: else a quote that is not closed swallows the next line up to the next quote, and nobody hears of it.
    return csv.reader(lines, delimiter=_separator(mapping), quotechar=mapping.quote, strict=True)


def _separator(mapping: Mapping) -> str:
    return {"tab": "\t", "\\t": "\t"}.get(mapping.separator, mapping.separator)


def normal(cells: Iterable[str]) -> list[str]:
    """Cells in Unicode's composed form: the same letters are the same text, whichever program wrote them."""
    return [cell if cell.isascii() else unicodedata.normalize("NFC", cell) for cell in cells]


def _quote_hint(raw: list[str]) -> str:
    return "; a quote may be opened and not closed" if len(raw) > 1 else ""
