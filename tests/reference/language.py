"""The catalogue's language, read from its text: tokens, a tree by recursive descent, and the tree's value."""

from __future__ import annotations

import operator
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from reference.past import Past

Value = float | str | None
"""Of a term: None is unknown. A condition has True, False or None."""

_TOKEN: Final = re.compile(r"\d+(?:\.\d+)?d?|\w+|[<>=!]=|[<>()+\-*/,]")
_RANKS: Final = (("or",), ("and",), ("<=", ">=", "==", "!=", "<", ">"), ("+", "-"), ("*", "/"))
"""Signs from the loosest to the tightest; those of one rank join from left to right."""
_MEANINGS: Final = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


@cache
def words_of(text: str) -> frozenset[str]:
    """Every word of an expression: what it reads is among them."""
    return frozenset(_TOKEN.findall(text))


def holds(text: str, past: Past) -> bool:
    """Whether a condition is true; unknown is not."""
    return _value(_tree(text), past) is True


def term(text: str, past: Past) -> Value:
    """What a term is worth."""
    found: Value = _value(_tree(text), past)
    return found


def number(text: str, past: Past) -> float | None:
    """The same, rounded as it is published; a stage is no number."""
    found = term(text, past)
    return None if found is None or isinstance(found, str) else round(float(found), 4)


@cache
def _tree(text: str) -> tuple[Any, ...]:
    return _joined(_TOKEN.findall(text), 0)


def _joined(tokens: list[str], rank: int) -> tuple[Any, ...]:
    if rank == len(_RANKS):
        return _atom(tokens)
    left = _joined(tokens, rank + 1)
    while tokens and tokens[0] in _RANKS[rank]:
        sign = tokens.pop(0)
        left = (sign, left, _joined(tokens, rank + 1))
    return left


def _atom(tokens: list[str]) -> tuple[Any, ...]:
    token = tokens.pop(0)
    if token == "(":
        inner = _joined(tokens, 0)
        tokens.pop(0)
        return inner
    if token == "-":
        return ("number", -float(tokens.pop(0)))
    if token[0].isdigit():
        return ("number", float(token))
    if tokens[:1] != ["("]:
        return ("name", token)
    end = tokens.index(")")
    inside = tokens[1:end]
    del tokens[: end + 1]
    return ("window", token, inside)


def _value(tree: tuple[Any, ...], past: Past) -> Any:
    match tree:
        case ("number", value):
            return value
        case ("name", word):
            return past.named(word)
        case ("window", word, inside):
            return _windowed(word, inside, past)
        case ("and", left, right):
            return _value(left, past) is True and _value(right, past) is True
        case ("or", left, right):
            return _value(left, past) is True or _value(right, past) is True
    sign, left, right = tree[0], _value(tree[1], past), _value(tree[2], past)
    if left is None or right is None or (sign == "/" and not right):
        return None
    return _MEANINGS[sign](left, right)


def _windowed(word: str, inside: list[str], past: Past) -> Value:
    match inside:
        case ["since", "start"]:
            return past.since_start(word)
        case [length] if word == "ticket_channels":
            return past.channels(_days(length))
        case [length]:
            return past.count(word, _days(length))
        case [length, "before", skip]:
            return past.count(word, _days(length), _days(skip))
    measure, _, length = inside
    return past.usual(measure, _days(length))


def _days(token: str) -> int:
    return int(token[:-1])
