"""The values of a mapping file, made into functions of a record once, before the first line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any, Final

from schemas.errors import RejectedError
from streams.files.fields import Fields, Read
from streams.files.mapping import LEAVE_OUT, Cell, Mapping, Scalar, Value, WhenCondition, listed, texts_in
from streams.files.numbers import Number, number_reader, to_float, to_whole

MADE_UP: Final = frozenset({"customer_id", "day", "nth"})
"""What a text of an event may name besides columns."""

MOST_CHARACTERS: Final = 1024
"""Longest text that is read as a number or a time, or looked up: no honest one comes near, and they are remembered."""

_KINDS: Final[dict[str, type]] = {"amount": float, "items": int, "machine_open": bool}
"""Fields of events that are no texts."""
_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Fill = Callable[[Any, dict[str, str]], Scalar | None]
"""A value of a record and what was made up for it; None: there is none."""


class LeftOutError(Exception):
    """A record is left out by a rule of the mapping: which, and by what value."""

    def __init__(self, rule: str, value: str) -> None:
        super().__init__(rule, value)
        self.rule, self.value = rule, value


class CellReaders:
    """Makes functions of the values of one mapping, for the fields of one file."""

    def __init__(self, mapping: Mapping, fields: Fields) -> None:
        self._fields = fields
        self._number = number_reader(mapping.decimal, mapping.grouping)

    def fill(self, value: Value, made_up: frozenset[str] = frozenset(), *, needs_all: bool = False) -> Fill:
        """How to read a value. With `needs_all` a line is bad if any column of a text is empty, else if all are."""
        if isinstance(value, str):
            return self._text(value, made_up, needs_all=needs_all)
        if not isinstance(value, Cell):
            return lambda _row, _made: value
        return self._changed(value, self._source(value, made_up, needs_all=needs_all))

    def field(self, name: str, value: Value, made_up: frozenset[str]) -> Fill:
        """How to read a field of an event: a text where the contract wants a number is read as one, and the reverse."""
        fill, kind = self.fill(value, made_up), _KINDS.get(name, str)
        if kind is str and isinstance(value, str):
            return fill

        def read(row: object, made: dict[str, str]) -> Scalar | None:
            found = fill(row, made)
            if found is None or isinstance(found, kind) or (kind is float and isinstance(found, int)):
                return found
            if kind is str:
                return str(found)
            text = _short(name, str(found))
            if kind is bool:
                return _TRUTH.get(text.strip().lower(), text)
            return to_whole(name, text, self._number) if kind is int else to_float(name, text, self._number)

        return read

    def first(self, names: tuple[str, ...]) -> Read:
        """The first of some columns that is filled; of those that the table has, if it has any."""
        there = [name for name in names if self._fields.has(name)] or list(names)
        reads = [self._fields.one(name, names) for name in there]
        if len(reads) == 1:
            return reads[0]
        return lambda row: next((text for read in reads if (text := read(row)).strip()), "")

    def fits(self, name: str, wanted: str | tuple[str, ...] | WhenCondition) -> Callable[[Any], bool]:
        """Whether a column is as a `when` says; of a list, whether an item is."""
        condition = wanted if isinstance(wanted, WhenCondition) else WhenCondition(is_in=wanted)
        among, never = set(map(str.strip, listed(condition.is_in))), set(map(str.strip, listed(condition.not_in)))
        every, sign, empty = self._fields.every(name), condition.sign, condition.empty
        may_be_empty = condition.is_in is None or "" in among

        def fit(row: object) -> bool:
            texts = [text.strip() for text in every(row)]
            if empty is not None and bool(texts) == empty:
                return False
            if condition.is_in is not None and not (among.intersection(texts) or (may_be_empty and not texts)):
                return False
            if never.intersection(texts) or (not texts and "" in never):
                return False
            return sign is None or any(self._sign(name, text) == sign for text in texts)

        return fit

    def _sign(self, name: str, text: str) -> str:
        value = to_float(name, _short(name, text), self._number)
        return "negative" if value < 0 else "positive" if value else "zero"

    def _text(self, template: str, made_up: frozenset[str], *, needs_all: bool) -> Fill:
        pairs = texts_in(template)
        names = [name for _, name in pairs if name is not None]
        if not names:
            constant = "".join(plain for plain, _ in pairs)
            return lambda _row, _made: constant
        reads = [
            (plain, name, None if name is None or name in made_up else self._fields.one(name)) for plain, name in pairs
        ]

        plain, _, only = reads[0]
        if len(reads) == 1 and only is not None and not needs_all:
            return lambda row, _made: f"{plain}{text}" if (text := only(row)).strip() else None

        def read(row: object, made: dict[str, str]) -> str | None:
            parts, filled = [], 0
            for plain, name, cell in reads:
                parts.append(plain)
                if name is None:
                    continue
                text = made[name] if cell is None else cell(row)
                if text.strip():
                    filled += 1
                elif needs_all:
                    raise RejectedError("missing_field", f"{name} is empty", name)
                parts.append(text)
            return "".join(parts) if filled else None

        return read

    def _source(self, cell: Cell, made_up: frozenset[str], *, needs_all: bool) -> Fill:
        if cell.text is not None:
            return self._text(cell.text, made_up, needs_all=needs_all)
        if cell.count is not None:
            every = self._fields.every(cell.count)
            return lambda row, _made: len(every(row)) or None
        if cell.sum is not None:
            return self._summed(cell.sum)
        names = listed(cell.column or cell.number or cell.whole)
        read, label = self.first(names), " or ".join(names)
        if cell.column is not None and cell.values is not None:
            return self._listed_value(names, cell.values)
        if cell.column is not None:
            return lambda row, _made: text if (text := read(row)).strip() else None
        convert: Callable[[str, str, Callable[[str], Number]], float] = to_whole if cell.number is None else to_float

        def number(row: object, _made: dict[str, str]) -> float | None:
            text = read(row)
            return convert(label, _short(label, text), self._number) if text.strip() else None

        return number

    def _listed_value(self, names: tuple[str, ...], table: dict[str, Scalar]) -> Fill:
        """Of a list (tags, say) the first item that is in the table, else the first."""
        there = [name for name in names if self._fields.has(name)] or list(names)
        every = [self._fields.every(name, names) for name in there]

        def read(row: object, _made: dict[str, str]) -> str | None:
            texts = next((texts for one in every if (texts := one(row))), [])
            return next((text for text in texts if text.strip() in table), texts[0] if texts else None)

        return read

    def _summed(self, name: str) -> Fill:
        every = self._fields.every(name)

        def add(row: object, _made: dict[str, str]) -> float | None:
            values = [to_float(name, _short(name, text), self._number) for text in every(row)]
            if not values:
                return None
            total = round(sum(values), 6)  # cents that are added as binary fractions
            return int(total) if total == int(total) else total

        return add

    def _changed(self, cell: Cell, source: Fill) -> Fill:
        steps, default = steps_of(cell), cell.default

        def read(row: object, made: dict[str, str]) -> Scalar | None:
            value = source(row, made)
            for step in steps:
                if value is None:
                    break
                value = step(value)
            return default if value is None else value

        return read if steps or default is not None else source


def steps_of(cell: Cell) -> list[Callable[[Scalar], Scalar]]:
    """What is done with a value, in the order that the reference gives."""
    steps: list[Callable[[Scalar], Scalar]] = []
    if cell.trim:
        steps.append(lambda value: str(value).strip())
    if cell.lower:
        steps.append(lambda value: str(value).lower())
    if cell.upper:
        steps.append(lambda value: str(value).upper())
    if cell.values is not None:
        steps.append(partial(_looked_up, cell))
    if cell.hash:
        key = f"{cell.hash}\0" if isinstance(cell.hash, str) else ""
        steps.append(lambda value: sha256(f"{key}{value}".encode(errors="surrogatepass")).hexdigest()[:32])
    if cell.prefix:
        steps.append(lambda value: f"{cell.prefix}{value}")
    return steps


def _looked_up(cell: Cell, value: Scalar) -> Scalar:
    """What the table of a value says for it."""
    assert cell.values is not None  # asked for by the caller
    name = cell.text or " or ".join(listed(cell.column or cell.number or cell.whole)) or str(cell.sum or cell.count)
    text = str(value).strip()
    found = cell.values.get(text, cell.otherwise)
    if found is None:
        known = ", ".join(list(cell.values)[:10])
        detail = f"{name}: {text[:80]!r} is not in its table of values ({known}): add it, or an `else:`"
        raise RejectedError("unknown_value", detail)
    if found == LEAVE_OUT:
        raise LeftOutError(f"{name} not in its table", text[:80])
    return found


def _short(name: str, text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise RejectedError("wrong_type", f"{name}: a text of {len(text):,} characters is no number")
    return text


def columns_of(value: Value) -> set[str]:
    """The names that a value reads. Raises ValueError for a text whose braces are not in pairs."""
    if isinstance(value, str):
        return {name for _, name in texts_in(value) if name is not None}
    if not isinstance(value, Cell):
        return set()
    named = {name for one in (value.column, value.number, value.whole, value.sum, value.count) for name in listed(one)}
    return named | columns_of(value.text) if value.text is not None else named
