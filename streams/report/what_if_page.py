"""What another catalogue would change, as a page for somebody who answers for retention."""

from __future__ import annotations

from models.what_if.comparison import Comparison
from streams.report.page import Card, render, span_of
from streams.report.what_if import (
    CHANGE_COLUMNS,
    EXAMPLE_COLUMNS,
    LIST_COLUMNS,
    OWNER_COLUMNS,
    SIGNAL_COLUMNS,
    change_rows,
    example_rows,
    list_rows,
    owner_rows,
    renamed,
    sentence,
    signal_rows,
)
from streams.report.what_if_plots import draw_all


def what_if_page(found: Comparison, name: str) -> str:
    """One complete HTML file; `name`: the other catalogue's."""
    return render(
        "what_if.html",
        found=found,
        name=name,
        says=sentence(found, name),
        renamed=renamed(found),
        span=span_of(found.first_day, found.last_day),
        cards=_cards(found),
        plots=draw_all(found),
        tables={
            "signals": (SIGNAL_COLUMNS, signal_rows(found)),
            "owners": (OWNER_COLUMNS, owner_rows(found)),
            "lists": (LIST_COLUMNS, list_rows(found)),
            "gained": (EXAMPLE_COLUMNS, example_rows(found.gained)),
            "lost": (EXAMPLE_COLUMNS, example_rows(found.lost)),
            "changes": (CHANGE_COLUMNS, change_rows(found)),
        },
    )


def _cards(found: Comparison) -> list[Card]:
    total = found.total
    return [
        Card(f"{total.after:,}", f"alerts, instead of {total.before:,}"),
        Card(f"{total.gained:,}", "gained: only the other catalogue raises them"),
        Card(f"{total.lost:,}", "lost: only the catalogue in force raises them"),
        Card(f"{total.earlier:,} / {total.later:,}", f"earlier / later, of {total.common:,} that both raise"),
    ]
