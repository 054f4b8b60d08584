"""What is at stake when a customer leaves: by the model where it scored the customer lately, else by the last year.

*Expected*: the risk of the last snapshot times twelve months' spend at the customer's own rhythm. That is a stated
estimate, not a learned one. The customer's velocity is that of repeat purchases in the last year, drawn to the base's
as a gamma-Poisson model says (few days of one's own weigh little); the basket is the mean value of a purchase, with one
purchase of the base's in it. Live, the base is a constant of the catalogue, no running mean over customers: that would
depend on who else was reviewed before. Money is in minor units.
"""

from typing import Final, NamedTuple, TypeVar

import numpy as np

from models.customers.arrays import Bools, Floats, Ints, Rows
from models.measures.as_of import AsOf
from models.measures.windows import Window, capped
from models.scoring.scoring import Scoring
from schemas.event import PURCHASE

Quantity = TypeVar("Quantity", float, Floats)

YEAR: Final = 365
"""Days looked back upon, and days of the value shown to people."""

_FAR: Final = float(1 << 62)
"""More than any year's spend; an integer holds it."""

ORDERS, SPENT = Window("purchases", YEAR), Window("spend", YEAR)
"""The last year of everybody, from windows that are always kept."""


class Prior(NamedTuple):
    """The base: purchases a day, the days of own history its velocity is worth, value of a purchase."""

    velocity: float
    worth_days: float
    basket: float


def spend_a_day(repeats: Quantity, days: Quantity, orders: Quantity, minor: Quantity, *, prior: Prior) -> Quantity:
    """Spend a day at the own rhythm: repeat purchases and days of the last year, its orders and their value.

    >>> round(spend_a_day(12.0, 365.0, 12.0, 12_000.0, prior=Prior(0.0, 0.0, 1_000.0)) * 365, 6)
    12000.0
    """
    velocity = (repeats + prior.velocity * prior.worth_days) / (days + prior.worth_days)
    return velocity * ((minor + prior.basket) / (orders + 1.0))


class Worth(NamedTuple):
    """Of some customers, in minor units: what is at stake, and what they spent in the last year.

    `is_expected`: at stake is the risk times what is expected to be spent, else the last year's spend; `risk` is NaN
    where the model gives none.
    """

    at_stake: Ints
    is_expected: Bools
    spent: Ints
    risk: Floats


def worth_of(as_of: AsOf, rows: Rows, scoring: Scoring | None) -> Worth | None:
    """What some customers are worth; None where purchases are not declared."""
    if PURCHASE not in as_of.basis.feeds:
        return None
    spent: Ints = capped(as_of.windows.sums(SPENT)[rows].astype(np.int64))
    risks = np.full(len(rows), np.nan) if scoring is None else scoring.risk_of(rows)
    minor: Ints = spent.copy()
    is_expected = ~np.isnan(risks)
    base = as_of.basis.base
    prior = Prior(base.purchases_a_year / YEAR, base.worth_days, as_of.basis.minor_units * base.basket)
    orders = as_of.windows.sums(ORDERS)[rows][is_expected].astype(np.float64)
    tenure = as_of.boundary - as_of.columns.first_day[rows][is_expected]
    repeats = np.where(tenure > YEAR, orders, np.maximum(0.0, orders - 1))
    days = np.minimum(YEAR, tenure).astype(np.float64)
    spend = spend_a_day(repeats, days, orders, minor[is_expected].astype(np.float64), prior=prior) * YEAR
    minor[is_expected] = np.rint(np.minimum(risks[is_expected] * spend, _FAR)).astype(np.int64)
    return Worth(minor, is_expected, spent, risks)
