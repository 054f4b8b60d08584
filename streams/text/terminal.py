"""The one way to a terminal, a pipe or a file behind standard output.

Texts are shown as they are: never understood as markup, never acting on the terminal. Every command prints by `say`,
`say_json` and a `terminal()`; nothing else may (ruff sees to it).
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable
from typing import IO, Final

import click
from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from streams.text.plain import plain, plain_json, plain_lines

LEAST_WIDTH: Final = 20
LEAST_HEIGHT: Final = 5
"""A terminal that says it is smaller gets lines that it breaks itself."""

_FALLBACK: Final = "churn_signals_plain"
_SIGNS: Final = "…·●▲⊗µ─━│┬╷╵█→≥≤▁▂▃▄▅▆▇\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{MULTIPLICATION SIGN}"
_TYPOGRAPHY: Final = dict(zip(_SIGNS, "~.*^@u--|+||#>><__--==#---x", strict=True)) | {
    chr(braille): ":" for braille in range(0x2800, 0x2900)
}
"""What stands for our own signs, in as many columns, where the output knows no Unicode."""


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text; what is in it of others cannot act on the terminal."""
    click.echo(plain_lines(str(text)), err=err, nl=nl)


def complain(text: object) -> None:
    """Say to standard error, under the program's name, what is wrong."""
    say(f"churn-signals: {text}", err=True)


def say_json(payload: bytes) -> None:
    """Print JSON: UTF-8 whatever the locale is, and with the same meaning for a program."""
    click.echo(plain_json(payload))


def styled(*parts: str | tuple[str, str]) -> Text:
    """One line of parts, each with its style if it has one; what is in them of others stays in the line."""
    return Text.assemble(*(plain(part) if isinstance(part, str) else (plain(part[0]), part[1]) for part in parts))


class Terminal(Console):
    """A console for which a text is a text."""

    def render_str(self, text: str, **how: object) -> Text:
        """A string as what is shown."""
        return super().render_str(plain_lines(text), **how)  # type: ignore[arg-type]  # as above

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is shown in pieces; also what came in as `Text` is made plain, only our own controls act."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=plain_lines(segment.text))

    @property
    def size(self) -> ConsoleDimensions:
        """Columns and lines: what is drawn relies on a few."""
        width, height = super().size
        return ConsoleDimensions(max(width, LEAST_WIDTH), max(height, LEAST_HEIGHT))

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def on_broken_pipe(self) -> None:
        """The program decides what happens when nobody reads on."""
        raise BrokenPipeError


def terminal(
    *,
    stderr: bool = False,
    file: IO[str] | None = None,
    width: int | None = None,
    height: int | None = None,
) -> Terminal:
    """A console that knows no markup."""
    return Terminal(
        stderr=stderr, file=file, width=width, height=height,
        markup=False, emoji=False, highlight=False,
    )  # fmt: skip


def prepare_output() -> None:
    """Let nothing end the program because the output cannot write a sign, or is not there at all."""
    codecs.register_error(_FALLBACK, _replaced)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_FALLBACK)


def _nowhere() -> IO[str]:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - for as long as the program runs


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    odd = error.object[error.start : error.end]
    return "".join(_TYPOGRAPHY.get(one) or one.encode("unicode_escape").decode() for one in odd), error.end
