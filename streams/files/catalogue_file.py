"""Reads a catalogue from YAML, lays it over the one in the product, and finds the line of each mistake."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from models.calendar import DAY_MS
from models.catalogue.catalogue import build_rules
from models.catalogue.overlay import amounts_taken_over, is_off, merged, overlay_mistakes
from models.catalogue.reader import CatalogueError, Mistake
from models.catalogue.rules import Rules
from schemas.erasure import DEFAULT_SALT
from streams.errors import SetupError
from streams.files.yaml_file import Document, YamlError, read_document, read_text
from streams.settings import Settings

CATALOGUE = "catalogue"


class PlacedMistake(NamedTuple):
    """A mistake and the line it is on (1 for what is missing altogether)."""

    line: int
    mistake: Mistake

    def __str__(self) -> str:
        where = f"{'.'.join(self.mistake.path)}: " if self.mistake.path else ""
        return f"line {self.line}: {where}{self.mistake.reason}"


class BadCatalogueError(SetupError):
    """A catalogue that cannot be used: the file, and its mistakes in the order of their lines."""

    def __init__(self, path: Path | None, mistakes: list[PlacedMistake]) -> None:
        name = "the one in the product" if path is None else str(path)
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        super().__init__(
            CATALOGUE, f"{name}, {mistakes[0]}{more}", f"All of them: churn-signals catalogue check {name}."
        )
        self.path, self.mistakes = path, mistakes

    def __reduce__(self) -> tuple[type[BadCatalogueError], tuple[Path | None, list[PlacedMistake]]]:  # type: ignore[override]  # of its own fields
        return type(self), (self.path, self.mistakes)


def default_text() -> str:
    """The YAML of the catalogue in the product."""
    return (files("models") / "catalogue" / "default.yaml").read_text("utf-8")


def load_rules(settings: Settings) -> Rules:
    """The rules these settings name. Raises SetupError, a BadCatalogueError for mistakes in the file."""
    path = settings.catalogue
    if path is None:
        return _built(_default(), settings, None)
    try:
        document = read_document(read_text(path, CATALOGUE))
    except YamlError as error:
        raise BadCatalogueError(path, [PlacedMistake(error.line, Mistake((), error.reason))]) from error
    return _built(document, settings, path)


def rules_of(text: str, settings: Settings) -> Rules:
    """The rules of a catalogue's YAML. Raises YamlError or BadCatalogueError."""
    return _built(read_document(text), settings, None)


def notes_on(path: Path) -> list[str]:
    """What is worth knowing of a catalogue without mistakes."""
    own = read_document(read_text(path, CATALOGUE)).value
    base = _default().value if "base" in own else {}
    return [
        f"{room}.{name} is still {base[room][name]}, now in {own['currency']}: put in your own"
        for room, name in amounts_taken_over(base, own)
    ]


def own_owners(path: Path) -> list[str]:
    """The owners of whom a catalogue without mistakes says something itself."""
    own = read_document(read_text(path, CATALOGUE)).value
    return [name for name, given in own.get("owners", {}).items() if not is_off(given)]


@cache
def _default() -> Document:
    return read_document(default_text())


def _built(document: Document, settings: Settings, path: Path | None) -> Rules:
    own = document.value
    if not isinstance(own, Mapping):
        raise BadCatalogueError(path, [PlacedMistake(1, Mistake((), f"a catalogue is a mapping of keys, not {own!r}"))])
    if own.get("base", "default") != "default":
        mistake = Mistake(("base",), f"must be default or left out, not {own['base']!r}")
        raise BadCatalogueError(path, [_placed(document, mistake)])
    base = _default().value if "base" in own else {}
    try:
        return build_rules(
            merged(base, _with_hit_rates(own, document, path)),
            found=overlay_mistakes(base, own),
            zone=settings.zone,
            disorder_ms=settings.disorder_s * 1000,
            lateness_ms=settings.lateness_days * DAY_MS,
            erasure_salt=settings.erasure_salt or DEFAULT_SALT,
        )
    except CatalogueError as error:
        raise BadCatalogueError(path, sorted({_placed(document, mistake) for mistake in error.mistakes})) from error


def _with_hit_rates(own: Mapping[str, Any], document: Document, path: Path | None) -> Mapping[str, Any]:
    """The catalogue with the content of the file that `hit_rates` names: the hash is of what it says, not of its name.

    The file lies beside the catalogue unless it says where.
    """
    name = own.get("hit_rates")
    if not isinstance(name, str) or is_off(name):
        return own
    file = (Path() if path is None else path.parent) / name
    try:
        return {**own, "hit_rates": read_document(read_text(file, "hit rates")).value}
    except SetupError as error:
        reason = f"{error.value}. `churn-signals signals --keep {name}` writes it"
    except YamlError as error:
        reason = f"{file}, {error}"
    raise BadCatalogueError(path, [_placed(document, Mistake(("hit_rates",), reason))])


def _placed(document: Document, mistake: Mistake) -> PlacedMistake:
    """A mistake at its line; one in what all signals have by default is told once, there."""
    path = mistake.path
    if len(path) > 2 and path[0] == "signals" and path[:3] not in document and ("defaults", path[2]) in document:
        mistake = mistake._replace(path=("defaults", *path[2:]))
    return PlacedMistake(document.line_of(mistake.path), mistake)
