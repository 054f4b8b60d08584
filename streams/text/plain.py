"""Makes texts of others safe to show: what cannot be seen, or would act on whoever shows it, becomes a visible escape.

The one place for it: terminals, logs, error messages and pages use what is here.
"""

from __future__ import annotations

import re
from typing import Any, Final

_CONTROLS: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
"""All but the tab and the end of a line: with the escape character a text could rewrite the screen."""
_UNSEEN: Final = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    r"\ufff0-\uffff\ud800-\udfff\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What turns the direction of writing, joins, or has no width; halves of pairs, which no output can be written with."""
_IN_LINES: Final = re.compile(f"[{_CONTROLS}{_UNSEEN}]")
_IN_LINE: Final = re.compile(rf"[\t\n{_CONTROLS}{_UNSEEN}]")


def plain(text: str) -> str:
    r"""A text as one line in which everything can be seen.

    >>> print(plain("order 7\n\x1b[2J"), plain("Zoë ▁▂"))
    order 7\n\x1b[2J Zoë ▁▂
    """
    return text if text.isascii() and text.isprintable() else _IN_LINE.sub(_escaped, text)


def plain_lines(text: str) -> str:
    r"""The same for several lines: their ends and tabs stay.

    >>> print(plain_lines("one\ntwo\r\x07"))
    one
    two\r\x07
    """
    return text if text.isascii() and text.isprintable() else _IN_LINES.sub(_escaped, text)


def plain_json(payload: bytes) -> bytes:
    r"""JSON with the same meaning in which everything can be seen.

    >>> plain_json('{"id": "a\u202eb"}'.encode())
    b'{"id": "a\\u202eb"}'
    """
    return (
        payload if payload.isascii() and b"\x7f" not in payload else _IN_LINES.sub(_as_json, payload.decode()).encode()
    )


def plain_value(value: Any) -> Any:
    """What a page shows: a text made plain; markup of our own (it has `__html__`) and all else as it is."""
    return plain_lines(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _as_json(match: re.Match[str]) -> str:
    pairs = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pairs[at : at + 4]}" for at in range(0, len(pairs), 4))
