"""The catalogue's language, read from its text by recursive descent, straight over one customer's days."""

import operator
import re
from functools import cache
from typing import Any, Final

from reference.past import MEASURES, STAGES, Past, Value

_TOKEN: Final = re.compile(r"\d+(?:\.\d+)?d?|\w+|[<>=!]=|[<>()+\-*/,]")
_RANKS: Final = (("or",), ("and",), ("<=", ">=", "==", "!=", "<", ">"), ("+", "-"), ("*", "/"))
"""Signs from the loosest to the tightest; those of one rank join from left to right."""
_MEANINGS: Final = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


def holds(text: str, past: Past, since: int | None = None) -> bool:
    """Whether a condition is true; unknown is not. `since`: the first day of the episode that is open."""
    return is_so(tree_of(text), past, since)


def is_so(tree: tuple[Any, ...], past: Past, since: int | None) -> bool:
    """The same of a condition that was read, or of a part of one."""
    return _value(tree, past, since) is True


def read(text: str, past: Past, since: int | None = None) -> Value:
    """What a term is worth, rounded as it is published."""
    found: Value = _value(tree_of(text), past, since)
    return round(found, 4) + 0.0 if isinstance(found, float) else found


def number(text: str, past: Past, since: int | None = None) -> float | None:
    """The same unless it is a stage."""
    found = read(text, past, since)
    return None if isinstance(found, str) else found


@cache
def words_of(text: str) -> frozenset[str]:
    """Every word of an expression: what it reads is among them."""
    return frozenset(_TOKEN.findall(text))


@cache
def tree_of(text: str) -> tuple[Any, ...]:
    """An expression as its sign and its sides, down to numbers and words."""
    return _joined(_TOKEN.findall(text), 0)


def _joined(tokens: list[str], rank: int) -> tuple[Any, ...]:
    if rank == len(_RANKS):
        return _atom(tokens)
    left = _joined(tokens, rank + 1)
    while tokens and tokens[0] in _RANKS[rank]:
        left = (tokens.pop(0), left, _joined(tokens, rank + 1))
    return left


def _atom(tokens: list[str]) -> tuple[Any, ...]:
    token = tokens.pop(0)
    if token == "(":
        inner = _joined(tokens, 0)
        tokens.pop(0)
        return inner
    if token == "-" or token[0].isdigit():
        return ("number", -float(tokens.pop(0)) if token == "-" else float(token))
    if tokens[:1] != ["("]:
        return ("name", token)
    end = tokens.index(")")
    inside = [int(part[:-1]) if part[0].isdigit() else part for part in tokens[1:end]]
    del tokens[: end + 1]
    return ("window", token, inside)


def _value(tree: tuple[Any, ...], past: Past, since: int | None) -> Any:
    match tree:
        case ("number", found):
            return found
        case ("name", word):
            constants = past.basis.constants
            return constants[word] if word in constants else word if word in STAGES else MEASURES[word](past)
        case ("window", word, inside):
            return _windowed(word, inside, past, since)
        case ("and" | "or" as sign, one, other):
            truth = _value(one, past, since) is True
            return truth if truth is (sign == "or") else _value(other, past, since) is True
    sign, left, right = tree[0], _value(tree[1], past, since), _value(tree[2], past, since)
    return None if left is None or right is None or (sign == "/" and not right) else _MEANINGS[sign](left, right)


def _windowed(word: str, inside: list[Any], past: Past, since: int | None) -> Value:
    match inside:
        case ["since", "start"]:
            return Past.count(past, word, 0 if since is None else min(past.boundary - since, past.basis.keep_days))
        case [length]:
            return past.channels(length) if word == "ticket_channels" else past.count(word, length)
        case [length, "before", skip]:
            return past.count(word, length, skip)
    return past.usual(inside[0], inside[2])
