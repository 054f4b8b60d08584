"""The report of detection on the terminal: what was measured, what each column means, and whether the targets hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.report.detection import DetectionReport
from streams.report.detection_rows import (
    KIND_COLUMNS,
    LOYAL_COLUMNS,
    QUALITY,
    SIGNAL_COLUMNS,
    TARGET_COLUMNS,
    TIMING,
    Column,
    chosen,
    kind_rows,
    loyal_rows,
    signal_rows,
    target_row,
)

STYLES: Final = {"met": "green", "missed": "bold red", "too few": "yellow"}
KIND: Final = (0, 1, 2, 3, 5, 6)
"""What fits a terminal of 80 columns; the page and the JSON have all."""


def print_report(console: Console, report: DetectionReport) -> None:
    """Print every table, then the verdict."""
    found = report.detection
    console.print(
        f"{found.customers:,} simulated customers, {found.events:,} events in {found.days} days (seed "
        f"{report.made.seed}), {found.alerts:,} alerts.\nShares and rates with their 95 % interval in brackets, "
        "spans of days as quartiles: a quarter/half/three quarters.",
        highlight=False,
    )
    signals = signal_rows(found)
    _print_table(console, "Signals: how right, how complete", *chosen(QUALITY[:-1], SIGNAL_COLUMNS, signals))
    _print_table(console, "Signals: how early, how many", *chosen(TIMING, SIGNAL_COLUMNS, signals))
    _print_table(console, "Kinds of customers", *chosen(KIND, KIND_COLUMNS, kind_rows(found)))
    _print_table(console, "Loyal customers, to whom nothing happens", LOYAL_COLUMNS, loyal_rows(found))
    targets = [target_row(target) for target in report.targets]
    _print_table(console, "Targets", TARGET_COLUMNS, targets)
    _print_verdict(console, report)


def _print_table(console: Console, title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, column in enumerate(columns):
        heading = "\n".join(wrap(column.title, 14))  # only headings are broken
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in row))
    console.print()
    console.print(Text(title, "bold"))
    console.print()
    console.print(table)
    for column in columns[1:]:
        console.print(Text.assemble((f"  {column.title}: ", "italic"), (column.meaning, "dim")))


def _print_verdict(console: Console, report: DetectionReport) -> None:
    judged = sum(target.is_met is not None for target in report.targets)
    console.print()
    if report.missed:
        names = ", ".join(target.name for target in report.missed)
        console.print(Text(f"{len(report.missed)} of {judged} targets missed: {names}.", "bold red"))
    elif judged:
        console.print(Text(f"All {judged} targets that could be judged are met.", "bold green"))
    else:
        console.print(Text("No target could be judged: more customers or days are needed.", "bold yellow"))
