"""Names of channels are forgotten with the days that had them."""

from __future__ import annotations

import numpy as np

from models.config import Basis
from models.customers.customers import Customers
from models.customers.days import MANY_NAMES
from models.customers.facts import facts_of
from support.builders import DAY_MS, ticket
from support.troubled import FIRST_DAY, default_rules


def closed(basis: Basis, days: int, names: int) -> Customers:
    """Customers of whom one opened tickets on so many days, on channels of which so many are new each day."""
    customers = Customers(basis)
    customers.enrol(["c1"])
    customers.boundary = FIRST_DAY
    for day in range(FIRST_DAY, FIRST_DAY + days):
        for number in range(names):
            event = ticket("c1", day * DAY_MS, id=f"t{day}/{number}", channel=f"{day}/{number}")
            customers.add(0, event, day)
        customers.close(day)
    return customers


def test_of_channels_that_nobody_uses_any_more_no_name_is_kept() -> None:
    basis = default_rules().basis
    days = 3 * basis.keep_days
    customers = closed(basis, days, 4)
    assert 4 * days > 4 * MANY_NAMES
    assert len(customers.days.channel_names) <= 2 * 4 * (basis.keep_days * 8 // 7 + 10)
    (facts,) = facts_of(customers, np.array([0], np.int32))
    last = FIRST_DAY + days - 1
    assert facts["tickets"][str(last)][3] == [f"{last}/{number}" for number in range(4)]
    oldest = min(map(int, facts["tickets"]))
    assert facts["tickets"][str(oldest)][3] == [f"{oldest}/{number}" for number in range(4)]
    assert len(facts["tickets"]) == basis.keep_days
