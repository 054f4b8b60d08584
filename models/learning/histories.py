"""Histories of customers read from events, by the product's own columns and rule for duplicates.

Days stay open until a backtest closes them, one by one. Purchases alone are kept for good, to be asked what became of a
snapshot long after the columns have forgotten its days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.calendar import DAY_MS
from models.config import Basis
from models.customers.arrays import Ints, Rows
from models.customers.customers import Customers
from models.customers.day_history import DayHistory, Whole
from schemas.event import PURCHASE, Event


class PurchaseHistory(DayHistory):
    """All purchase days of customers, who are known by their places in the order of ids."""

    def __init__(self, who: Whole, days: Whole, orders: Whole, minor: Whole) -> None:
        """An entry for each customer and day with a purchase, in any order."""
        super().__init__(who, days)
        self._orders = np.concatenate(([0], np.cumsum(orders[self._order])))
        self._minor = np.concatenate(([0], np.cumsum(minor[self._order])))

    def bought(self, who: Ints, first: int, end: int) -> tuple[Whole, Whole]:
        """(orders, minor units spent) of each on the days in [first, end)."""
        low, high = self._places(who, first), self._places(who, end)
        return self._orders[high] - self._orders[low], self._minor[high] - self._minor[low]

    def buying(self, customers: int, boundary: int) -> Whole:
        """Of the first so many customers: days with a repeat purchase, days from the first to the last, days from it.

        A customer who bought nothing before the boundary has -1, 0 and 0.
        """
        who = np.arange(customers)
        low, high = self._places(who, self._first), self._places(who, boundary)
        found = np.tile(np.array([-1, 0, 0], np.int64), (customers, 1))
        known = low < high
        first, last = self._days[low[known]], self._days[high[known] - 1]
        found[known] = np.stack(((high - low)[known] - 1, last - first, boundary - first), axis=1)
        return found


@dataclass(slots=True)
class Folded:
    """Everybody's days, still open; how many events there were, were duplicates, had an amount without a rate.

    `rows` of `customers` in the order of ids; `purchases` goes by that order.
    """

    customers: Customers
    rows: Rows
    purchases: PurchaseHistory
    events: int
    duplicates: int
    without_rate: int
    first_day: int
    last_day: int


def fold_history(events: Iterable[Event], basis: Basis) -> Folded:
    """Take in events in any order; an id comes twice when a customer has it again within days, as in the worker."""
    customers = Customers(basis)
    numbers: dict[str, int] = {}
    seen: dict[tuple[str, int, str], int] = {}
    seen_days = -(-basis.lateness_ms // DAY_MS) + 1
    number = duplicates = 0
    for event in events:
        day = basis.calendar.day_of(event.time_ms)
        key = (event.customer_id, event.feed, event.id)
        before = seen.get(key)
        if before is not None and abs(day - before) < seen_days:
            duplicates += 1
            continue
        number += 1
        seen[key] = day
        row = numbers.setdefault(event.customer_id, len(numbers))
        customers.days.opened(day).add(row, event, basis)
    days = customers.days.open
    without_rate = sum(sum(opened.unrated.values()) for opened in days.values())
    customers.enrol(list(numbers))
    rows = np.array([numbers[customer_id] for customer_id in sorted(numbers)], np.int32)
    first_day, last_day = min(days, default=0), max(days, default=0)
    return Folded(customers, rows, _purchases(customers, rows), number, duplicates, without_rate, first_day, last_day)


def _purchases(customers: Customers, rows: Rows) -> PurchaseHistory:
    """The purchases of days still open."""
    place = np.empty(len(rows), np.int64)
    place[rows] = np.arange(len(rows))
    found = [(day, opened.close().get(PURCHASE)) for day, opened in customers.days.open.items()]
    cells = [(day, of_day) for day, of_day in found if of_day is not None]
    none = np.empty(0, np.int64)
    return PurchaseHistory(
        np.concatenate([none, *(place[of_day.rows] for _, of_day in cells)]),
        np.concatenate([none, *(np.full(len(of_day.rows), day) for day, of_day in cells)]),
        np.concatenate([none, *(of_day.columns["purchases"] for _, of_day in cells)]),
        np.concatenate([none, *(of_day.columns["minor"] for _, of_day in cells)]),
    )
