"""Alerts as a list for a terminal: a line a customer under headings that say what they are, and in which measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table
from rich.text import Text

from models.catalogue.rules import Rules
from schemas.alert import AlertV1
from schemas.instant import from_rfc3339
from streams.console.alert_text import (
    QUIET,
    amount,
    came_true_text,
    causes,
    due_text,
    ended_text,
    no_contact_text,
    percent,
    signal_text,
    what_to_do,
)
from streams.console.cases import MEANINGS, Kind, Line, Measure, Section, value_of
from streams.text.plain import plain
from streams.text.terminal import Terminal
from streams.text.wording import as_of, counted, moment

PIPE_WIDTH: Final = 100_000
"""In a file nothing is cut off."""

TITLES: Final[Mapping[Kind, str]] = {
    "owed": "to answer",
    "acknowledged": "that somebody has taken on or snoozed",
    "historical": "about a time before anybody was to answer (historical: nobody's duty)",
    "good_news": "with good news (nobody must answer)",
    "over": "whose alerts are over",
}


@dataclass(frozen=True, slots=True)
class AlertList:
    """What is listed, the zone of its times, now, and the boundary that texts speak of (ms; None: as published)."""

    sections: Sequence[Section]
    zone: str
    now_ms: int
    as_of_ms: int | None
    rules: Rules | None = None
    """The catalogue, where it says how often alerts came true."""


def print_list(console: Terminal, shown: AlertList, *, limit: int | None, everything: bool, explain: bool) -> None:
    """Print what is owed; of the rest how much there is, or with `everything` that as well. `limit` counts lines."""
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    left = limit
    for section in shown.sections:
        if not section.alerts and section.kind != "owed":
            continue
        found = section.lines
        is_listed = section.kind == "owed" or everything
        listed = found[:left] if is_listed else []
        console.print(_heading(shown, section, found, len(listed) if is_listed else None), soft_wrap=True)
        if listed:
            _print_lines(console, shown, listed, section.measure, explain=explain)
            console.print()
        left = None if left is None else max(left - len(listed), 0)


def _heading(shown: AlertList, section: Section, found: Sequence[Line], listed: int | None) -> Text:
    """How many, whose, of when, in which measure; `listed` lines of them follow, None where only the number is said."""
    who = counted(len(found), "customer") if found else "no customer"
    text = Text.assemble((f"{who} {TITLES[section.kind]}", "bold"))
    if found:
        text.append(f", {counted(len(section.alerts), 'alert')}")
    if section.kind == "owed":
        late = sum(1 for line in found if _due_ms(line.lead) is not None and (_due_ms(line.lead) or 0) < shown.now_ms)
        text.append(f", {late:,} past due" if late else "")
        if found:
            told = "as published" if shown.as_of_ms is None else as_of(shown.as_of_ms, shown.zone, shown.now_ms)
            text.append(f"; {told}")
    if listed is None:
        return text.append("; --all lists them", QUIET)
    if listed:
        text.append(f"; amounts: {MEANINGS[section.measure]}")
        text.append(f"; times: {shown.zone}")
    if listed < len(found):
        text.append(f"; the first {listed:,} of them" if listed else "; none of them within the limit")
    return text


def _print_lines(
    console: Terminal, shown: AlertList, listed: Sequence[Line], measure: Measure, *, explain: bool
) -> None:
    if explain:
        for line in listed:
            console.print(_table(shown, [line], measure, with_heads=False))
            for alert in (line.lead, *line.others):
                title = Text.assemble("  ", signal_text(alert), plain(f": {alert.summary}"))
                console.print(title, soft_wrap=True)
                console.print(what_to_do(alert, shown.zone, shown.now_ms, measure), soft_wrap=True)
                console.print(causes(alert), soft_wrap=True)
                print_came_true(console, shown.rules, alert)
        return
    console.print(_table(shown, listed, measure, with_heads=True))


def print_came_true(console: Terminal, rules: Rules | None, alert: AlertV1) -> None:
    """How often such alerts came true, where that is known."""
    told = None if rules is None else came_true_text(rules, alert.signal)
    if told is not None:
        console.print(Text(plain(f"  {told}"), QUIET), soft_wrap=True)


def _table(shown: AlertList, listed: Sequence[Line], measure: Measure, *, with_heads: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=with_heads, header_style="bold cyan")
    table.add_column("due", no_wrap=True)
    table.add_column("customer", no_wrap=True)
    table.add_column("risk", justify="right", no_wrap=True)
    table.add_column(_unit(listed, measure), justify="right", no_wrap=True)
    table.add_column("owner", no_wrap=True, overflow="ellipsis")
    table.add_column("why", no_wrap=True, overflow="ellipsis", ratio=1)
    for line in listed:
        lead = line.lead
        worth = value_of(lead, measure)
        when = due_text(_due_ms(lead), shown.zone, shown.now_ms)
        if lead.historical or not lead.is_open:
            when = Text(
                ended_text(lead) if not lead.is_open else moment(lead.observed_at, shown.zone, now_ms=shown.now_ms)
            )
        elif lead.acknowledged_by is not None:
            when = Text(plain(f"taken by {lead.acknowledged_by}"))
        elif lead.snoozed_until is not None:
            when = Text(f"snoozed until {moment(lead.snoozed_until, shown.zone, now_ms=shown.now_ms)}")
        table.add_row(
            when, Text(plain(lead.customer_id)), percent(lead.risk), amount(worth.amount if worth else None),
            Text(plain(lead.owner)), _why(line),
        )  # fmt: skip
    return table


def _why(line: Line) -> Text:
    """The alert that leads, those of the same case, its reason, and what else is open."""
    (case, *others) = line.cases
    text = no_contact_text(case[0]).append_text(signal_text(case[0]))
    for alert in case[1:]:
        text.append(" + ").append_text(signal_text(alert))
    for other in others:
        text.append("; ").append_text(signal_text(other[0])).append(plain(f" ({other[0].owner})"))
    stage = f" {case[0].stage}:" if case[0].stage else ""
    return text.append(plain(f" {stage} {case[0].summary}"), QUIET)


def _unit(listed: Sequence[Line], measure: Measure) -> str:
    units = {worth.currency for line in listed if (worth := value_of(line.lead, measure)) is not None}
    return " ".join(sorted(units)) or "value"


def _due_ms(alert: AlertV1) -> int | None:
    return None if alert.due_at is None else from_rfc3339(alert.due_at)
