"""What a setting may be: how its text is read and which texts are allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from schemas.instant import from_rfc3339

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. `parse` raises ValueError on a text that is not one; `allowed` says in words what is.

    `known`: all texts that are, where somebody may have mistyped one.
    """

    parse: Callable[[str], Any]
    allowed: str
    known: Callable[[], Iterable[str]] = tuple


def setting(default: Any, kind: Kind, about: str, *, is_secret: bool = False) -> Any:
    """Return a field of `Settings`; a secret one is masked wherever settings are shown."""
    return field(default=default, repr=not is_secret, metadata={"kind": kind, "about": about})


def whole(low: int, high: int) -> Kind:
    """Return the kind of whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        return _within(int(_digits(text)), low, high)

    return Kind(parse, f"a whole number from {low} to {high}")


def number(low: float, high: float) -> Kind:
    """Return the kind of numbers from `low` to `high`."""

    def parse(text: str) -> float:
        value = float(_digits(text))
        if not math.isfinite(value):
            raise ValueError(text)
        return _within(value, low, high)

    return Kind(parse, f"a number from {low:g} to {high:g}")


def one_of(*choices: str) -> Kind:
    """Return the kind of the given words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return Kind(parse, ", ".join(choices), lambda: choices)


def is_loopback(servers: str) -> bool:
    """Tell whether all `host:port` of a comma-separated list are this machine.

    >>> is_loopback("127.0.0.1:9092,localhost:9093"), is_loopback("kafka:9092")
    (True, False)
    """
    return all(_is_loopback_host(server.rpartition(":")[0].strip("[]")) for server in servers.split(","))


def _is_loopback_host(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _within(value: Number, low: Number, high: Number) -> Number:
    if not low <= value <= high:
        raise ValueError(value)
    return value


def _digits(text: str) -> str:
    """The text if a number is written as everybody writes it: no spaces, underscores or digits of other scripts."""
    if not re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", text):
        raise ValueError(text)
    return text


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _boolean(text: str) -> bool:
    if text not in {"true", "1", "false", "0"}:
        raise ValueError(text)
    return text in {"true", "1"}


def _servers(text: str) -> str:
    for server in text.split(","):
        host, _, port = server.strip().rpartition(":")
        if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]", host):
            raise ValueError(text)
        _within(int(_digits(port)), 1, 65_535)
    return ",".join(server.strip() for server in text.split(","))


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError(text)
    return path


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error


def _instant(text: str) -> str:
    from_rfc3339(text)
    return text


TEXT: Final = Kind(_matching(r"[^\r\n]+"), "any text")
SHORT: Final = Kind(_matching(r"[^\r\n]{1,64}"), "a name of 1 to 64 characters")
NAME: Final = Kind(_matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"), "letters, digits, dots, dashes and underscores")
HOST: Final = Kind(_matching(r"[A-Za-z0-9._:-]+"), "an address to listen on, as 127.0.0.1")
SERVERS: Final = Kind(_servers, "host:port, several separated by commas")
PORT: Final = whole(0, 65_535)
BOOLEAN: Final = Kind(_boolean, "true, false, 1 or 0")
FILE: Final = Kind(_file, "a file that exists and can be read")
ZONE: Final = Kind(_zone, "a time zone, as UTC or Europe/Berlin", available_timezones)
INSTANT: Final = Kind(_instant, "an RFC 3339 time with its offset, as 2026-01-31T00:00:00Z")
