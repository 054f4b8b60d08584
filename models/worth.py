"""What is at stake when a customer leaves, of one packed record; what it is stands in `models.scoring.worth`."""

from typing import NamedTuple

from models.config import Basis
from models.customer import Outline, risks_in_force
from models.scoring.worth import YEAR, Prior, spend_a_day
from schemas.alert import ValueBasis
from schemas.event import PURCHASE


class Worth(NamedTuple):
    """An amount in minor units of the catalogue's currency, and what it is."""

    minor: int
    basis: ValueBasis


def worth_of(customer: Outline, boundary: int, basis: Basis) -> Worth | None:
    """What is at risk as of a boundary, from closed days; None where purchases are not declared."""
    if PURCHASE not in basis.feeds:
        return None
    orders, minor = last_year(customer, boundary)
    risks = risks_in_force(customer, boundary, basis.learning)
    if not risks:
        return Worth(minor, "last_year")
    first_ms = min(customer.first[feed] for feed in basis.feeds if customer.first[feed] >= 0)
    tenure = boundary - basis.calendar.day_of(first_ms)
    repeats = orders if tenure > YEAR else max(0, orders - 1)
    base = Prior(basis.base.purchases_a_year / YEAR, basis.base.worth_days, 100 * basis.base.basket)
    spend = spend_a_day(float(repeats), float(min(YEAR, tenure)), float(orders), float(minor), prior=base) * YEAR
    return Worth(round(risks[-1].value * spend), "expected")


def last_year(customer: Outline, boundary: int) -> tuple[int, int]:
    """(orders, minor units spent) on the 365 days before a boundary."""
    orders = minor = 0
    for day, (count, spent, _) in customer.purchases.items():
        if boundary - YEAR <= day < boundary:
            orders += count
            minor += spent
    return orders, minor
