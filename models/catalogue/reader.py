"""Reads typed values out of parsed YAML and gathers every mistake instead of stopping at the first."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from models.catalogue.suggestion import did_you_mean
from models.catalogue.tokens import LanguageError
from models.config import Number

T = TypeVar("T")
C = TypeVar("C")
MAX_NUMBER: Final = 1e15
"""Greatest number in a catalogue: what is larger, infinite or not a number is a slip of the pen."""
LONGEST_TEXT: Final = 2_000
"""Characters of a text: it is on every revision of an alert."""
_SHOWN: Final = 80


class Mistake(NamedTuple):
    """One thing wrong in a catalogue: the path of keys that leads to it, and the explanation."""

    path: tuple[str, ...]
    reason: str


class CatalogueError(Exception):
    """A catalogue that cannot be used, with all its mistakes."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(f"{'.'.join(m.path)}: {m.reason}" for m in mistakes))
        self.mistakes = mistakes

    def __reduce__(self) -> tuple[type["CatalogueError"], tuple[list[Mistake]]]:
        return type(self), (self.mistakes,)


class Reader:
    """Reads typed values out of a mapping and collects mistakes instead of stopping at the first."""

    def __init__(self, found: Iterable[Mistake] = ()) -> None:
        self.mistakes = list(found)

    def wrong(self, path: tuple[str, ...], reason: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(path, reason))

    def mapping(self, path: tuple[str, ...], source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """A mapping; empty when it is missing or wrong."""
        value = source.get(key, {})
        if not isinstance(value, Mapping):
            self.wrong((*path, key), f"must be a mapping, not {shown(value)}")
            return {}
        return value

    def text(self, path: tuple[str, ...], source: Mapping[str, Any], key: str) -> str:
        """A text that must be there."""
        value = source.get(key)
        at = (*path, key)
        if not isinstance(value, str) or not value.strip():
            hint = ": write it in quotes" if isinstance(value, bool | int | float) else ""
            self.wrong(at, "is required: a text" if value is None else f"must be a text, not {shown(value)}{hint}")
            return ""
        if len(value) > LONGEST_TEXT:
            self.wrong(at, f"must have at most {LONGEST_TEXT:,} characters, not {len(value):,}")
        odd = next((one for one in value if unicodedata.category(one) in {"Cc", "Cs"} and one != "\n"), None)
        if odd is not None:
            self.wrong(at, f"must not hold the control character {odd!a}")
        return value.strip()

    def address(self, path: tuple[str, ...], source: Mapping[str, Any], key: str, signal: str) -> str:
        """An http(s) address that must be there; `{signal}` in it stands for the id of the signal."""
        text = self.text(path, source, key).replace("{signal}", signal)
        if text and not re.fullmatch(r"https?://[^\s{}]+", text):
            told = f"must be an http(s) address; {{signal}} stands for the signal's id: {shown(text)}"
            self.wrong((*path, key), told)
        return text

    def number(
        self, path: tuple[str, ...], source: Mapping[str, Any], key: str, *,
        default: Number | None, least: Number, most: Number = MAX_NUMBER,
    ) -> Number:  # fmt: skip
        """A number from `least` to `most`; `least` also stands for a wrong one."""
        value = source.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            allowed = f"of at least {least:g}" + ("" if most == MAX_NUMBER else f" and at most {most:,.10g}")
            self.wrong((*path, key), f"must be a number {allowed}, not {shown(value)}{_hint(value)}")
            return least
        return value

    def whole(
        self, path: tuple[str, ...], source: Mapping[str, Any], key: str, *,
        default: int | None, least: int, most: Number = MAX_NUMBER,
    ) -> int:  # fmt: skip
        """The same, and whole."""
        value = self.number(path, source, key, default=default, least=least, most=most)
        if value != int(value):
            self.wrong((*path, key), f"must be a whole number, not {value!r}")
        return int(value)

    def flag(self, path: tuple[str, ...], source: Mapping[str, Any], key: str, *, default: bool) -> bool:
        """True or false."""
        value = source.get(key, default)
        if not isinstance(value, bool):
            self.wrong((*path, key), f"must be true or false, not {shown(value)}")
        return value is True

    def choice(self, path: tuple[str, ...], source: Mapping[str, Any], key: str, allowed: tuple[Any, ...]) -> Any:
        """One of those allowed; the first stands for a wrong one."""
        value = source.get(key)
        if value not in allowed:
            self.wrong((*path, key), f"must be one of {', '.join(map(str, allowed))}, not {shown(value)}")
            return allowed[0]
        return value

    def unknown_keys(self, path: tuple[str, ...], source: Mapping[str, Any], allowed: Collection[str]) -> None:
        """Note every key that is not allowed: most are typing errors."""
        for key in source:
            if key not in allowed:
                question = did_you_mean(str(key), allowed)
                self.wrong((*path, str(key)), f"is not a key here. {question}Known are {', '.join(sorted(allowed))}")

    def compiled(self, path: tuple[str, ...], compiler: Callable[[str, C], T], text: Any, constants: C) -> T | None:
        """An expression compiled; None for one that is missing or not of the language."""
        if any(mistake.path == path for mistake in self.mistakes):  # said already: the text is missing
            return None
        try:
            return compiler(str(text), constants)
        except LanguageError as error:
            self.wrong(path, str(error))
            return None


def shown(value: Any) -> str:
    """A value as a mistake shows it: never longer than a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _hint(value: Any) -> str:
    """How a text that looks like a number must be written to be one."""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if re.fullmatch(r"-?[0-9]+,[0-9]+", text):
        return f": write {text.replace(',', '.')}, with a point"
    if re.fullmatch(r"[0-9]+(:[0-9]+)+", text):
        return ": no time of day is a number here"
    if re.fullmatch(r"-?0[0-9]+", text):
        return ": write it without leading zeros"
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return ": write it without quotes"
    return ""


def as_mapping(body: Any) -> Mapping[str, Any]:
    """The same if it is a mapping, else an empty one: what is missing in it is told key by key."""
    return body if isinstance(body, Mapping) else {}
