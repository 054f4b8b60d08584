"""Words, numbers and signs of the catalogue's language, and what is too much of them."""

import re
from typing import Final, NamedTuple

MOST_TOKENS: Final = 500
"""In an expression: each may be a level of the tree that is gone down at every look."""
DEEPEST: Final = 25
"""Brackets within each other: each is tried as a condition and as a sum."""
LONGEST_NUMBER: Final = 15
LONGEST_WORD: Final = 64
LONGEST_SHOWN: Final = 200
"""Characters of an expression that a mistake shows."""

_TOKEN: Final = re.compile(r"\s*(?:(\d+(?:\.\d+)?)(d?)(?![\w.])|([A-Za-z_]\w*)|(<=|>=|==|!=|[<>()+\-*/,]))", re.ASCII)


class LanguageError(Exception):
    """An expression that cannot be understood: where, and why."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        shown = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
        super().__init__(f"{reason} (at character {position + 1} of {shown!r})")
        self.text, self.position, self.reason = text, position, reason

    def __reduce__(self) -> tuple[type["LanguageError"], tuple[str, int, str]]:
        return type(self), (self.text, self.position, self.reason)


class Token(NamedTuple):
    """A `number`, a number of `days`, a `name` or a `sign`, and where it begins."""

    kind: str
    text: str
    position: int


def tokens_of(text: str) -> list[Token]:
    """Cut an expression up. Raises LanguageError for what is no part of the language, or larger than anybody writes.

    >>> [token.text for token in tokens_of("logins(7d) <= 2")]
    ['logins', '(', '7', ')', '<=', '2']
    """
    found: list[Token] = []
    position = depth = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            odd = text[position:].split(maxsplit=1)[0][:LONGEST_WORD]
            raise LanguageError(text, position, f"{odd!r} is not part of the language")
        number, unit, name, sign = match.groups()
        kind = "days" if unit else "number" if number else "name" if name else "sign"
        token = Token(kind, number or name or sign, match.start(match.lastindex or 0))
        position = match.end()
        most = LONGEST_NUMBER if number else LONGEST_WORD
        if len(token.text) > most:
            raise LanguageError(text, token.position, f"a word or number of more than {most} characters")
        depth += (sign == "(") - (sign == ")")
        if depth > DEEPEST:
            raise LanguageError(text, token.position, f"more than {DEEPEST} brackets within each other")
        found.append(token)
        if len(found) > MOST_TOKENS:
            raise LanguageError(text, token.position, f"more than {MOST_TOKENS} words and signs")
    return found
