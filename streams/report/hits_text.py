"""Hit rates on the terminal: the table, then what it says of each signal."""

from __future__ import annotations

from typing import Final

from streams.report.hits import CAME_BACK, HitReport
from streams.report.hits_rows import SIGNAL_COLUMNS, signal_rows
from streams.report.table import bare, print_meanings, print_table, print_words
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
    of = [*zip(rates.signals, signal_rows(report), report.says, strict=True)]
    columns = [SIGNAL_COLUMNS[at] for at in SHOWN]
    console.print()
    cells = ([bare(row[at]) for at in SHOWN] for one, row, _ in of if one.alerts)
    print_table(console, columns, cells, letters=5, styles=STYLES)
    print_meanings(console, columns[1:])
    console.print()
    print_words(console, ((one.signal, says) for one, _, says in of if one.alerts))
    silent: dict[str, list[str]] = {}
    for one, _, says in of:
        if not one.alerts:
            silent.setdefault(says, []).append(one.signal)
    print_words(console, ((", ".join(names), says) for says, names in silent.items()))
