"""The course of a customer's engagement as a picture of characters: a braille cell is two days wide.

Above the level of 14 days and its trend, below each day's points, purchases and tickets, all over the same axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import ceil
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from models.measures.course import LEVEL_DAYS, Course
from streams.text.wording import written_day

ROWS: Final = 7
DAYS_A_CELL: Final = 2
DOTS_A_CELL: Final = 4
BRAILLE: Final = 0x2800
DOTS: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of a braille character by day of the cell and height within it, from below."""
BARS: Final = " ▁▂▃▄▅▆▇█"
MARGIN: Final = 10
LEVEL, TREND, DAILY, BOUGHT, ASKED, FRAME = "cyan", "yellow", "blue", "green", "red", "dim"

Canvas = dict[tuple[int, int], int]
"""Bits of the braille character at (column, row), rows counted from below."""


def draw_course(course: Course) -> RenderableType:
    """The picture: 12 lines, at most 72 columns."""
    top = max(1.0, *(value for value in (*course.level, *course.trend) if value is not None))
    level, trend = _curve(course.level, top), _curve(course.trend, top)
    columns = ceil(len(course.daily) / DAYS_A_CELL)
    return Group(
        _title(course),
        *(_row(row, columns, level, trend, top) for row in reversed(range(ROWS))),
        _axis(course, columns),
        _bars(course),
        *_marks("purchases", course.purchases, "●", BOUGHT),
        *_marks("tickets", course.tickets, "▲", ASKED),
    )


def _title(course: Course) -> Text:
    now = next((value for value in reversed(course.level) if value is not None), 0.0)
    return Text.assemble(
        ("Engagement", "bold"), " up to the end of ", written_day(course.last_day), ": ",
        (f"{LEVEL_DAYS} days", LEVEL),
        f" (now {now:g} points) and ", ("trend", TREND),
    )  # fmt: skip


def _curve(values: Sequence[float | None], top: float) -> Canvas:
    """Dots of a curve; from day to day joined upright, so that a jump reads as one."""
    canvas: Canvas = {}
    before: int | None = None
    for day, value in enumerate(values):
        if value is None:
            before = None
            continue
        height = min(round(value / top * (ROWS * DOTS_A_CELL - 1)), ROWS * DOTS_A_CELL - 1)
        for dot in range(height, height + 1) if before is None else _between(before, height):
            place = (day // DAYS_A_CELL, dot // DOTS_A_CELL)
            canvas[place] = canvas.get(place, 0) | DOTS[day % DAYS_A_CELL][dot % DOTS_A_CELL]
        before = height
    return canvas


def _between(before: int, height: int) -> range:
    """Dots from next to the last height to this one."""
    if height > before:
        return range(before + 1, height + 1)
    return range(height, max(before, height + 1))


def _row(row: int, columns: int, level: Canvas, trend: Canvas, top: float) -> Text:
    label = f"{top:,.0f}" if row == ROWS - 1 else "0" if row == 0 else ""
    line = Text(f"{label:>{MARGIN - 1}} ", FRAME)
    for column in range(columns):
        curve, fitted = level.get((column, row), 0), trend.get((column, row), 0)
        line.append(chr(BRAILLE | curve | fitted) if curve | fitted else " ", LEVEL if curve else TREND)
    return line


def _axis(course: Course, columns: int) -> Text:
    """A line with the names of the months at the places where they begin."""
    line = ["─"] * columns
    for day in range(len(course.daily)):
        moment = date.fromisoformat(course.first_day) + timedelta(days=day)
        at = day // DAYS_A_CELL
        if moment.day == 1 and at + 5 <= columns:
            line[at : at + 5] = f"┬{moment:%b} "
    return Text(" " * MARGIN + "".join(line), FRAME)


def _bars(course: Course) -> Text:
    top = max(1.0, *course.daily)
    bars = "".join(BARS[ceil(max(0.0, *pair) / top * (len(BARS) - 1))] for pair in _cells(course.daily))
    return _labelled("a day", bars, DAILY, f"up to {top:g}")


def _marks(name: str, counts: Sequence[int], mark: str, color: str) -> Iterator[Text]:
    """One mark a cell, its number where there are several; nothing at all for a feed that is not declared."""
    if counts:
        sums = [sum(map(int, pair)) for pair in _cells(counts)]
        yield _labelled(
            name, "".join(" " if not n else mark if n == 1 else str(min(n, 9)) for n in sums), color, str(sum(sums))
        )


def _cells(values: Sequence[float]) -> Iterator[Sequence[float]]:
    for at in range(0, len(values), DAYS_A_CELL):
        yield *values[at : at + DAYS_A_CELL], 0


def _labelled(name: str, drawn: str, color: str, total: str) -> Text:
    return Text.assemble((f"{name:>{MARGIN - 1}} ", FRAME), (drawn, color), (f" {total}", FRAME))
