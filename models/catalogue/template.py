"""Texts of alerts: `{name}`, `{name|purchase|purchases}`, and `[a part left out when a value in it is 0 or unknown]`.

A value with `{currency}` behind it is written as money.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from models.catalogue.currencies import digits_of
from models.catalogue.terms import Value

_PLACE = re.compile(r"\{(\w+)(?:\|([^|{}\[\]]+)\|([^|{}\[\]]+))?\}")
_PART = re.compile(r"\[([^\[\]]*)\]")
CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places for values."""

    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The values it asks for, in order."""
        return tuple(match[1] for match in _PLACE.finditer(self.text) if match[1] != CURRENCY)

    @property
    def slip(self) -> str | None:
        """What is wrong with its brackets; None when all are in pairs and hold what they may."""
        if set(_PART.sub(r"\1", self.text)) & set("[]"):
            return "[ and ] must come in pairs, not within each other"
        if any(not _PLACE.search(part[1]) for part in _PART.finditer(self.text)):
            return "a part in [ ] must hold a value, as in [, {tickets|ticket|tickets}]"
        if stray := re.search(r"\{[^}]*\}?|\}", _PLACE.sub("", self.text)):
            return f"{stray[0]!r} must be written {{name}} or {{name|one|many}}"
        return None

    def filled(self, values: Mapping[str, Value], currency: str) -> str:
        """The text with its values."""
        return self.lines({name: [value] for name, value in values.items()}, 1, currency)[0]

    def lines(self, values: Mapping[str, Sequence[Value]], count: int, currency: str) -> list[str]:
        """The text so many times, each with values of its own: columns of pieces, put together line by line."""
        columns: list[Iterable[str]] = []
        for names, pieces in _parts(self.text, currency):
            part = [
                piece.told(values[piece.name]) if isinstance(piece, _Place) else repeat(piece, count)
                for piece in pieces
            ]
            if names:
                is_told = zip(*(values[name] for name in names), strict=True)
                lines = map("".join, zip(*part, strict=True))
                columns.append([line if all(known) else "" for known, line in zip(is_told, lines, strict=True)])
            else:
                columns += part
        return [*map("".join, zip(*columns, strict=True))]


class _Place(NamedTuple):
    """A place for a value, with the noun for one and for many, or as an amount with so many decimals."""

    name: str
    one: str | None
    many: str | None
    decimals: int | None

    def told(self, values: Sequence[Value]) -> list[str]:
        told = [*map(_text, values)] if self.decimals is None else [_money(value, self.decimals) for value in values]
        if self.one is None:
            return told
        return [f"{text} {self.one if text == '1' else self.many}" for text in told]


@lru_cache(maxsize=1000)
def _parts(text: str, currency: str) -> tuple[tuple[tuple[str, ...], tuple[str | _Place, ...]], ...]:
    """The text cut up, once: the values without which a part is left out, and its pieces."""
    parts: list[tuple[tuple[str, ...], tuple[str | _Place, ...]]] = []
    reached = 0
    for match in _PART.finditer(text):
        parts.append(((), _pieces(text[reached : match.start()], currency)))
        parts.append((Template(match[1]).names, _pieces(match[1], currency)))
        reached = match.end()
    parts.append(((), _pieces(text[reached:], currency)))
    return tuple(parts)


def _pieces(text: str, currency: str) -> tuple[str | _Place, ...]:
    pieces: list[str | _Place] = []
    reached = 0
    for match in _PLACE.finditer(text):
        name, one, many = match.groups()
        decimals = digits_of(currency) if text.startswith(f" {{{CURRENCY}}}", match.end()) else None
        pieces += [text[reached : match.start()], currency if name == CURRENCY else _Place(name, one, many, decimals)]
        reached = match.end()
    return tuple(piece for piece in (*pieces, text[reached:]) if piece)


def _money(value: Value, decimals: int) -> str:
    """With the currency's decimals unless they are all zero: an amount is read as an amount."""
    if not isinstance(value, int | float):
        return _text(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{decimals}f}"


def _text(value: Value) -> str:
    if type(value) is int:
        return f"{value:,}"
    if value is None:
        return "an unknown number of"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return str(value)
