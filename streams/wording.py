"""How numbers and names are told to people."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless there is one.

    >>> counted(1, "alert"), counted(1200, "alert")
    ('1 alert', '1,200 alerts')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question whether something known was meant, to stand before the next sentence; empty when nothing is near.

    >>> did_you_mean("usage_dorp", ["usage_drop", "risk"]), did_you_mean("x", ["usage_drop"])
    ('Did you mean usage_drop? ', '')
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}? " if near else ""
