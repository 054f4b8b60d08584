"""The course of a customer: what its days say, and that the picture says the same."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.cells import cell_len
from rich.console import Console

from models.calendar import date_of
from models.measures.course import COURSE_DAYS, LEVEL_DAYS, Course, course
from schemas.event import Event
from streams.console.course_plot import draw_course
from support.builders import login, purchase, ticket
from support.standing import Standing
from support.troubled import FIRST_DAY, default_rules

BASIS = default_rules().basis
BOUNDARY = FIRST_DAY + 130
"""Ten days before the course begins the customer was first seen."""


def at(day: int) -> int:
    """Noon of a day, counted from the boundary backwards: -1 is the newest closed day."""
    return BASIS.calendar.start_of(BOUNDARY + day) + 43_200_000


def course_of(*events: Event, basis: object = None) -> Course | None:
    known = replace(BASIS, rates={"EUR": 1.0})
    standing = Standing(known if basis is None else replace(known, feeds=(0,)), events, BOUNDARY)
    return course(standing.as_of(), standing.row)


def drawn(of: Course) -> list[str]:
    out = StringIO()
    Console(file=out, width=80, highlight=False).print(draw_course(of))
    return out.getvalue().rstrip("\n").split("\n")


BUSY = (
    *(login(at_ms=at(-day)) for day in range(1, 125, 3)),
    *(purchase(at_ms=at(-day), order_id=str(day), id=f"p{day}") for day in (1, 2, 40)),
    ticket(at_ms=at(-30)),
    login(at_ms=at(0)),
)


def test_course_holds_the_closed_days_up_to_the_boundary() -> None:
    found = course_of(*BUSY)
    assert found is not None
    assert {len(found.daily), len(found.level), len(found.trend), len(found.purchases)} == {COURSE_DAYS}
    assert (sum(found.purchases), sum(found.tickets)) == (3, 1)
    assert found.purchases[-2:] == (1, 1)
    assert found.daily[-3:] == (0.0, 5.0, 6.0)  # the login of the boundary's own day is not closed yet
    assert (found.first_day, found.last_day) == (date_of(BOUNDARY - COURSE_DAYS), date_of(BOUNDARY - 1))


def test_level_is_the_sum_of_the_fortnight_that_ends_on_the_day() -> None:
    found = course_of(*BUSY)
    assert found is not None
    assert found.level[-1] == sum(found.daily[-LEVEL_DAYS:])
    assert found.level[0] == 2.0  # the days before the first one shown count as well


def test_trend_is_the_line_behind_the_slope() -> None:
    rising = course_of(*(login(at_ms=at(-day)) for day in range(1, 30)), login(at_ms=at(-119)))
    assert rising is not None
    known = [value for value in rising.trend if value is not None]
    assert known == sorted(known)
    assert known[0] < known[-1]


def test_before_the_customer_was_seen_level_and_trend_are_unknown() -> None:
    found = course_of(login(at_ms=at(-20)), login(at_ms=at(-5)))
    assert found is not None
    assert set(found.level[:100]) == set(found.trend[:100]) == {None}
    assert None not in found.level[100:]


def test_undeclared_feed_has_no_counts_and_no_line_in_the_picture() -> None:
    found = course_of(*BUSY, basis="purchases only")
    assert found is not None
    assert (found.tickets, sum(found.purchases)) == ((), 3)
    assert not [line for line in drawn(found) if line.startswith(" " * 2 + "tickets")]


def test_nobody_has_no_course() -> None:
    assert course_of() is None
    assert course_of(login(at_ms=at(3))) is None


def test_picture_fits_and_marks_what_happened() -> None:
    found = course_of(*BUSY)
    assert found is not None
    lines = drawn(found)
    assert max(map(cell_len, lines)) <= 80
    bought = next(line for line in lines if line.startswith("purchases"))
    assert bought.rstrip().endswith("3")
    assert bought.count("●") == 1
    assert "2" in bought  # two days in one cell
    assert "▲" in next(line for line in lines if "tickets" in line)
    assert any("┬" in line for line in lines)


def test_picture_of_a_single_day_is_drawn() -> None:
    found = course_of(login(at_ms=at(-1)))
    assert found is not None
    assert len(drawn(found)) == 12
