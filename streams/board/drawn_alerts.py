"""Open alerts on the board: a case in a line or two, the newest first, all in one measure of value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.instant import from_rfc3339
from streams.board.board import Board
from streams.board.rows import AlertRow
from streams.board.sizes import WIDE_FROM_WIDTH
from streams.console.alert_text import LATE, QUIET, UNKNOWN, amount, due_text, percent, severity_text
from streams.console.cases import MEANINGS
from streams.text.plain import plain
from streams.text.wording import moment, whom

TITLE: Final = "bold cyan"


def alert_block(board: Board, width: int, lines: int) -> RenderableType:
    """Cases that wait for somebody; one takes two lines where one is too short."""
    title = Text("latest alerts to answer", TITLE)
    if board.alerts is None:
        return Group(title, Text(UNKNOWN, QUIET))
    if not board.alerts:
        return Group(title, Text("none", QUIET))
    title.append(f"  amounts: {MEANINGS[board.alerts_measure]}", QUIET)
    title.truncate(width, overflow="ellipsis")
    if width >= WIDE_FROM_WIDTH:
        table = _table(board, board.alerts[: max(lines - 1, 0)])
        table.width = width
        return Group(title, table)
    shown = board.alerts[: max(lines - 1, 0) // 2]
    return Group(title, *(part for alert in shown for part in _two_lines(board, alert, width)))


def _table(board: Board, alerts: Iterable[AlertRow]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for is_number, ratio in ((False, None), (False, None), (False, None), (True, None), (True, None), (False, 1)):
        table.add_column(justify="right" if is_number else "left", ratio=ratio, no_wrap=True, overflow="ellipsis")
    for _ in ("owner", "due"):
        table.add_column(no_wrap=True, overflow="ellipsis")
    for alert in alerts:
        table.add_row(
            Text(moment(alert.observed_at, board.zone, now_ms=board.now_ms), QUIET), _signal(alert),
            Text(plain(alert.customer_id)), Text(_worth(alert)), Text(_risk(alert)), _said(alert),
            Text(plain(alert.owner)),
            _due(board, alert),
        )  # fmt: skip
    return table


def _two_lines(board: Board, alert: AlertRow, width: int) -> tuple[Text, Text]:
    worth = ", ".join(part for part in (_worth(alert), _risk(alert)) if part)
    who = f"  {whom(alert.customer_id)}{', ' if worth else ''}{worth}: {alert.owner}, "
    head = Text.assemble(_signal(alert), plain(who), _due(board, alert))
    head.truncate(width, overflow="ellipsis")
    line = Text("  ", QUIET, no_wrap=True).append_text(_said(alert))
    line.truncate(width, overflow="ellipsis")
    return head, line


def _said(alert: AlertRow) -> Text:
    """The summary, behind that the customer must not be contacted."""
    return Text.assemble(("do not contact: " if alert.do_not_contact else "", LATE), plain(alert.summary))


def _worth(alert: AlertRow) -> str:
    return "" if alert.value is None else f"{amount(alert.value)} {alert.currency}"


def _risk(alert: AlertRow) -> str:
    return "" if alert.risk is None else f"risk {percent(alert.risk)}"


def _signal(alert: AlertRow) -> Text:
    more = f" +{len(alert.others)}" if alert.others else ""
    return severity_text(alert.severity, f"{alert.signal}{more}")


def _due(board: Board, alert: AlertRow) -> Text:
    if alert.due_at is None:
        return Text("any time", QUIET)
    return Text("due ").append_text(due_text(from_rfc3339(alert.due_at), board.zone, board.now_ms))
