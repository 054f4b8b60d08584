"""Reads typed values out of parsed YAML and gathers every mistake instead of stopping at the first."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from models.catalogue.language import LanguageError
from models.config import Number

T = TypeVar("T")
MOST = 1e15
"""Greatest number in a catalogue: what is larger, infinite or not a number is a slip of the pen."""


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

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def wrong(self, path: tuple[str, ...], reason: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(path, reason))

    def mapping(self, path: tuple[str, ...], source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """A mapping; empty when it is missing or wrong."""
        value = source.get(key, {})
        if not isinstance(value, Mapping):
            self.wrong((*path, key), f"must be a mapping, not {value!r}")
            return {}
        return value

    def text(self, path: tuple[str, ...], source: Mapping[str, Any], key: str) -> str:
        """A text that must be there."""
        value = source.get(key)
        if not isinstance(value, str) or not value.strip():
            self.wrong((*path, key), "is required: a text" if value is None else f"must be a text, not {value!r}")
            return ""
        return value.strip()

    def number(
        self, path: tuple[str, ...], source: Mapping[str, Any], key: str, *, default: Number | None, least: Number
    ) -> Number:
        """A number of at least `least`, which also stands for a wrong one."""
        value = source.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < MOST:
            self.wrong((*path, key), f"must be a number of at least {least:g}, not {value!r}")
            return least
        return value

    def whole(
        self, path: tuple[str, ...], source: Mapping[str, Any], key: str, *, default: int | None, least: int
    ) -> int:
        """The same, and whole."""
        value = self.number(path, source, key, default=default, least=least)
        if value != int(value):
            self.wrong((*path, key), f"must be a whole number, not {value!r}")
        return int(value)

    def flag(self, path: tuple[str, ...], source: Mapping[str, Any], key: str, *, default: bool) -> bool:
        """True or false."""
        value = source.get(key, default)
        if not isinstance(value, bool):
            self.wrong((*path, key), f"must be true or false, not {value!r}")
        return value is True

    def choice(self, path: tuple[str, ...], source: Mapping[str, Any], key: str, allowed: tuple[Any, ...]) -> Any:
        """One of those allowed; the first stands for a wrong one."""
        value = source.get(key)
        if value not in allowed:
            self.wrong((*path, key), f"must be one of {', '.join(map(str, allowed))}, not {value!r}")
            return allowed[0]
        return value

    def unknown_keys(self, path: tuple[str, ...], source: Mapping[str, Any], allowed: set[str]) -> None:
        """Note every key that is not allowed: most are typing errors."""
        for key in source:
            if key not in allowed:
                self.wrong((*path, str(key)), f"is not a key here; known are {', '.join(sorted(allowed))}")

    def compiled(self, path: tuple[str, ...], compiler: Callable[[str, Mapping[str, Number]], T], text: Any,
                    constants: Mapping[str, Number]) -> T | None:  # fmt: skip
        """An expression compiled; None for one that is missing or not of the language."""
        if any(mistake.path == path for mistake in self.mistakes):  # said already: the text is missing
            return None
        try:
            return compiler(str(text), constants)
        except LanguageError as error:
            self.wrong(path, str(error))
            return None


def as_mapping(body: Any) -> Mapping[str, Any]:
    """The same if it is a mapping, else an empty one: what is missing in it is told key by key."""
    return body if isinstance(body, Mapping) else {}
