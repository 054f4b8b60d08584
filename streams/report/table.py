"""Tables of the reports: what a column means, and how a table stands on a terminal."""

from __future__ import annotations

from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table


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
