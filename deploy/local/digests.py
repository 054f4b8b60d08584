"""What a program was started with, by name: settings, the catalogue, the code. Secrets do not show in it."""

from __future__ import annotations

from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Final

import models
import schemas
import streams
from streams.settings import Settings, variable_of

CODE: Final = "the program itself"


def digests_of(settings: Settings) -> dict[str, str]:
    """A digest of each setting in force, of the files they name with their content, and of the code."""
    found = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        content = value.read_bytes() if isinstance(value, Path) and value.is_file() else b""
        found[variable_of(field.name)] = sha256(f"{field.name}={value!r} ".encode() + content).hexdigest()
    return found | {CODE: _code()}


def changed(then: dict[str, str], now: dict[str, str]) -> list[str]:
    """The names of what differs.

    >>> changed({"CHURN_ZONE": "a", "CHURN_PREFIX": "b"}, {"CHURN_ZONE": "c", "CHURN_PREFIX": "b"})
    ['CHURN_ZONE']
    """
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def _code() -> str:
    """Of every file of the product its place, size and time: they change when another version is checked out."""
    folders = [Path(place) for package in (streams, models, schemas) for place in package.__path__]
    files = sorted(file for folder in folders for pattern in ("*.py", "*.yaml") for file in folder.rglob(pattern))
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return sha256(repr(states).encode()).hexdigest()
