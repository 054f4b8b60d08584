"""A digest in words for a terminal: who first, why, what to do, and what became of those of yesterday."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from schemas.digest import DigestLineV1, DigestV1
from schemas.instant import from_rfc3339
from streams.console.alert_text import LATE, QUIET, due_text, refused_text, severity_text
from streams.report.table import terminal_table
from streams.text.digest_words import at_stake, became, came_true, sentence, summary_of
from streams.text.plain import plain
from streams.text.terminal import Terminal
from streams.text.wording import counted, moment, span, written_date

COUNTS: Final[Mapping[str, str]] = {
    "new": "to be looked after from today on",
    "open": "still open from earlier days",
    "past_due": "of these, past due",
    "waiting": "no room for them today",
    "in_hand": "alerts acknowledged and not over",
    "snoozed": "alerts snoozed",
    "became": "alerts that ended or were answered since",
}
"""What the columns of the overview mean."""


def overview(digests: Sequence[DigestV1], zone: str) -> Table:
    """A line for each owner; of what is older than the newest the date is marked."""
    newest_ms = max((from_rfc3339(one.at) for one in digests), default=0)
    table = terminal_table("owner", "as of", *(name.replace("_", " ") for name in COUNTS))
    for one in digests:
        counts = (f"{getattr(one.counts, name):,}" for name in COUNTS)
        age_ms = newest_ms - from_rfc3339(one.at)
        day = Text(written_date(one.at, zone))
        if age_ms:
            day.append(f", {span(age_ms)} older", LATE)
        table.add_row(plain(one.owner), day, *counts)
    return table


def print_digest(console: Terminal, digest: DigestV1, zone: str, *, limit: int | None) -> None:
    """All of a digest, at most so many lines of each list."""
    counts = digest.counts
    console.print(Text(plain(f"{digest.owner}, {moment(digest.at, zone)}: {sentence(digest)}"), "bold"))
    parts = (
        (f"New today: {counts.new:,} of at most {digest.budget:,}", digest.new, counts.new),
        (f"Still open: {counted(counts.open, 'customer')}, {counts.past_due:,} past due", digest.open, counts.open),
        (f"No room today: {counted(counts.waiting, 'customer')}, asked again tomorrow", digest.waiting, counts.waiting),
    )
    for title, lines, total in parts:
        if total:
            console.print(Text(f"\n{title}", "bold"))
            _print_lines(console, lines[:limit], zone, digest.at)
            _print_rest(console, total - len(lines[:limit]))
    if counts.became:
        console.print(Text(f"\nWhat became of what was on the list: {counted(counts.became, 'alert')}", "bold"))
        for one in digest.became[:limit]:
            console.print(Text(plain(f"  {one.customer_id}  {one.signal}: {became(one, zone)}")))
        _print_rest(console, counts.became - len(digest.became[:limit]))


def _print_lines(console: Terminal, lines: Sequence[DigestLineV1], zone: str, at: str) -> None:
    now_ms = from_rfc3339(at)
    for place, one in enumerate(lines, start=1):
        head = Text(plain(f"{place:>3}. {one.customer_id}"))
        head.append(plain(f"  {at_stake(one)}  ")).append("by ")
        head.append_text(due_text(None if one.due_at is None else from_rfc3339(one.due_at), zone, now_ms))
        if one.do_not_contact:
            head.append("  ").append_text(refused_text(one.do_not_contact))
        console.print(head)
        for alert in one.alerts:
            console.print(
                Text("     ")
                .append_text(severity_text(alert.severity, alert.signal))
                .append(plain(f": {summary_of(alert, at, zone)}"))
            )
            console.print(Text(plain(f"     {alert.intervention}")))
            rate = came_true(alert)
            console.print(Text(f"     id: {alert.alert_id}" + ("" if rate is None else f"; {rate}"), QUIET))


def _print_rest(console: Terminal, left: int) -> None:
    if left > 0:
        console.print(Text(f"     and {left:,} more", QUIET))
