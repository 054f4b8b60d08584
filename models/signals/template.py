"""Texts of alerts: `{name}`, `{name|purchase|purchases}`, and `[a part left out when a value in it is 0 or unknown]`.

A value with `{currency}` behind it is written as money.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from models.signals.measures import Value

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

        def part(match: re.Match[str]) -> str:
            inner = match[1]
            return inner if all(values[name] for name in Template(inner).names) else ""

        def place(match: re.Match[str]) -> str:
            name, one, many = match.groups()
            if name == CURRENCY:
                return currency
            value = values[name]
            is_money = match.string.startswith(f" {{{CURRENCY}}}", match.end())
            told = _money(value) if is_money else _text(value)
            return told if one is None else f"{told} {one if value == 1 else many}"

        return _PLACE.sub(place, _PART.sub(part, self.text))


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
