"""What is at stake when a customer leaves: by the model where it scored the customer lately, else by the last year.

*Expected*: the risk of the last snapshot times twelve months' spend at the customer's own rhythm. That is a stated
estimate, not a learned one. The customer's velocity is that of repeat purchases in the last year, drawn to the base's
as a gamma-Poisson model says (few days of one's own weigh little); the basket is the mean value of a purchase, with one
purchase of the base's in it. Live, the base is a constant of the catalogue, no running mean over customers: that would
depend on who else was reviewed before. Money is in minor units.
"""

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.config import Basis
from models.customer import Outline, risks_in_force
from schemas.alert import ValueBasis
from schemas.event import PURCHASE

Quantity = TypeVar("Quantity", float, NDArray[np.float64])

YEAR: Final = 365
"""Days looked back upon, and days of the value shown to people."""


class Prior(NamedTuple):
    """The base: purchases a day, the days of own history its velocity is worth, value of a purchase."""

    velocity: float
    worth_days: float
    basket: float


class Worth(NamedTuple):
    """An amount in minor units of the catalogue's currency, and what it is."""

    minor: int
    basis: ValueBasis


def spend_a_day(repeats: Quantity, days: Quantity, orders: Quantity, minor: Quantity, *, prior: Prior) -> Quantity:
    """Spend a day at the own rhythm: repeat purchases and days of the last year, its orders and their value.

    >>> round(spend_a_day(12.0, 365.0, 12.0, 12_000.0, prior=Prior(0.0, 0.0, 1_000.0)) * 365, 6)
    12000.0
    """
    velocity = (repeats + prior.velocity * prior.worth_days) / (days + prior.worth_days)
    return velocity * ((minor + prior.basket) / (orders + 1.0))


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
