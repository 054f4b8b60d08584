"""How often signals are right, on the terminal: the table, each signal in words, and what is proposed."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from streams.report.precision import COLUMNS, PrecisionReport, rows
from streams.report.table import print_filled, print_meanings, print_table, print_words
from streams.text.terminal import Terminal

HOW: Final = (
    "Nothing is changed by this: write it into `when` of your catalogue if you agree, and see with `replay --against` "
    "what it would do."
)


def print_report(console: Terminal, report: PrecisionReport) -> None:
    """Print all of it."""
    known = [(one, row) for one, row in zip(report.signals, rows(report), strict=True) if one.alerts]
    if not known:
        console.print("No alert is known of.")
        return
    print_table(console, COLUMNS, (row for _, row in known), letters=10)
    print_meanings(console, COLUMNS[1:])
    told = [(one.signal, says) for one, says in zip(report.signals, report.says, strict=True) if says]
    _print(console, "How often they were right", told)
    proposals = [(one.signal, says) for one, says in zip(report.signals, report.proposes, strict=True) if says]
    _print(console, "Thresholds to think about", proposals)
    if proposals:
        print_filled(console, HOW)
    why: dict[str, list[str]] = {}
    for one, _ in known:
        if one.no_proposal:
            why.setdefault(one.no_proposal, []).append(one.signal)
    _print(console, "No threshold is proposed", [(", ".join(names), reason) for reason, names in why.items()])


def _print(console: Terminal, title: str, lines: list[tuple[str, str]]) -> None:
    if lines:
        console.print()
        console.print(Text(title, "bold"))
    print_words(console, lines)
