"""What telling is worth, on the terminal: the table, then what it says of each signal."""

from __future__ import annotations

from textwrap import fill, wrap
from typing import Final

from rich.text import Text

from streams.report.hits import points
from streams.report.table import terminal_table
from streams.report.uplift import COLUMNS, UpliftReport, rows
from streams.text.terminal import Terminal
from streams.text.wording import counted, written_day

STYLES: Final = {"brings back": "green", "keeps away": "bold red", "unsure": "yellow"}


def print_report(console: Terminal, report: UpliftReport) -> None:
    """Print both."""
    found = report.uplift
    if found.first_day is None or found.last_day is None:
        nothing = "No trial of an experiment is over: what came of an alert is known once its horizon has passed."
        console.print(fill(nothing, console.width - 1))
        return
    size = points(found.smallest).lstrip("+")
    about = (
        f"{counted(found.trials, 'trial')} that began from {written_day(found.first_day)} to "
        f"{written_day(found.last_day)}. Who came back of those told, against those held out by chance. Shares in per "
        f'cent; "still" is to see a difference of {size} points.'
    )
    console.print(fill(about, console.width - 1))
    headings = ("\n".join(wrap(column.title, 6, break_long_words=False)) for column in COLUMNS)
    table = terminal_table(*headings, no_wrap=True)
    for one, row in zip(found.signals, rows(report), strict=True):
        if one.verdict != "unknown" or one.treated.trials + one.holdout.trials:
            *cells, verdict = (cell.partition(" (")[0].removesuffix(" %") for cell in row)
            table.add_row(*cells, Text(verdict, STYLES.get(verdict, "")))
    console.print()
    console.print(table)
    for column in COLUMNS[1:]:
        console.print(Text.assemble((f"  {column.title.strip()}: ", "italic"), (column.meaning, "dim")))
    console.print()
    silent = [one.signal for one in found.signals if not one.treated.trials + one.holdout.trials]
    for one, says in zip(found.signals, report.says, strict=True):
        if one.signal not in silent:
            console.print(fill(f"{one.signal}: {says}", console.width - 1, subsequent_indent="  "))
    if silent:
        console.print(fill(f"No trial is over of {', '.join(silent)}.", console.width - 1, subsequent_indent="  "))
