"""The board as a picture for a terminal of a given size: never wider, never higher, the most important first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.alert import EndReason
from schemas.instant import from_rfc3339
from streams.board.board import Board
from streams.board.drawn_alerts import TITLE, alert_block
from streams.board.drawn_model import model_line
from streams.board.ledger import MONTH_DAYS
from streams.board.sizes import SPACIOUS_FROM_WIDTH, WIDE_FROM_WIDTH
from streams.console.alert_text import QUIET, UNKNOWN
from streams.text.plain import plain
from streams.text.wording import counted, moment, span, written_date

ROOMY_FROM_HEIGHT: Final = 28
"""Lines from which on blocks have air between them."""
BARS: Final = "▁▂▃▄▅▆▇█"
ENDED: Final[Mapping[EndReason, str]] = {
    "came_back": "came back", "solved": "solved", "lost": "lost", "expired": "expired",
    "opted_out": "opted out", "erased": "erased", "merged": "merged",
}  # fmt: skip
"""What may have become of an alert; not those that were taken back, or whose signal left the catalogue."""
STAGE_ROWS: Final = 6
MOST_ROWS: Final = 14
TALL_FROM_HEIGHT: Final = 40
"""Lines from which on a block may have as many rows as there are signals."""


def draw(board: Board, width: int, height: int, *, explain: bool = False) -> RenderableType:
    """The board for `width` columns and `height` lines; of what does not fit, alerts are left out first.

    `explain`: with the statistics by which the model is judged.
    """
    air = [Text("")] if height >= ROOMY_FROM_HEIGHT else []
    rows = MOST_ROWS if height >= TALL_FROM_HEIGHT else STAGE_ROWS
    upper, lower = (
        [_stages(board), _signals(board, rows)],
        [_feeds(board), _past_due(board, max(rows, len(board.feeds)))],
    )
    blocks = [[*upper, *reversed(lower)]] if width >= WIDE_FROM_WIDTH else [upper, lower]
    parts: list[RenderableType] = [_head(board, width), *_problems(board, width), *air, *_at_risk(board, width), *air]
    used = len(parts)
    for tables in blocks:
        parts += [_beside(width, *tables), *air]
        used += 1 + max(table.row_count for table in tables) + len(air)
    if board.model is not None:
        parts += [model_line(board.model, width, explain=explain), *air]
        used += 1 + len(air)
    parts.append(alert_block(board, width, height - used))
    return Group(*parts)


def _head(board: Board, width: int) -> RenderableType:
    """Of when the board speaks, and who tells it; partitions only where there is room."""
    workers = counted(board.workers, "worker") if board.workers else "no worker"
    if board.workers and width >= SPACIOUS_FROM_WIDTH:
        workers += f", {board.partitions_owned} of {counted(board.partitions, 'partition')}"
    flow = f"{_rate(board.per_second)} events/s, lag {_count(board.lag)}"
    line = Text.assemble(("churn-signals", "bold"), f"  {_spoken_of(board)}")
    if board.is_catching_up and board.boundary is not None:
        day = f"  as of {written_date(board.boundary, board.zone)}, "
        line = Text.assemble(("churn-signals", "bold"), day, ("catching up", "bold yellow"))
    right = f"{workers}, {flow}"
    if len(line) + len(right) + 2 > width:
        right = flow
    line.append(" " * max(width - len(line) - len(right), 2)).append(right, QUIET)
    line.truncate(width, overflow="ellipsis")
    return line


def _problems(board: Board, width: int) -> list[RenderableType]:
    """Each may take two lines: what to do about it stands at its end."""
    told = [*((f"! {text}", "bold yellow") for text in board.problems), *((f"- {text}", QUIET) for text in board.notes)]
    return [
        Text(line, style=style, no_wrap=True)
        for text, style in told
        for line in wrap(plain(text), width, subsequent_indent="  ", max_lines=2, placeholder=" …")
    ]


def _at_risk(board: Board, width: int) -> list[RenderableType]:
    """The first thing to see: how many, what share, what it is worth, and where it is going."""
    share = "" if board.share is None else f"  {board.share:.1%} of {_count(board.base)} not churned"
    money = "".join(
        f"  {value:,.0f} {currency} in the last year" for currency, value in sorted((board.spend_at_risk or {}).items())
    )
    headline = Text.assemble(
        (f" {_count(board.at_risk)} ", "bold white on red"),
        (" customers at risk" if board.at_risk != 1 else " customer at risk", "bold"),
        share,
        (money, "bold"),
    )
    headline.truncate(width, overflow="ellipsis")
    return [headline, _trend(board, width), *_ended(board, width)]


def _ended(board: Board, width: int) -> list[Text]:
    """What became of the alerts that ended lately; nothing where none did."""
    told = [
        f"{board.ended[reason]:,} {word}" for reason, word in ENDED.items() if board.ended and reason in board.ended
    ]
    line = Text.assemble((f" alerts that ended in {MONTH_DAYS // 7} weeks  ", QUIET), ", ".join(told))
    line.truncate(width, overflow="ellipsis")
    return [line] if told else []


def _trend(board: Board, width: int) -> Text:
    if not board.trend:
        return Text("")
    change = "" if board.trend_change is None else f"  {_signed(board.trend_change)} in {MONTH_DAYS // 7} weeks"
    ends = f"{counted(len(board.trend), 'day')}  {board.trend[0]:,} ", f" {board.trend[-1]:,}"
    room = width - sum(map(len, (*ends, change))) - 1
    shown = board.trend[-max(room, 1) :]
    line = Text.assemble((f" {ends[0]}", QUIET), (sparkline(shown), "red"), ends[1], (change, "bold"))
    line.truncate(width, overflow="ellipsis")
    return line


def sparkline(values: Sequence[int]) -> str:
    """One bar a value, from the least to the greatest of them; a flat line when all are equal.

    >>> sparkline([1, 2, 8, 4])
    '▁▂█▄'
    """
    low, high = min(values), max(values)
    top = len(BARS) - 1
    return "".join(BARS[round((value - low) / (high - low) * top) if high > low else top // 2] for value in values)


def _stages(board: Board) -> Table:
    table = _block("stage", "customers", f"{MONTH_DAYS // 7} weeks")
    for row in board.stages or ():
        table.add_row(row.stage, _count(row.customers), _signed(row.change))
    return _or_unknown(table, board.stages)


def _signals(board: Board, rows: int) -> Table:
    table = _block("at risk by signal", "customers")
    return _ranked(table, board.by_signal, rows, "nobody")


def _past_due(board: Board, rows: int) -> Table:
    table = _block("past due by owner", "alerts")
    return _ranked(table, board.past_due, rows, "none")


def _ranked(table: Table, counts: dict[str, int] | None, rows: int, nothing: str) -> Table:
    if counts is not None and not counts:
        table.add_row(Text(nothing, QUIET), "")
    items = list((counts or {}).items())
    shown = items if len(items) <= rows else items[: rows - 1]
    for name, count in shown:
        table.add_row(plain(name), f"{count:,}")
    if len(shown) < len(items):
        rest = items[len(shown) :]
        table.add_row(Text(f"and {len(rest)} more", QUIET), Text(f"{sum(count for _, count in rest):,}", QUIET))
    return _or_unknown(table, counts)


def _feeds(board: Board) -> Table:
    table = _block("feed", "events/s", "lag", "last event")
    for feed in board.feeds:
        last = (
            "none yet" if feed.last_event_at is None else f"{span(board.now_ms - from_rfc3339(feed.last_event_at))} ago"
        )
        if feed.last_event_at is None and not feed.is_quiet:
            last = UNKNOWN
        style = "yellow" if feed.is_quiet else ""
        table.add_row(feed.feed, _rate(feed.per_second), _count(feed.lag), Text(last, style))
    return table


def _block(title: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), expand=True, header_style=TITLE)
    table.add_column(title, ratio=1, no_wrap=True, overflow="ellipsis")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _or_unknown(table: Table, value: object) -> Table:
    if value is None:
        table.add_row(Text(UNKNOWN, QUIET), *[""] * (len(table.columns) - 1))
    return table


def _beside(width: int, *blocks: Table) -> Table:
    grid = Table.grid(expand=True, padding=(0, 3, 0, 0), pad_edge=False)
    for _ in blocks:
        grid.add_column(ratio=1)
    grid.add_row(*blocks)
    return _fit(grid, width)


def _fit(table: Table, width: int) -> Table:
    table.width = width
    return table


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _signed(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:+,}" if value else "0"


def _rate(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}" if value >= 10 or not value else f"{value:.1f}"


def _spoken_of(board: Board) -> str:
    if board.boundary is None:
        return "no midnight of event time known"
    return f"as of {moment(board.boundary, board.zone)}"
