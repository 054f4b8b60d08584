"""The summary of a replay as text."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Final, get_args

import msgspec
from rich.table import Table
from rich.text import Text

from models.what_if.comparison import Comparison
from schemas.alert import OPEN, EndReason, Status
from schemas.event import FEEDS
from streams.cli.model import labels_told
from streams.report.table import Column, terminal_table
from streams.report.what_if import (
    LIST_COLUMNS,
    OWNER_COLUMNS,
    SIGNAL_COLUMNS,
    list_rows,
    owner_rows,
    renamed,
    signal_rows,
)
from streams.text.plain import plain
from streams.text.terminal import Terminal, terminal
from streams.text.wording import counted, moment

STILL_OPEN: Final = tuple(status for status in get_args(Status) if status in OPEN)
"""Statuses of revisions that are not the last of their alert; of the last ones it is said what became of the alert."""
OF_COMMANDS: Final = {
    "done": "done",
    "refused": "refused",
    "waiting": "waiting",
    "repeated": "said again",
    "id_conflicts": "with the id of another one",
    "bad_lines": "bad",
}
"""What can become of a line of commands, and how it is told."""
SIGNALS: Final = (0, 1, 2, 3, 4, 5, 6)
OWNERS: Final = (0, 1, 2, 7, 8)
LISTS: Final = (0, 3, 4, 5, 6)
"""Columns that fit a terminal of 80 columns; the page and the JSON have all."""


def print_summary(summary: dict[str, object], page: str | None = None) -> None:
    """Print it to standard output; `page`: where what another catalogue changes was written for people."""
    console = terminal()
    stages = summary["stages"]
    assert isinstance(stages, dict)
    shown = f" ({', '.join(f'{count:,} {stage}' for stage, count in stages.items())})" if stages else ""
    console.print(f"{_counted(summary, 'customer')}{shown}; {summary['at_risk_now']:,} at risk{_as_of(summary)}")
    console.print(_not_counted(summary), end="")
    model = summary.get("model")
    if isinstance(model, dict):
        console.print(_model_told(model))
    if summary["spend_capped"]:
        told = f"{summary['spend_capped']:,} of them spent more than is counted, 90 million million of the currency"
        console.print(f"{told}: look at the catalogue's rates and at who posts these amounts")
    commands = summary.get("commands")
    if isinstance(commands, dict):
        told = ", ".join(f"{commands[name]:,} {words}" for name, words in OF_COMMANDS.items() if commands[name])
        console.print(f"commands: {told or 'none'}")
    console.print(f"{_counted(summary, 'alert')} in {_counted(summary, 'revision')}{_held(summary)}")
    console.print(_experiment(summary), end="")
    console.print(_by_signal(summary))
    against = summary.get("against")
    if isinstance(against, dict):
        _print_against(console, msgspec.convert(against, Comparison), str(against["says"]))
        console.print()
        where = "--html FILE has" if page is None else f"{page} has"
        console.print(plain(f"{where} the weeks, examples, and what differs between the catalogues."))


def _print_against(console: Terminal, found: Comparison, says: str) -> None:
    """What the other catalogue would change."""
    console.print()
    console.print(fill(says, console.width - 1))
    title = "By signal; lost: alerts that are raised no more"
    _print_columns(console, title, (SIGNAL_COLUMNS, signal_rows(found)), SIGNALS)
    title = "By owner; alerts on a day: the median/not exceeded on 95 of 100 days/the most"
    _print_columns(console, title, (OWNER_COLUMNS, owner_rows(found)), OWNERS)
    title = "By owner; customers put on the list of the day, and those without room, in the same way"
    _print_columns(console, title, (LIST_COLUMNS, list_rows(found)), LISTS)
    if (told := renamed(found)) is not None:
        console.print()
        console.print(fill(told, console.width - 1))


def _print_columns(
    console: Terminal, title: str, shown: tuple[Sequence[Column], list[tuple[str, ...]]], places: Sequence[int]
) -> None:
    columns, rows = shown
    table = terminal_table(*(columns[at].title for at in places), no_wrap=True)
    for row in rows:
        table.add_row(*(row[at] for at in places))
    console.print()
    console.print(Text(title, "bold"))
    console.print()
    console.print(table)


def _by_signal(summary: dict[str, object]) -> Table:
    """Alerts that began and revisions of them, and what became of those that ended."""
    by_signal, ended = summary["by_signal"], summary["ended"]
    assert isinstance(by_signal, dict)
    assert isinstance(ended, dict)
    table = terminal_table("signal", *STILL_OPEN)
    table.add_column("ended", ratio=1)
    for signal, counts in by_signal.items():
        of = ended.get(signal, {})
        reasons = [f"{of[reason]:,} {reason.replace('_', ' ')}" for reason in get_args(EndReason) if reason in of]
        table.add_row(signal, *(f"{counts.get(status, 0):,}" for status in STILL_OPEN), ", ".join(reasons))
    return table


def _held(summary: dict[str, object]) -> str:
    """What was decided and not sent, by rule; nothing where all was sent."""
    held = summary["suppressed"]
    assert isinstance(held, dict)
    told = ", ".join(f"{count:,} {rule.replace('_', ' ')}" for rule, count in held.items())
    return f" that were sent; of {summary['decided']:,} decided the others were held: {told}" if told else ""


def _experiment(summary: dict[str, object]) -> str:
    """How many alerts were part of an experiment whose horizon is over, by arm; nothing where there are none."""
    arms = summary["experiment"]
    assert isinstance(arms, dict)
    told = ", ".join(
        f"{arm} {counts.get('came_back', 0):,} of {sum(counts.values()):,}" for arm, counts in arms.items()
    )
    return f"experiments that are over, and who came back: {told}\n" if told else ""


def _as_of(summary: dict[str, object]) -> str:
    """The midnight up to which the events have decided: those of later days are taken, not judged."""
    if not isinstance(summary["boundary"], str):
        return ": no midnight has passed, nobody is judged yet (`--until` moves the clock)"
    return f" as of {moment(summary['boundary'], str(summary['zone']))}"


def _not_counted(summary: dict[str, object]) -> str:
    """Events that came twice, too late, or do not count for another reason; nothing where all counted."""
    outcomes = summary["outcomes"]
    assert isinstance(outcomes, dict)
    words = {
        "duplicate": "events that came again and count once",
        "dead_lettered": "events with the id of another one, which are refused",
        "late": "events too late to count",
        "erased": "events of customers who were erased",
    }
    of_events = [counts for name, counts in outcomes.items() if name in FEEDS]
    found = {told: sum(counts[name] for counts in of_events) for name, told in words.items()}
    told = "; ".join(f"{words}: {number:,}" for words, number in found.items() if number)
    return f"{told}\n" if told else ""


def _counted(summary: dict[str, object], noun: str) -> str:
    number = summary[f"{noun}s"]
    assert isinstance(number, int)
    return counted(number, noun)


def _model_told(model: dict[str, int]) -> str:
    state = "cold, it raises no alerts yet" if model["is_cold"] else "warm"
    return f"model: {state}; {labels_told(model['returned'], model['churned'])}"
