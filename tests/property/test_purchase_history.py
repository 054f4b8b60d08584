"""All purchases of a history say of each customer at any boundary what the days of that customer alone say."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import pytest

from models.customers.day_history import NOT_YET
from models.learning.histories import fold_history
from property.test_measures import BASIS, CALENDAR
from schemas.event import Purchase
from support.troubled import FIRST_DAY, rich_history


@pytest.mark.parametrize("seed", range(3))
def test_all_customers_at_once_are_each_alone(seed: int) -> None:
    events = rich_history(seed, customers=30, days=120, scale=0.4)
    folded = fold_history(events, BASIS)
    ids = sorted({event.customer_id for event in events})
    assert folded.customers.roster.ids_of(folded.rows) == ids
    bought: dict[str, dict[int, list[int]]] = {customer: {} for customer in ids}
    for event in events:
        if isinstance(event.data, Purchase):
            day = bought[event.customer_id].setdefault(CALENDAR.day_of(event.time_ms), [0, 0])
            day[0] += 1
            day[1] += round(event.data.amount * BASIS.rates[event.data.currency] * 100)
    everybody = np.arange(len(ids))
    for first in range(FIRST_DAY - 5, FIRST_DAY + 130, 9):
        for end in (first, first + 1, first + 20, first + 400):
            orders, minor = folded.purchases.bought(everybody, first, end)
            untils = folded.purchases.days_until(everybody, first, end)
            for place, customer in enumerate(ids):
                inside = {day: of_day for day, of_day in bought[customer].items() if first <= day < end}
                assert orders[place] == sum(of_day[0] for of_day in inside.values())
                assert minor[place] == sum(of_day[1] for of_day in inside.values())
                assert untils[place] == (min(inside) - first if inside else NOT_YET)
        for place, (repeats, last, age) in enumerate(folded.purchases.buying(len(ids), first).tolist()):
            days = sorted(bought[ids[place]])
            known = days[: bisect_left(days, first)]
            expected = (len(known) - 1, known[-1] - known[0], first - known[0]) if known else (-1, 0, 0)
            assert (repeats, last, age) == expected


def test_a_history_without_purchases_has_none() -> None:
    events = [event for event in rich_history(1, customers=3, days=60) if event.feed == 1]
    folded = fold_history(events, BASIS)
    assert folded.purchases.bought(np.arange(3), 0, FIRST_DAY)[0].tolist() == [0, 0, 0]
    assert folded.purchases.buying(3, FIRST_DAY + 5).tolist() == [[-1, 0, 0]] * 3
    assert folded.purchases.days_until(np.arange(3), 0, FIRST_DAY + 90).tolist() == [NOT_YET] * 3
