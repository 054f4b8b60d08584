"""What is seen while the demo runs: the live board in a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.text import Text

from streams.board.board import Board
from streams.board.drawing import draw
from streams.text.terminal import Terminal, styled

LINE_EVERY_S = 3.0
WORDS = 58
"""Columns beside the two bars of progress."""


class Show:
    """Tells steps and progress."""

    def __init__(self, console: Terminal) -> None:
        self._console = console
        self._live: Live | None = None
        self._begun = time.monotonic()
        self._told_at = 0.0

    def step(self, text: str) -> None:
        """Tell what was done, and when."""
        self._console.print(styled((f"{time.monotonic() - self._begun:5.1f} s", "dim"), f"  {text}"), soft_wrap=True)

    @contextmanager
    def board(self) -> Iterator[None]:
        """Show the live board while the block runs, if this is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, screen=True, auto_refresh=False) as self._live:
            yield
        self._live = None

    def progress(self, posted: int, processed: int, events: int, board: Board) -> None:
        """Tell how far the worker is."""
        if self._live is not None:
            width, height = self._console.size
            cells = max(4, min(30, (width - WORDS) // 2))
            bar = Text.assemble(
                _bar("posted", posted, events, cells), "   ", _bar("processed", processed, events, cells)
            )
            bar.truncate(width, overflow="ellipsis")
            self._live.update(Group(bar, draw(board, width, height - 1)), refresh=True)
        elif time.monotonic() - self._told_at >= LINE_EVERY_S:
            self._told_at = time.monotonic()
            day = "" if board.boundary is None else f", as of {board.boundary[:10]}"
            risk = "" if board.at_risk is None else f", {board.at_risk:,} customers at risk"
            self.step(f"posted {posted:,}, processed {processed:,} of {events:,} events{day}{risk}")


def _bar(name: str, done: int, total: int, cells: int) -> Text:
    full = cells * done // max(total, 1)
    return Text.assemble(f"{name} ", ("━" * full, "green"), ("━" * (cells - full), "dim"), f" {done:,} of {total:,}")
