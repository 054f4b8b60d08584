"""Examples of records that keep the contract and of records that break it, from `tests/data/contract`.

A value in the files is text, null or a list of parts: text, `{"repeat": text, "times": n}`, `{"base64": text}`. In the
bad ones `@CUSTOMER@`, `@TYPE@`, `@DATA@`, `@ID@` stand for what suits the feed asked for, so that every kind of fault
can be posted for any customer.
"""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from schemas.errors import Reason
from schemas.event import FEEDS

_FOLDER = Path(__file__).parents[1] / "data" / "contract"

_DATA = {
    "purchase": '{"order_id":"o-1","amount":19.9,"currency":"EUR","items":2}',
    "login": '{"channel":"web"}',
    "ticket": '{"ticket_id":"t-1","action":"opened","category":"billing"}',
    "email": '{"action":"clicked"}',
}

Headers = list[tuple[str, bytes]]


class GoodCase(NamedTuple):
    """A record that must be accepted, and the event it must become (`id` None: derived)."""

    name: str
    feed: int
    key: bytes
    value: bytes
    headers: Headers
    event: dict[str, Any]


class BadCase(NamedTuple):
    """A record that must be refused with `reason`, at `field` where one is at fault."""

    name: str
    feed: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: Reason
    field: str | None


class Poison(NamedTuple):
    """A bad record for a given customer."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: Reason


def good_cases() -> list[GoodCase]:
    """Every good example of every version, oldest first: they are accepted for ever."""
    return [
        GoodCase(
            case["name"],
            FEEDS.index(case["feed"]),
            case["key"].encode(),
            cast("bytes", _bytes(case["value"], {})),
            _headers(case, {}),
            case["event"],
        )
        for file in sorted((_FOLDER / "good").glob("*.jsonl"))
        for case in _lines(file)
    ]


def bad_cases() -> list[BadCase]:
    """Every kind of bad record; those that fit any feed come once, for one of the feeds in turn."""
    cases = []
    for number, case in enumerate(_bad()):
        feed = number % len(FEEDS) if case["feed"] == "any" else FEEDS.index(case["feed"])
        cases.append(_bad_case(case, feed, "c-1", number))
    return cases


def poison_kinds(feed: int) -> int:
    """How many kinds of bad record there are for a feed (never fewer than 30)."""
    return len(_suited(feed))


def poison(feed: int, customer: str, index: int) -> Poison:
    """The bad record number `index` (any number: the kinds repeat) for a customer, its id made unique by the number."""
    suited = _suited(feed)
    case = _bad_case(suited[index % len(suited)], feed, customer, index)
    return Poison(case.key, case.value, case.headers, case.reason)


def _bad_case(case: dict[str, Any], feed: int, customer: str, number: int) -> BadCase:
    other = (feed + 1) % len(FEEDS)
    stand_ins = {
        "@CUSTOMER@": customer,
        "@TYPE@": FEEDS[feed],
        "@DATA@": _DATA[FEEDS[feed]],
        "@OTHER_TYPE@": FEEDS[other],
        "@OTHER_DATA@": _DATA[FEEDS[other]],
        "@ID@": f"poison-{number}",
    }
    return BadCase(
        case["name"],
        feed,
        _bytes(case.get("key", "@CUSTOMER@"), stand_ins),
        _bytes(case["value"], stand_ins),
        _headers(case, stand_ins),
        case["reason"],
        case.get("field"),
    )


@cache
def _bad() -> list[dict[str, Any]]:
    return _lines(_FOLDER / "bad.jsonl")


@cache
def _suited(feed: int) -> list[dict[str, Any]]:
    return [case for case in _bad() if case["feed"] in {"any", FEEDS[feed]}]


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _headers(case: dict[str, Any], stand_ins: dict[str, str]) -> Headers:
    return [(name, _bytes(content, stand_ins) or b"") for name, content in case.get("headers", [])]


def _bytes(content: Any, stand_ins: dict[str, str]) -> bytes | None:
    if content is None:
        return None
    parts = content if isinstance(content, list) else [content]
    return b"".join(_part(part, stand_ins) for part in parts)


def _part(part: Any, stand_ins: dict[str, str]) -> bytes:
    if isinstance(part, dict):
        if "base64" in part:
            return b64decode(part["base64"])
        return cast("str", part["repeat"]).encode() * cast("int", part["times"])
    text = cast("str", part)
    for name, meaning in stand_ins.items():
        text = text.replace(name, meaning)
    return text.encode()
