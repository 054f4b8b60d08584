"""Names looked up in records: the columns of a table, or the keys and paths of JSON. A missing column is said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from models.catalogue.suggestion import did_you_mean
from streams.errors import SetupError
from streams.files.json_records import MISSING, found_in, text_of

_MOST_NAMES: Final = 40
_MOST_LETTERS: Final = 60
"""What is shown of a head: a screenful, also of a file that is no table."""

Read = Callable[[Any], str]
ReadAll = Callable[[Any], list[str]]


def shown_names(names: Iterable[str]) -> str:
    """Names as people are told of them, as many as they would read."""
    listed = list(names)
    shown = [f"{name[:_MOST_LETTERS]}…" if len(name) > _MOST_LETTERS else name for name in listed[:_MOST_NAMES]]
    return ", ".join([*shown, *(["…"] if len(listed) > _MOST_NAMES else [])])


class Fields(Protocol):
    """Where the values of a record are."""

    def one(self, name: str, among: tuple[str, ...] = ()) -> Read:
        """How to read a name, one among several that stand for each other, as text; empty where there is nothing.

        Raises SetupError for what no record can have.
        """

    def every(self, name: str, among: tuple[str, ...] = ()) -> ReadAll:
        """How to read all values of a name that are filled: of a list, of the lines of a group."""

    def has(self, name: str) -> bool:
        """Whether a record can have it."""


class TableFields:
    """Columns of a table, taken literally. In a group of lines the first cell that is filled counts."""

    def __init__(self, head: tuple[str, ...], optional: tuple[str, ...], *, is_grouped: bool) -> None:
        self._head, self._optional, self._is_grouped = head, optional, is_grouped
        self._often = {name for name, count in Counter(head).items() if count > 1}

    def one(self, name: str, among: tuple[str, ...] = ()) -> Read:  # noqa: ARG002 - the head tells what is missing
        """A cell as text. Raises SetupError for a column that is not there, or twice."""
        place = self._place(name)
        if place is None:
            return lambda _: ""
        if self._is_grouped:
            return lambda rows: next((row[place] for row in rows if row[place].strip()), "")
        return lambda row: str(row[place])

    def every(self, name: str, among: tuple[str, ...] = ()) -> ReadAll:  # noqa: ARG002 - as above
        """The cells that are filled."""
        place = self._place(name)
        if place is None:
            return lambda _: []
        if self._is_grouped:
            return lambda rows: [row[place] for row in rows if row[place].strip()]
        return lambda row: [row[place]] if row[place].strip() else []

    def has(self, name: str) -> bool:
        """Whether the table has the column."""
        return name in self._head

    def _place(self, name: str) -> int | None:
        if name in self._often:
            remedy = "Name the columns yourself: `columns: [...]` and `skip_lines: 1` in the mapping."
            raise SetupError("mapping", f"the table has column {name!r} more than once", remedy)
        if name in self._head:
            return self._head.index(name)
        if name in self._optional:
            return None
        raise SetupError("mapping", f"no column {name!r}", self._remedy(name))

    def _remedy(self, name: str) -> str:
        if len(self._head) == 1:
            other = next((sign for sign in ";\t|," if sign in self._head[0]), None)
            if other is not None:
                said = "tab" if other == "\t" else f'"{other}"'
                return f"The table has one column, {self._head[0][:80]!r}: is `separator: {said}` meant?"
        return f"{did_you_mean(name, self._head)}The table has: {shown_names(self._head)}."


class JsonFields:
    """Keys and paths of JSON objects. What no record had is known at the end: `never`."""

    def __init__(self) -> None:
        self.never: set[str] = set()

    def one(self, name: str, among: tuple[str, ...] = ()) -> Read:
        """A value as text."""
        find = self._finder(name, among)
        return lambda row: text_of(name, find(row))

    def every(self, name: str, among: tuple[str, ...] = ()) -> ReadAll:
        """The values of a list that are filled, or the one value; an object is filled, whatever it holds."""
        find = self._finder(name, among)

        def read(row: object) -> list[str]:
            found = find(row)
            items = found if isinstance(found, list) else [found]
            texts = ["{}" if isinstance(item, dict | list) else text_of(name, item) for item in items]
            return [text for text in texts if text.strip()]

        return read

    def has(self, name: str) -> bool:  # noqa: ARG002 - any record may have it
        """Whether a record can have it."""
        return True

    def _finder(self, name: str, among: tuple[str, ...]) -> Callable[[object], object]:
        self.never.add(name)
        forget, known = self.never.difference_update, {name, *among}

        def find(row: object) -> object:
            found = found_in(row, name)
            if found is not MISSING:
                forget(known)
            return found

        return find
