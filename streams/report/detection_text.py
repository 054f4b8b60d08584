"""The report of detection on the terminal: what was measured, what each column means, and whether the targets hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text

from streams.report.detection import DetectionReport
from streams.report.detection_rows import (
    KIND_COLUMNS,
    LOYAL_COLUMNS,
    SIGNAL_COLUMNS,
    TARGET_COLUMNS,
    chosen,
    kind_rows,
    load_columns,
    load_rows,
    loyal_rows,
    signal_rows,
    target_row,
)
from streams.report.table import Column, print_meanings, print_table
from streams.text.terminal import Terminal
from streams.text.wording import counted

STYLES: Final = {"met": "green", "missed": "bold red", "too few": "yellow"}
KINDS_A_TABLE: Final = 5
QUALITY: Final = (0, 2, 3, 4)
TIMING: Final = (0, 1, 6, 7, 8, 9)
KIND: Final = (0, 1, 2, 3, 5, 6)
"""Columns by number: what fits a terminal of 80 columns; the page and the JSON have all."""


def print_report(console: Terminal, report: DetectionReport) -> None:
    """Print every table, then the verdict."""
    found = report.detection
    console.print(
        f"{counted(found.customers, 'simulated customer')}, {counted(found.events, 'event')} in "
        f"{counted(found.days, 'day')} (seed {report.made.seed}), {counted(found.alerts, 'alert')}.\n"
        "Shares and rates with their 95 % interval in brackets, "
        "spans of days as quartiles: a quarter/half/three quarters.",
    )
    signals = signal_rows(found)
    quality = chosen(QUALITY, SIGNAL_COLUMNS, _bare(signals))
    kinds = chosen(KIND, KIND_COLUMNS, _bare(kind_rows(found)))
    _print_table(console, "Signals: how right, how complete (per cent)", *quality)
    _print_table(console, "Signals: how early, how many", *chosen(TIMING, SIGNAL_COLUMNS, signals))
    _print_table(console, "Kinds of customers (found: per cent)", *kinds)
    _print_load(console, report)
    _print_table(console, "Loyal customers, to whom nothing happens", LOYAL_COLUMNS, loyal_rows(found))
    targets = [target_row(target) for target in report.targets]
    _print_table(console, "Targets", TARGET_COLUMNS, targets)
    _print_verdict(console, report)


def _bare(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """Shares without their unit, which the title tells."""
    return [[cell.replace(" % (", " (") for cell in row] for row in rows]


def _print_load(console: Terminal, report: DetectionReport) -> None:
    """Signals by kinds, a few kinds at a time, so that it fits a terminal of 80 columns."""
    columns, rows = load_columns(report.detection), load_rows(report.detection)
    for first in range(1, len(columns), KINDS_A_TABLE):
        places = (0, *range(first, min(first + KINDS_A_TABLE, len(columns))))
        title = "Alerts per 1,000 customers of a kind and week" + (", continued" if first > 1 else "")
        _print_table(console, title, *chosen(places, columns, rows), explain=False)


def _print_table(
    console: Terminal, title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, explain: bool = True
) -> None:
    console.print()
    console.print(Text(title, "bold"))
    console.print()
    print_table(console, columns, rows, letters=9, styles=STYLES)
    print_meanings(console, columns[1:] if explain else ())


def _print_verdict(console: Terminal, report: DetectionReport) -> None:
    judged = sum(target.is_met is not None for target in report.targets)
    console.print()
    if report.missed:
        names = ", ".join(target.name for target in report.missed)
        console.print(Text(f"{len(report.missed)} of {judged} targets missed: {names}.", "bold red"))
    elif judged:
        console.print(Text(f"All {judged} targets that could be judged are met.", "bold green"))
    else:
        console.print(Text("No target could be judged: more customers or days are needed.", "bold yellow"))
