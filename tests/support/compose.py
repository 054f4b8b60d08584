"""The compose file as Compose understands it: variables filled in, and what each service is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = Path(__file__).parents[2] / "deploy" / "compose.yaml"

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine inside a container."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the file."""

    name: str
    given: Mapping[str, Any]
    secret_files: Mapping[str, Path]

    @property
    def environment(self) -> dict[str, str]:
        """The variables as the container sees them."""
        return {name: str(value) for name, value in self.given.get("environment", {}).items()}

    @property
    def mounts(self) -> list[Mount]:
        """Files and folders of the repository; volumes that Docker keeps are left out."""
        pairs = [_source_and_target(volume) for volume in self.given.get("volumes", [])]
        return [Mount((FILE.parent / source).resolve(), target) for source, target in pairs if source.startswith(".")]

    @property
    def secrets(self) -> list[Mount]:
        """The files with its secrets."""
        found: list[Mount] = []
        for secret in self.given.get("secrets", []):
            name, target = (secret, f"/run/secrets/{secret}") if isinstance(secret, str) else secret.values()
            found.append(Mount(self.secret_files[name], target))
        return found


def _source_and_target(volume: str | dict[str, str]) -> tuple[str, str]:
    if isinstance(volume, dict):
        return volume["source"], volume["target"]
    source, target, *_ = volume.split(":")
    return source, target


def compose_file() -> dict[str, Any]:
    """The file, with the defaults of its variables filled in."""
    loaded: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(lambda found: found[2] or "", FILE.read_text()))
    return loaded


def services() -> dict[str, Service]:
    """Every service by its name."""
    file = compose_file()
    secrets = {name: (FILE.parent / secret["file"]).resolve() for name, secret in file["secrets"].items()}
    return {name: Service(name, given, secrets) for name, given in file["services"].items()}


def seconds(text: str) -> float:
    """A duration as Compose writes it.

    >>> seconds("30s"), seconds("1m30s")
    (30.0, 90.0)
    """
    minutes, _, rest = text.rpartition("m")
    return 60 * float(minutes or 0) + float(rest.removesuffix("s") or 0)
