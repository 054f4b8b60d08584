"""Hit rates on the terminal: the table, then what it says of each signal."""

from __future__ import annotations

from textwrap import fill, wrap
from typing import Final

from rich.text import Text

from streams.report.hits import CAME_BACK, HitReport
from streams.report.hits_rows import SIGNAL_COLUMNS, signal_rows
from streams.report.table import terminal_table
from streams.text.terminal import Terminal
from streams.text.wording import counted, written_day

STYLES: Final = {"tells": "green", "the reverse": "bold red", "no difference": "yellow"}
SHOWN: Final = (0, 1, 2, 3, 4, 6, 7)
"""Columns that fit a terminal of 80 columns; the page and the JSON have all."""


def print_report(console: Terminal, report: HitReport) -> None:
    """Print both."""
    rates = report.rates
    if rates.first_day is None or rates.boundary is None:
        console.print("No midnight has passed: nobody is judged yet (`--until` moves the clock).")
        return
    console.print(
        f"{counted(report.made.events, 'event')} of {counted(rates.customers, 'customer')}, "
        f"{written_day(rates.first_day)} to {written_day(rates.boundary)}: {counted(rates.alerts, 'alert')}. "
        f"Who {CAME_BACK[rates.comes_back_by]} within {counted(rates.horizon_days, 'day')}, though nobody called, "
        "against everybody alike: same midnight, stage and silence, without that alert. Shares in per cent."
    )
    headings = ("\n".join(wrap(SIGNAL_COLUMNS[at].title, 5, break_long_words=False)) for at in SHOWN)
    table = terminal_table(*headings, no_wrap=True)
    for one, row in zip(rates.signals, signal_rows(report), strict=True):
        if one.alerts:
            *cells, verdict = (_short(row[at]) for at in SHOWN)
            table.add_row(*cells, Text(verdict, STYLES.get(verdict, "")))
    console.print()
    console.print(table)
    for at in SHOWN[1:]:
        console.print(Text.assemble((f"  {SIGNAL_COLUMNS[at].title}: ", "italic"), (SIGNAL_COLUMNS[at].meaning, "dim")))
    console.print()
    silent = [one.signal for one in rates.signals if not one.alerts]
    for one, says in zip(rates.signals, report.says, strict=True):
        if one.alerts:
            console.print(fill(f"{one.signal}: {says}", console.width - 1, subsequent_indent="  "))
    if silent:
        console.print(fill(f"No alert began of {', '.join(silent)}.", console.width - 1, subsequent_indent="  "))


def _short(cell: str) -> str:
    """A cell without its interval, which the sentences below and the page have, and without its unit."""
    return cell.partition(" (")[0].removesuffix(" %")
