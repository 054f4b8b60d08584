"""Mapping files read and checked: what cannot work is said once, with the remedy, before any line is read."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from models.catalogue.suggestion import did_you_mean
from streams.errors import SetupError
from streams.files.mapping import Mapping
from streams.files.mapping_faults import faults_of
from streams.files.yaml_file import YamlError, read_document, read_text

REFERENCE: Final = "The reference is streams/mappings/README.md; `churn-signals mapping show shopify` is an example."

_SIGNED: Final = re.compile(r"[{,]\s*[^\s\"'{},:]+[?!#%&*@|>]\s*:")
"""A name in braces that ends in a sign, without quotes: YAML takes the sign for its own."""

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
    try:
        text = read_text(Path(name), "mapping")
    except YamlError as error:
        raise SetupError("mapping", f"{name}: {error}", REFERENCE) from error
    except SetupError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise SetupError("mapping", f"no file {name}", _named_builtin(name)) from error
        raise
    return parsed_mapping(name, text)


def parsed_mapping(name: str, text: str) -> Mapping:
    """The mapping in a text. Raises SetupError that begins with the name."""
    own = _parsed(name, text)
    base = own.pop("base", None)
    if base is not None:
        if not isinstance(base, str):
            raise SetupError("mapping", f"{name}: base: must be a name", _named_builtin(""))
        if base not in builtin_names():
            raise SetupError("mapping", f"{name}: base: {base!r} is none", _named_builtin(base))
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
        found = read_document(text, as_written=_AS_WRITTEN, may_alias=True).value
    except YamlError as error:
        hint = 'Within braces a name with a sign in it needs quotes: {"Opened?": yes}. ' if _SIGNED.search(text) else ""
        raise SetupError("mapping", f"{name}: {error}", f"{hint}{REFERENCE}") from error
    if not isinstance(found, dict):
        raise SetupError("mapping", f"{name}: holds no keys: an object is expected", REFERENCE)
    return found


def _named_builtin(name: str) -> str:
    return f"{did_you_mean(name, builtin_names())}Built in: {', '.join(builtin_names())}."


def _named(message: str) -> str:
    """What the decoder says, with the key that was meant where one looks like it."""
    unknown = message.partition("unknown field `")[2].partition("`")[0]
    if "$" in message or not unknown:
        return message.replace(" - at `$.", " - at `")
    return f"{message}. {did_you_mean(unknown, Mapping.__struct_fields__)}".rstrip()
