"""Mapping files read and checked: what cannot work is said once, with the remedy, before any line is read."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from models.catalogue.suggestion import did_you_mean
from streams.errors import SetupError
from streams.files.mapping import Mapping
from streams.files.mapping_faults import faults_of

REFERENCE: Final = "The reference is streams/mappings/README.md; `churn-signals mapping show shopify` is an example."

_AS_WRITTEN: Final = frozenset({
    "base", "source", "encoding", "zone", "currency", "separator", "quote", "decimal", "thousands", "columns",
    "optional", "group_by", "for_each", "nobody", "somebody", "file_names", "column", "text", "number", "whole", "sum",
    "count", "prefix", "format", "when",
})  # fmt: skip
"""Keys whose values are texts, however they look: `nobody: [0, null, no]` are three texts."""


@cache
def builtin_names() -> tuple[str, ...]:
    """Names of the mappings in the product."""
    entries = (entry.name for entry in files("streams.mappings").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in entries if name.endswith(".yaml")))


def builtin_text(name: str) -> str:
    """The YAML of a mapping in the product."""
    return (files("streams.mappings") / f"{name}.yaml").read_text("utf-8")


@cache
def known_by_file_name() -> dict[str, str]:
    """Names of files that need no mapping to be named, and that of the mapping in the product that is for them."""
    named = (
        (file, name) for name in builtin_names() for file in _parsed(name, builtin_text(name)).get("file_names", [])
    )
    return dict(named)


def load_mapping(name: str) -> Mapping:
    """Return a mapping by its built-in name or from a file. Raises SetupError."""
    if name in builtin_names():
        return parsed_mapping(name, builtin_text(name))
    path = Path(name)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        remedy = f"{did_you_mean(name, builtin_names())}Built in: {', '.join(builtin_names())}."
        raise SetupError("mapping", f"no file {name}", remedy) from error
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            line = error.object[: error.start].count(b"\n") + 1
            raise SetupError("mapping", f"{name} is not UTF-8 at line {line}", "Save it as UTF-8.") from error
        raise SetupError("mapping", f"{name!r} cannot be read: {error}", "Name a YAML file.") from error
    return parsed_mapping(name, text)


def parsed_mapping(name: str, text: str) -> Mapping:
    """The mapping in a text. Raises SetupError that begins with the name."""
    own = _parsed(name, text)
    base = own.pop("base", None)
    if base is not None:
        if base not in builtin_names():
            remedy = f"{did_you_mean(str(base), builtin_names())}Built in: {', '.join(builtin_names())}."
            raise SetupError("mapping", f"{name}: base: {base!r} is none", remedy)
        own = _parsed(base, builtin_text(base)) | own
    try:
        mapping = msgspec.convert(own, Mapping, strict=False)
    except msgspec.ValidationError as error:
        raise SetupError("mapping", f"{name}: {_named(str(error))}", REFERENCE) from error
    for where, fault, remedy in faults_of(mapping):
        raise SetupError("mapping", f"{name}: {where}: {fault}", remedy)
    return mapping


def _parsed(name: str, text: str) -> dict[str, Any]:
    """The keys of a mapping file. Raises SetupError for what is no YAML, or no keys."""
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - below a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a scalar its own notation does not fit
        told = " ".join(str(error).replace(' in "<unicode string>",', "").split())
        is_name = "flow mapping" in told and "expected ',' or '}', but got" in told
        hint = 'Within braces a name with a sign in it needs quotes: {"Opened?": yes}. ' if is_name else ""
        raise SetupError("mapping", f"{name}: {told}", f"{hint}{REFERENCE}") from error
    if not isinstance(found, dict):
        raise SetupError("mapping", f"{name}: holds no keys: an object is expected", REFERENCE)
    return found


def _named(message: str) -> str:
    """What the decoder says, with the key that was meant where one looks like it."""
    unknown = message.partition("unknown field `")[2].partition("`")[0]
    if "$" in message or not unknown:
        return message.replace(" - at `$.", " - at `")
    return f"{message}. {did_you_mean(unknown, Mapping.__struct_fields__)}".rstrip()


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: keys are texts, a key stands once, only true and false are truth values."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in {"int", "float", "null"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in made:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
        made[key] = _as_written(value_node) if key in _AS_WRITTEN else _typed(loader, value_node)
    return made


def _typed(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in {"true", "false"}:
        return node.value == "true"
    return loader.construct_object(node, deep=True)


def _as_written(node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_as_written(one) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _as_written(value) for key, value in node.value}
    return str(node.value)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct)
