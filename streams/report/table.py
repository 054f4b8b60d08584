"""Tables of the reports: what a column means, and how tables, meanings and sentences stand on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill, wrap
from typing import Final, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from streams.text.terminal import Terminal

PLAIN: Final[Mapping[str, str]] = {}


class Column(NamedTuple):
    """A column of a table and what it means."""

    title: str
    meaning: str


def terminal_table(first: str, *others: str, no_wrap: bool = False) -> Table:
    """An empty table: names on the left, which are folded where there is no room, numbers on the right, no frame."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=no_wrap)
    return table


def print_table(
    console: Terminal,
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    *,
    letters: int,
    styles: Mapping[str, str] = PLAIN,
) -> None:
    """Print a table whose headings alone are folded, at so many letters where there is a space; words by `styles`."""
    headings = ("\n".join(wrap(column.title, letters, break_long_words=False)) for column in columns)
    table = terminal_table(*headings, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, styles.get(cell, "")) for cell in row))
    console.print(table)


def print_meanings(console: Terminal, columns: Sequence[Column]) -> None:
    """Print what each column means."""
    for column in columns:
        console.print(Text.assemble((f"  {column.title.strip()}: ", "italic"), (column.meaning, "dim")))


def print_filled(console: Terminal, text: str, indent: str = "") -> None:
    """Print a text in lines as long as the terminal has room for, all but the first indented."""
    console.print(fill(text, console.width - 1, subsequent_indent=indent))


def print_words(console: Terminal, words: Iterable[tuple[str, str]]) -> None:
    """Print what is said of each name."""
    for name, says in words:
        print_filled(console, f"{name}: {says}", "  ")


def bare(cell: str) -> str:
    """A cell without its interval, which sentences have, and without its unit, which the title has.

    >>> bare("34 % (30-40)"), bare("-10 (-12 to -8)")
    ('34', '-10')
    """
    return cell.partition(" (")[0].removesuffix(" %")
