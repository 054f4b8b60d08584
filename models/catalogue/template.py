"""Texts of alerts: `{name}`, `{name|purchase|purchases}`, and `[a part left out when a value in it is 0 or unknown]`.

A value with `{currency}` behind it is written as money.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from models.catalogue.expressions import Value

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
        return "".join([
            piece.told(values) if isinstance(piece, _Place) else piece
            for names, pieces in _parts(self.text, currency)
            if all(values[name] for name in names)
            for piece in pieces
        ])  # fmt: skip


class _Place(NamedTuple):
    """A place for a value, with the noun for one and for many, or as an amount."""

    name: str
    one: str | None
    many: str | None
    is_money: bool

    def told(self, values: Mapping[str, Value]) -> str:
        value = values[self.name]
        told = _money(value) if self.is_money else _text(value)
        return told if self.one is None else f"{told} {self.one if value == 1 else self.many}"


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
        is_money = text.startswith(f" {{{CURRENCY}}}", match.end())
        pieces += [text[reached : match.start()], currency if name == CURRENCY else _Place(name, one, many, is_money)]
        reached = match.end()
    return (*pieces, text[reached:])


def _money(value: Value) -> str:
    """With cents unless there are none: an amount is read as an amount."""
    if not isinstance(value, int | float):
        return _text(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _text(value: Value) -> str:
    if value is None:
        return "an unknown number of"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
