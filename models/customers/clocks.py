"""Moving the columns on when a day closes: first and last days, totals, restarts of the clock, usual gaps."""

from itertools import pairwise

import numpy as np

from models.config import Basis
from models.customers.arrays import Bools, Ints, Rows
from models.customers.cells import Cells
from models.customers.columns import NO_DAY, Columns
from models.customers.days import Closed, Days
from models.customers.rhythm import median_gaps
from schemas.event import LOGIN, PURCHASE


def move(columns: Columns, closed: Closed, basis: Basis) -> None:
    """Take in a day that has just closed, in the order of days."""
    day, limits = closed.day, basis.lifecycle
    _add_totals(columns, closed)
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
    columns.last_purchase[buyers] = day
    if LOGIN in closed.cells:
        columns.last_login[closed.cells[LOGIN].rows] = day


def move_late(columns: Columns, days: Days, late: list[Closed], size: int, boundary: int, basis: Basis) -> Rows:
    """Take in what was added to closed days; the customers it concerns."""
    concerned: list[Rows] = []
    for closed in late:
        _add_totals(columns, closed)
        active = closed.pulse.rows[closed.pulse.active > 0]
        columns.first_day[active] = np.minimum(columns.first_day[active], closed.day)
        columns.last_day[active] = np.maximum(columns.last_day[active], closed.day)
        for feed, column in ((PURCHASE, columns.last_purchase), (LOGIN, columns.last_login)):
            if feed in closed.cells and feed in basis.feeds:
                rows = closed.cells[feed].rows
                column[rows] = np.maximum(column[rows], closed.day)
        concerned += [cells.rows for cells in closed.cells.values()]
    if not concerned:
        return np.empty(0, np.int32)
    rows = np.unique(np.concatenate(concerned))
    for row in rows.tolist():
        columns.restart[row] = _restart(columns, days, row, size, boundary, basis)
    return rows


def _add_totals(columns: Columns, closed: Closed) -> None:
    """Totals and first instants count in feeds that are not declared, too."""
    for feed, cells in closed.cells.items():
        first = columns.first_ms(feed)
        first[cells.rows] = np.minimum(first[cells.rows], cells.first_ms)
    if PURCHASE in closed.cells:
        cells = closed.cells[PURCHASE]
        columns.purchases_total[cells.rows] += cells.columns["purchases"].astype(np.int32)
        columns.spend_total[cells.rows] += cells.columns["minor"]
        np.add.at(columns.unrated_total, np.array(closed.unrated, np.int64), 1)


def _restart(columns: Columns, days: Days, row: int, size: int, boundary: int, basis: Basis) -> int:
    """The newest restart of a customer's clock, from the days that are kept."""
    limits, floor = basis.lifecycle, boundary - basis.keep_days
    is_asked = np.zeros(size, np.bool_)
    is_asked[row] = True
    active = _days_in(days.pulse, is_asked, floor, boundary, "active")
    bought = _days_in(days.feeds[PURCHASE], is_asked, floor, boundary) if PURCHASE in basis.feeds else []
    clock = active
    if limits.silence == "purchase" and columns.last_purchase[row] != NO_DAY:
        clock = [day for day in active if bought and day < bought[0]] + bought
    found = [later for earlier, later in pairwise(clock) if later - earlier >= limits.dormant_days]
    if found:
        return found[-1]
    kept = int(columns.restart[row])
    return kept if clock and kept == clock[0] else -(1 << 30)  # of a silence longer than the days that are kept


def _days_in(cells: Cells, is_asked: Bools, first: int, end: int, only: str = "") -> list[int]:
    places = cells.find(is_asked, first, end)
    if only:
        places = places[cells.column(only)[places] > 0]
    found: list[int] = cells.days_of(places).tolist()
    return found


def move_gaps(columns: Columns, days: Days, concerned: Rows, size: int, boundary: int, basis: Basis) -> None:
    """The usual gaps of who bought on the day just closed, of who was concerned by late events, and of whose oldest
    purchase is forgotten now."""
    if PURCHASE not in basis.feeds:
        return
    log, floor = days.feeds[PURCHASE], boundary - basis.keep_days
    rows = np.unique(
        np.concatenate((log.rows[log.day(boundary - 1)], log.rows[log.day(floor - 1)], concerned.astype(np.int32)))
    )
    if len(rows):
        columns.gap[rows] = median_gaps(log, rows, size, floor, boundary)


def days_since(last: Ints, boundary: int) -> Ints:
    """Whole days from a day to the newest closed one."""
    return boundary - 1 - last.astype(np.int64)
