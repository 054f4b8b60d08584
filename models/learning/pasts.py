"""Events of a history folded into the pasts of its customers, by the product's own fold and rule for duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.activity import fold
from models.calendar import DAY_MS
from models.config import Basis
from models.customer import Customer
from models.learning.features import Past
from schemas.event import Event


@dataclass(slots=True)
class Folded:
    """Every customer's past; how many events were folded, were duplicates, had an amount without a rate."""

    pasts: dict[str, Past]
    events: int
    duplicates: int
    without_rate: int
    last_day: int


def fold_history(events: Iterable[Event], basis: Basis) -> Folded:
    """Fold events in any order; an id comes twice when a customer has it again within days, as in `observe`."""
    customers: dict[str, Customer] = {}
    seen: dict[tuple[str, int, str], int] = {}
    seen_days = -(-basis.lateness_ms // DAY_MS) + 1
    number = duplicates = last_day = 0
    for event in events:
        day = basis.calendar.day_of(event.time_ms)
        key = (event.customer_id, event.feed, event.id)
        before = seen.get(key)
        if before is not None and abs(day - before) < seen_days:
            duplicates += 1
            continue
        number += 1
        seen[key] = day
        last_day = max(last_day, day)
        fold(customers.setdefault(event.customer_id, Customer()), event, day, basis.rates)
    without_rate = sum(customer.totals[2] for customer in customers.values())
    pasts = {customer_id: Past(customer, basis) for customer_id, customer in customers.items()}
    return Folded(pasts, number, duplicates, without_rate, last_day)
