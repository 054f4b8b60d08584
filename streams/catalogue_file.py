"""Reads a catalogue from YAML, lays it over the one in the product, and finds the line of each mistake."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from models.calendar import DAY_MS
from models.catalogue.catalogue import build_rules, merged
from models.catalogue.reader import CatalogueError, Mistake
from models.catalogue.rules import Rules
from streams.errors import SetupError
from streams.settings import Settings, variable_of


class PlacedMistake(NamedTuple):
    """A mistake and the line it is on (1 for what is missing altogether)."""

    line: int
    mistake: Mistake

    def __str__(self) -> str:
        return f"line {self.line}: {'.'.join(self.mistake.path)}: {self.mistake.reason}"


def default_text() -> str:
    """The YAML of the catalogue in the product."""
    return (files("models") / "catalogue" / "default.yaml").read_text()


def load_rules(settings: Settings) -> Rules:
    """The rules these settings name. Raises SetupError naming the file, the first mistake and how to see the others."""
    path = settings.catalogue
    text = default_text() if path is None else path.read_text()
    try:
        return rules_of(text, settings)
    except yaml.YAMLError as error:
        raise SetupError(variable_of("catalogue"), f"{path} is not YAML: {error}", "Mend the file.") from error
    except CatalogueError as error:
        first = placed(error.mistakes, text)[0]
        value = f"{path}, {first}" if path else str(first)
        raise SetupError(
            variable_of("catalogue"), value, f"All mistakes: churn-signals catalogue check {path}."
        ) from error


def rules_of(text: str, settings: Settings) -> Rules:
    """The rules of a catalogue's YAML. Raises yaml.YAMLError or CatalogueError."""
    own = yaml.safe_load(text)
    if not isinstance(own, Mapping):
        raise CatalogueError([Mistake(("catalogue",), "must be a mapping of keys")])
    return build_rules(
        _with_base(own),
        zone=settings.zone,
        disorder_ms=settings.disorder_s * 1000,
        lateness_ms=settings.lateness_days * DAY_MS,
    )


def placed(mistakes: list[Mistake], text: str) -> list[PlacedMistake]:
    """Mistakes with their lines, in the order of the file."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return sorted(PlacedMistake(_line_of(root, mistake.path), mistake) for mistake in mistakes)


def _with_base(own: Mapping[str, Any]) -> dict[str, Any]:
    base = own.get("base")
    if base is None:
        return merged({}, own)
    if base != "default":
        raise CatalogueError([Mistake(("base",), f"must be default or left out, not {base!r}")])
    return merged(yaml.safe_load(default_text()), own)


def _line_of(node: yaml.Node | None, path: tuple[str, ...]) -> int:
    """The line of the deepest part of the path that the file has."""
    line = 1
    for key in path:
        if not isinstance(node, yaml.MappingNode):
            break
        found = next(((k, v) for k, v in node.value if str(k.value) == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
