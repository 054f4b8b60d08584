"""What telling is worth, on the terminal: the table, then what it says of each signal."""

from __future__ import annotations

from typing import Final

from streams.report.numbers import points_apart
from streams.report.table import bare, print_filled, print_meanings, print_table, print_words
from streams.report.uplift import COLUMNS, UpliftReport, rows
from streams.text.terminal import Terminal
from streams.text.wording import counted, written_day

STYLES: Final = {"brings back": "green", "keeps away": "bold red", "unsure": "yellow"}


def print_report(console: Terminal, report: UpliftReport) -> None:
    """Print both."""
    found = report.uplift
    if found.first_day is None or found.last_day is None:
        nothing = "No trial of an experiment is over: what came of an alert is known once its horizon has passed."
        print_filled(console, nothing)
        return
    size = points_apart(found.smallest)
    about = (
        f"{counted(found.trials, 'trial')} that began from {written_day(found.first_day)} to "
        f"{written_day(found.last_day)}. Who came back of those told, against those held out by chance. Shares in per "
        f'cent; "still" is to see a difference of {size} points.'
    )
    print_filled(console, about)
    silent = {one.signal for one in found.signals if not one.treated.trials + one.holdout.trials}
    of = [each for each in zip(found.signals, rows(report), report.says, strict=True) if each[0].signal not in silent]
    console.print()
    print_table(console, COLUMNS, ([*map(bare, row)] for _, row, _ in of), letters=6, styles=STYLES)
    print_meanings(console, COLUMNS[1:])
    console.print()
    print_words(console, ((one.signal, says) for one, _, says in of))
    if silent:
        print_filled(console, f"No trial is over of {', '.join(sorted(silent))}.", "  ")
