"""The pulse of a day: who was active, and with how many points of engagement, from the cells of all declared feeds."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import Engagement
from models.customers.arrays import NO_ROWS, Bools, Ints, Rows
from models.customers.buckets import EMAIL_ACTIONS, STRONG_ACTIONS, TICKET_CATEGORIES
from models.customers.cells import DayOf
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

PULSE_LAYOUT: Final = {"active": np.uint8, "points": np.int16}
OPENED: Final = (*TICKET_CATEGORIES, "reopened")
"""Columns of tickets that count what the customer did."""
Columns = Mapping[str, NDArray[Any]]


class Pulse(NamedTuple):
    """Rows ascending; `active` is 1 where the customer did something, `points` are tenths of a point."""

    rows: Rows
    active: Ints
    points: Ints


_NONE: Final = Pulse(NO_ROWS, np.empty(0, np.int64), np.empty(0, np.int64))


def pulse_of(day: Mapping[int, DayOf], feeds: Collection[int], weights: Engagement) -> Pulse:
    """The pulse of a day's cells; e-mails merely sent and tickets merely resolved are no activity."""
    parts = [
        (cells.rows, is_active(feed, cells.columns), _POINTS[feed](cells.columns, weights))
        for feed, cells in day.items()
        if feed in feeds and len(cells.rows)
    ]
    if not parts:
        return _NONE
    rows, places = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
    active, points = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    begin = 0
    for own, was_active, tenths in parts:
        at = places[begin : begin + len(own)]  # each row once in a feed
        begin += len(own)
        active[at] |= was_active
        points[at] += tenths
    kept = (active | points) != 0
    return Pulse(rows[kept], active[kept], points[kept])


def is_active(feed: int, columns: Columns) -> Bools:
    """Whether an entry of a feed holds anything that the customer did."""
    if feed == TICKET:
        return opened_of(columns) > 0
    if feed == EMAIL:
        return sum_of(columns, STRONG_ACTIONS) > 0
    return next(iter(columns.values())) > 0


def sum_of(columns: Columns, names: Collection[str]) -> Ints:
    """The sum of some columns, wide enough for any counts."""
    first, *rest = names
    total: Ints = columns[first].astype(np.int64)
    for name in rest:
        total = total + columns[name]
    return total


def opened_of(columns: Columns) -> Ints:
    """Tickets opened or reopened."""
    return sum_of(columns, OPENED)


def _weighted(counts: Ints, action: str, weights: Engagement) -> Ints:
    weight, cap = weights.of(action)
    found: Ints = weight * np.minimum(counts.astype(np.int64), cap)
    return found


def _ticket_points(columns: Columns, weights: Engagement) -> Ints:
    return _weighted(opened_of(columns), "ticket", weights) + _weighted(columns["complaint"], "complaint", weights)


def _email_points(columns: Columns, weights: Engagement) -> Ints:
    points = np.zeros(len(columns[EMAIL_ACTIONS[0]]), np.int64)
    for action in EMAIL_ACTIONS:
        if weights.of(action)[0]:
            points += _weighted(columns[action], action, weights)
    return points


_POINTS: Final = {
    PURCHASE: lambda columns, weights: _weighted(columns["purchases"], "purchase", weights),
    LOGIN: lambda columns, weights: _weighted(columns["logins"], "login", weights),
    TICKET: _ticket_points,
    EMAIL: _email_points,
}
