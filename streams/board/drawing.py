"""The board as a picture for a terminal of a given size: never wider, never higher, the most important first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.instant import from_rfc3339
from streams.alert_text import STYLES
from streams.board.board import AlertRow, Board, ModelRow
from streams.board.ledger import MONTH_DAYS
from streams.plain import plain

ROOMY_FROM_HEIGHT: Final = 28
"""Lines from which on blocks have air between them."""
WIDE_FROM_WIDTH: Final = 140
"""Columns from which on all blocks stand side by side, and an alert fits on a line."""
SPACIOUS_FROM_WIDTH: Final = 96

UNKNOWN: Final = "?"
BARS: Final = "▁▂▃▄▅▆▇█"
STAGE_ROWS: Final = 6
MOST_ROWS: Final = 14
TALL_FROM_HEIGHT: Final = 40
"""Lines from which on a block may have as many rows as there are signals."""
TITLE: Final = "bold cyan"
QUIET: Final = "dim"


def draw(board: Board, width: int, height: int) -> RenderableType:
    """The board for `width` columns and `height` lines; of what does not fit, alerts are left out first."""
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
        parts += [_model(board.model, width), *air]
        used += 1 + len(air)
    parts.append(_alerts(board, width, height - used))
    return Group(*parts)


def _head(board: Board, width: int) -> RenderableType:
    """Of when the board speaks, and who tells it; partitions only where there is room."""
    workers = "no worker" if not board.workers else f"{board.workers} worker{'s' if board.workers > 1 else ''}"
    if board.workers and width >= SPACIOUS_FROM_WIDTH:
        workers += f", {board.partitions_owned} of {board.partitions} partitions"
    flow = f"{_rate(board.per_second)} events/s, lag {_count(board.lag)}"
    line = Text.assemble(("churn-signals", "bold"), f"  {_spoken_of(board.boundary)}")
    if board.is_catching_up and board.boundary is not None:
        day = f"  as of {_day(board.boundary)} {board.boundary[:4]}, "
        line = Text.assemble(("churn-signals", "bold"), day, ("catching up", "bold yellow"))
    right = f"{workers}, {flow}"
    if len(line) + len(right) + 2 > width:
        right = flow
    line.append(" " * max(width - len(line) - len(right), 2)).append(right, QUIET)
    line.truncate(width, overflow="ellipsis")
    return line


def _problems(board: Board, width: int) -> list[RenderableType]:
    """A problem may take two lines: what to do about it stands at its end."""
    return [
        Text(line, style="bold yellow", no_wrap=True)
        for problem in board.problems
        for line in wrap(plain(f"! {problem}"), width, subsequent_indent="  ", max_lines=2, placeholder=" …")
    ]


def _at_risk(board: Board, width: int) -> list[RenderableType]:
    """The first thing to see: how many, what share, what it is worth, and where it is going."""
    share = "" if board.share is None else f"  {board.share:.1%} of {_count(board.base)} not churned"
    at_risk = (board.value_at_risk or {}) if width >= SPACIOUS_FROM_WIDTH else {}
    money = "".join(
        f"  {value:,.0f} {currency} a year"
        + (f", {at_risk[currency]:,.0f} at risk" if at_risk.get(currency, value) != value else "")
        for currency, value in sorted((board.spend_at_risk or {}).items())
    )
    headline = Text.assemble(
        (f" {_count(board.at_risk)} ", "bold white on red"), (" customers at risk", "bold"), share, (money, "bold")
    )
    headline.truncate(width, overflow="ellipsis")
    return [headline, _trend(board, width)]


def _trend(board: Board, width: int) -> Text:
    if not board.trend:
        return Text("")
    change = "" if board.trend_change is None else f"  {_signed(board.trend_change)} in {MONTH_DAYS // 7} weeks"
    ends = f"{len(board.trend)} days  {board.trend[0]:,} ", f" {board.trend[-1]:,}"
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
        last = "none yet" if feed.last_event_at is None else _ago(board.now_ms - from_rfc3339(feed.last_event_at))
        if feed.last_event_at is None and not feed.is_quiet:
            last = UNKNOWN
        style = "yellow" if feed.is_quiet else ""
        table.add_row(feed.feed, _rate(feed.per_second), _count(feed.lag), Text(last, style))
    return table


def _model(model: ModelRow, width: int) -> Text:
    """One line, for whether its alerts can be believed: what does not fit is the least important."""
    name = model.version if width >= SPACIOUS_FROM_WIDTH else _day(model.learned_until)
    line = Text.assemble(("model ", TITLE), f"{name} ", ("cold", "yellow") if model.is_cold else "warm")
    if model.log_loss is not None and model.baseline_log_loss is not None:
        is_beaten = model.log_loss > model.baseline_log_loss
        best = (model.best_baseline or "").replace("_", " ") if width >= WIDE_FROM_WIDTH else "baseline"
        line.append("  log loss ").append(f"{model.log_loss:.3f}", "bold yellow" if is_beaten else "bold")
        line.append(f", {best} {model.baseline_log_loss:.3f}")
    else:
        line.append("  nothing it told is judged yet", QUIET)
    if width >= WIDE_FROM_WIDTH and model.auc is not None and model.ece is not None:
        line.append(f"  AUC {model.auc:.3f}  ECE {model.ece:.3f}")
    if model.drift_at is None or model.drift_of is None:
        line.append("  no drift", QUIET)
    else:
        of = f" of the {model.drift_of.replace('_', ' ')}" if width >= WIDE_FROM_WIDTH else ""
        line.append(f"  drift{of} {_day(model.drift_at)}")
    line.append(f"  {model.labels:,} labels")
    line.truncate(width, overflow="ellipsis")
    return line


def _alerts(board: Board, width: int, lines: int) -> RenderableType:
    """Open alerts that wait for somebody, the newest first; an alert takes two lines where one is too short."""
    title = Text("latest alerts to answer", TITLE)
    if board.alerts is None:
        return Group(title, Text(UNKNOWN, QUIET))
    if not board.alerts:
        return Group(title, Text("none", QUIET))
    if width >= WIDE_FROM_WIDTH:
        return Group(title, _fit(_alert_table(board.alerts[: max(lines - 1, 0)]), width))
    shown = board.alerts[: max(lines - 1, 0) // 2]
    return Group(title, *(part for alert in shown for part in _alert_lines(alert, width)))


def _alert_table(alerts: Iterable[AlertRow]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for justify, ratio in (
        ("left", None),
        ("left", None),
        ("left", None),
        ("left", 1),
        ("left", None),
        ("right", None),
    ):
        table.add_column(justify=justify, ratio=ratio, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]  # a tuple's texts are no literals
    for alert in alerts:
        table.add_row(
            Text(_day(alert.observed_at), QUIET),
            _signal(alert),
            plain(alert.customer_id),
            plain(alert.summary),
            plain(alert.owner),
            _due(alert),
        )
    return table


def _alert_lines(alert: AlertRow, width: int) -> tuple[Text, Text]:
    kind = " at risk" if alert.value_basis == "expected" else " a year"
    money = "" if alert.value is None else f", {alert.value:,.0f} {alert.currency}"
    money += kind if money and width >= SPACIOUS_FROM_WIDTH else ""
    whose = plain(f"  customer {alert.customer_id}{money}: {alert.owner}, ")
    head = Text.assemble(_signal(alert), whose, _due(alert))
    head.truncate(width, overflow="ellipsis")
    return head, Text(_cut(f"  {plain(alert.summary)}", width), QUIET, no_wrap=True)


def _signal(alert: AlertRow) -> Text:
    """Critical in words as well: it is for who must act first, and colours are not for everybody."""
    word = "critical " if alert.severity == "critical" else ""
    return Text(f"{word}{alert.signal}", STYLES[alert.severity])


def _due(alert: AlertRow) -> Text:
    if alert.due_at is None:
        return Text("any time", QUIET)
    return Text(f"due {_day(alert.due_at)} {alert.due_at[11:16]}", "bold red" if alert.is_past_due else "")


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


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _signed(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:+,}" if value else "0"


def _rate(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}" if value >= 10 or not value else f"{value:.1f}"


def _day(instant: str) -> str:
    return datetime.fromisoformat(instant).strftime("%d %b")


def _spoken_of(boundary: str | None) -> str:
    if boundary is None:
        return "no midnight of event time known"
    return datetime.fromisoformat(boundary).strftime("as of %d %b %Y %H:%M %Z")


def _ago(passed_ms: int) -> str:
    """How long ago, in the largest unit of which there are two.

    >>> _ago(90_000), _ago(50 * 3_600_000), _ago(-5)
    ('90 s ago', '2 days ago', 'now')
    """
    seconds = passed_ms // 1000
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return "now"
