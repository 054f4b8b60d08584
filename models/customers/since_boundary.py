"""What a customer did since the last boundary: on days still open, or late. Nothing of it is judged yet."""

from collections import defaultdict
from collections.abc import Mapping

from models.customers.cells import DayOf
from models.customers.customers import Customers
from models.customers.open_day import OpenDay

Counts = dict[str, int]
"""By name as the columns of closed days have it (purchases, minor, logins, complaint, clicked …), without zeros."""


def since_boundary(customers: Customers, row: int) -> dict[int, Counts]:
    """By day, oldest first, what is waiting for the next boundary; days without anything are left out."""
    found: dict[int, Counts] = defaultdict(lambda: defaultdict(int))
    days = customers.days
    for day, opened in (*days.open.items(), *days.late.items()):
        for name, count in _counts_of(opened, row).items():
            found[day][name] += count
    return {day: dict(found[day]) for day in sorted(found) if found[day]}


def _counts_of(opened: OpenDay, row: int) -> Counts:
    counts: Counts = {}
    for cells in opened.close().values():
        counts |= _cell(cells, row)
    if unrated := opened.unrated.get(row):
        counts["unrated"] = unrated
    return counts


def _cell(cells: DayOf, row: int) -> Mapping[str, int]:
    place = int(cells.rows.searchsorted(row))
    if place == len(cells.rows) or cells.rows[place] != row:
        return {}
    return {name: int(column[place]) for name, column in cells.columns.items() if column[place]}
