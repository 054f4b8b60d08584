"""What a record may weigh: size, depth, keys and strings, checked without parsing wherever the size alone decides."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from schemas.errors import RejectedError

MAX_BYTES: Final = 65_536
"""Greatest size of a record's value, frame included."""

MAX_DEPTH: Final = 16
"""Greatest depth of nested objects and arrays, the outermost counting as one."""

MAX_KEYS: Final = 256
"""Most keys in one record, all objects together."""

MAX_STRING: Final = 1024
"""Longest string or key, in characters, as JSON Schema counts them."""

# Possessive, and an unclosed string runs to the end: a hostile record costs one scan, not one for each quote in it.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+\\?+(?:"|\Z)', re.DOTALL)
_NESTING = re.compile(rb"[\[\]{}]")


def is_surely_within(value: bytes) -> bool:
    """Whether size alone shows that depth, keys and strings are within the limits; true for nearly every honest record.

    In 1 KiB neither a string of more characters nor 257 keys find room (a key takes at least five bytes: `"":1,`), and
    no more brackets open than there are.
    """
    if len(value) > MAX_STRING:
        return False
    return value.count(b"{") + (value.count(b"[") if b"[" in value else 0) <= MAX_DEPTH


def check_limits(value: bytes) -> None:
    """Raises RejectedError (`too_deep`, `too_many_keys`, `string_too_long`); the JSON need not be well formed."""
    if len(value) > MAX_STRING:
        for found in _STRING.finditer(value):
            if found.end() - found.start() - 2 > MAX_STRING and _length(found.group()) > MAX_STRING:
                raise RejectedError("string_too_long", f"a string has more than {MAX_STRING} characters")
    bare = _STRING.sub(b"", value)
    if _is_too_deep(bare):
        raise RejectedError("too_deep", f"more than {MAX_DEPTH} levels of nesting")
    keys = bare.count(b":")
    if keys > MAX_KEYS:
        raise RejectedError("too_many_keys", f"{keys} keys, at most {MAX_KEYS} are allowed")


def _length(quoted: bytes) -> int:
    """Characters of a string; of a malformed one its bytes, which is refused in either case."""
    try:
        return len(msgspec.json.decode(quoted, type=str))
    except (msgspec.DecodeError, UnicodeError):
        return len(quoted) - 2


def _is_too_deep(bare: bytes) -> bool:
    depth = 0
    for bracket in _NESTING.finditer(bare):
        if bracket[0] in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        else:
            depth -= 1
    return False
