"""Moving the columns on when a day closes: first and last days, totals, restarts of the clock, usual gaps."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from models.config import Basis
from models.customers.arrays import Ints, Rows, Selection
from models.customers.buckets import NO_TIME, REFUSALS
from models.customers.cells import Cells
from models.customers.columns import NEVER, NO_DAY, Columns
from models.customers.days import Closed, Days
from models.customers.entries import MAX_SUM
from models.customers.pulse import is_active
from models.customers.rhythm import gaps_of
from schemas.event import EMAIL, LOGIN, PURCHASE

MAX_COUNT: Final = int(np.iinfo(np.int32).max)
"""Of things counted of a customer, over all time."""


def move(columns: Columns, closed: Closed, basis: Basis) -> None:
    """Take in a day that has just closed, in the order of days."""
    day, limits = closed.day, basis.lifecycle
    _add_totals(columns, closed)
    _note_refusals(columns, closed)
    active = closed.pulse.rows[closed.pulse.active > 0]
    buyers = closed.cells[PURCHASE].rows if PURCHASE in closed.cells and PURCHASE in basis.feeds else active[:0]
    before = columns.last_day[active]
    if limits.silence == "purchase":
        bought = columns.last_purchase[active]
        before = np.where(bought != NO_DAY, bought, before)
        counts = bought == NO_DAY  # once somebody has bought, purchases alone restart the clock
        counts[np.searchsorted(active, buyers)] = True
    else:
        counts = np.ones(len(active), np.bool_)
    is_back = counts & (before != NO_DAY) & (day - before >= limits.dormant_days)
    columns.restart[active[is_back]] = day
    columns.first_day[active] = np.minimum(columns.first_day[active], day)
    columns.last_day[active] = day
    for feed, column in _last_days(columns, closed, basis):
        column[closed.cells[feed].rows] = day


def _note_refusals(columns: Columns, closed: Closed) -> None:
    """In which ways e-mails were refused; where their feed is not declared, too."""
    if EMAIL in closed.cells:
        cells = closed.cells[EMAIL]
        for bit, action in enumerate(REFUSALS):
            columns.refused[cells.rows[cells.columns[action] > 0]] |= 1 << bit


def move_late(
    columns: Columns, days: Days, late: list[Closed], joined: Rows, size: int, boundary: int, basis: Basis
) -> Rows:
    """Take in what was added to closed days; the customers it concerns, and those whom others joined."""
    concerned: list[Rows] = [joined] if len(joined) else []
    for closed in late:
        _add_totals(columns, closed)
        _note_refusals(columns, closed)
        active = closed.pulse.rows[closed.pulse.active > 0]
        columns.first_day[active] = np.minimum(columns.first_day[active], closed.day)
        columns.last_day[active] = np.maximum(columns.last_day[active], closed.day)
        for feed, column in _last_days(columns, closed, basis):
            rows = closed.cells[feed].rows
            column[rows] = np.maximum(column[rows], closed.day)
        concerned += [cells.rows for cells in closed.cells.values()]
    if not concerned:
        return np.empty(0, np.int32)
    rows = np.unique(np.concatenate(concerned))
    columns.restart[rows] = restarts(columns, days, rows, size, boundary, basis)
    return rows


def _last_days(columns: Columns, closed: Closed, basis: Basis) -> list[tuple[int, Ints]]:
    """The columns of last days that a day moves, by feed: purchases once they are declared, as stages read them.

    Logins in any case, as totals: only what asks for them asks whether they are declared.
    """
    moved = [(PURCHASE, columns.last_purchase)] if PURCHASE in basis.feeds else []
    return [(feed, column) for feed, column in (*moved, (LOGIN, columns.last_login)) if feed in closed.cells]


def _add_totals(columns: Columns, closed: Closed) -> None:
    """Totals and first days count in feeds that are not declared, too."""
    if PURCHASE in closed.cells:
        cells = closed.cells[PURCHASE]
        _note_second(columns, cells.rows, cells.columns["purchases"], closed.day)
        _add(columns.purchases_total, cells.rows, cells.columns["purchases"], MAX_COUNT)
        _add(columns.spend_total, cells.rows, cells.columns["minor"], MAX_SUM)
        rows = np.array([*closed.unrated], np.int32)
        _add(columns.unrated_total, rows, np.array([*closed.unrated.values()], np.int64), MAX_COUNT)
    for feed, cells in closed.cells.items():
        first, rows = columns.first_in(feed), cells.rows[cells.first_ms != NO_TIME]
        first[rows] = np.minimum(first[rows], closed.day)


def _note_second(columns: Columns, rows: Rows, purchases: Ints, day: int) -> None:
    """The day of the second purchase, in whatever order days come: the first is the earliest of those before."""
    first, second = columns.first_in(PURCHASE)[rows], columns.bought_again[rows]
    own = np.where(purchases > 1, day, NEVER)
    columns.bought_again[rows] = np.minimum(np.minimum(second, np.maximum(first, day)), own)


def _add(total: Ints, rows: Rows, more: Ints, most: int) -> None:
    """Add to the totals of some customers, each named once, up to a limit; nothing is negative."""
    total[rows] = np.minimum(total[rows].astype(np.int64) + more, most)


def restarts(columns: Columns, days: Days, rows: Rows, size: int, boundary: int, basis: Basis) -> Ints:
    """The newest restart of the clock of some customers: by the days that are kept, else the one that is known."""
    limits, floor = basis.lifecycle, boundary - basis.keep_days
    number = np.full(size, -1, np.int64)
    number[rows] = np.arange(len(rows))
    own, day = _days_in(days.pulse, number, floor, boundary)
    older = _older(columns, rows, basis.feeds)
    if limits.silence == "purchase" and PURCHASE in basis.feeds:
        bought_before = columns.older(PURCHASE, rows)
        has_bought = bought_before != NO_DAY
        buyers, bought = _days_in(days.feeds[PURCHASE], number, floor, boundary)
        first = np.full(len(rows), NEVER, np.int64)
        np.minimum.at(first, buyers, bought)
        first[has_bought] = NO_DAY
        kept = day < first[own]  # activity counts until the first purchase
        own, day = np.concatenate((own[kept], buyers)), np.concatenate((day[kept], bought))
        older = np.where(has_bought, bought_before, older)
    before = np.flatnonzero(older != NO_DAY)
    own, day = np.concatenate((own, before)), np.concatenate((day, older[before]))
    order = np.lexsort((day, own))
    own, day = own[order], day[order]
    is_back = (own[1:] == own[:-1]) & (np.diff(day) >= limits.dormant_days)
    found = np.full(len(rows), -NEVER, np.int64)
    found[own[1:][is_back]] = day[1:][is_back]  # ascending: the newest stays
    known = columns.restart[rows]
    return np.where((found == -NEVER) & (known < floor), known, found)


def note_older(columns: Columns, days: Days, day: int) -> None:
    """Note who was active, and in which feeds, on a day that belongs to those that are kept no longer."""
    for feed, log in enumerate(days.feeds):
        span = log.day(day)
        was_active = is_active(feed, {name: log.column(name)[span] for name in log.names})
        if was_active.any():
            columns.note_older(feed, log.rows(span)[was_active], day)


def _older(columns: Columns, rows: Selection, feeds: Iterable[int]) -> Ints:
    """The newest day of activity in some feeds that is kept no longer."""
    found: Ints = np.maximum.reduce([columns.older(feed, rows) for feed in feeds])
    return found


def _days_in(cells: Cells, number: Ints, first: int, end: int) -> tuple[Ints, Ints]:
    """(number of the customer, day) of the entries of numbered customers in which they were active."""
    places = cells.find(number >= 0, first, end)
    if "active" in cells.names:
        places = places[cells.column("active")[places] > 0]
    return number[cells.rows(places)], cells.days_of(places)


def recount(columns: Columns, days: Days, size: int, boundary: int, basis: Basis) -> None:
    """Set the clocks of everybody anew: other feeds may be declared now."""
    rows, floor = np.arange(size, dtype=np.int32), boundary - basis.keep_days
    columns.first_day[:size] = np.minimum.reduce([columns.first_in(feed)[:size] for feed in basis.feeds])
    number = np.arange(size, dtype=np.int64)
    for column, log, feeds in (
        (columns.last_day, days.pulse, basis.feeds),
        (columns.last_purchase, days.feeds[PURCHASE], (PURCHASE,)),
        (columns.last_login, days.feeds[LOGIN], (LOGIN,)),
    ):
        column[:size] = _older(columns, slice(size), feeds)
        own, day = _days_in(log, number, floor, boundary)
        np.maximum.at(column, own, day)
    if PURCHASE not in basis.feeds:
        columns.last_purchase[:size], columns.gap[:size], columns.longest_gap[:size] = NO_DAY, np.nan, 0
    columns.restart[:size] = restarts(columns, days, rows, size, boundary, basis)
    move_gaps(columns, days, rows, size, boundary, basis)


def move_gaps(columns: Columns, days: Days, concerned: Rows, size: int, boundary: int, basis: Basis) -> None:
    """Set the gaps of who bought on the day just closed, whom late events concern, or whose oldest day is forgotten."""
    if PURCHASE not in basis.feeds:
        return
    log, floor = days.feeds[PURCHASE], boundary - basis.keep_days
    rows = np.unique(
        np.concatenate((log.rows(log.day(boundary - 1)), log.rows(log.day(floor - 1)), concerned.astype(np.int32)))
    )
    if len(rows):
        columns.gap[rows], columns.longest_gap[rows] = gaps_of(log, rows, size, floor, boundary)
