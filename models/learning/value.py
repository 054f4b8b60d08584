"""What a customer is worth: spend expected in the days to come, and the part of it that is at risk.

The customer's velocity and basket make the spend *at the own rhythm* (`models.scoring.worth`); times the model's chance
of a return over the rhythm's own it is what is *expected*. Risk x spend at the own rhythm is *at risk*: what is lost if
the customer leaves. Here the base is that of all customers of the snapshot. Money is in minor units.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from models.customers.arrays import Ints
from models.customers.day_history import Whole
from models.learning.histories import PurchaseHistory
from models.scoring.scorer import Floats
from models.scoring.worth import YEAR, Prior, spend_a_day

MAX_WORTH_DAYS: Final = 3_650.0
"""The most that the base's velocity may weigh against a customer's own days: ten years."""


class Own(NamedTuple):
    """A customer's last year: repeat purchases, days seen, orders and spend in them, spend of the last 90 days."""

    repeats: int
    days: int
    orders: int
    minor: int
    minor_90d: int


class Sums(NamedTuple):
    """What a prior is computed from: whole numbers that add up in any order."""

    repeats: int = 0
    days: int = 0
    repeats_squared: int = 0
    repeats_days: int = 0
    days_squared: int = 0
    orders: int = 0
    minor: int = 0


def owns_of(purchases: PurchaseHistory, who: Ints, tenure: Ints, boundary: int) -> Whole:
    """The last year of customers, an `Own` a row; `tenure`: days since the first activity of each.

    The very first purchase begins the history and repeats nothing.
    """
    orders, minor = purchases.bought(who, boundary - YEAR, boundary)
    repeats = np.where(tenure > YEAR, orders, np.maximum(0, orders - 1))
    recently = purchases.bought(who, boundary - 90, boundary)[1]
    return np.stack((repeats, np.minimum(YEAR, tenure), orders, minor, recently), axis=1)


def sums_of(own: Whole) -> Sums:
    """The sums over customers, one `Own` a row."""
    repeats, days, orders, minor = (own[:, place] for place in range(4))
    products = (repeats.sum(), days.sum(), (repeats**2).sum(), (repeats * days).sum(), (days**2).sum())
    return Sums(*(int(total) for total in (*products, orders.sum(), minor.sum())))


def prior_of(sums: Sums) -> Prior:
    """The base by moments: how far customers' velocities differ by more than chance says what a base's is worth."""
    if not sums.days or not sums.orders:
        return Prior(0.0, MAX_WORTH_DAYS, 0.0)
    velocity = sums.repeats / sums.days
    spread = sums.repeats_squared - 2 * velocity * sums.repeats_days + velocity**2 * sums.days_squared
    variance = (spread - velocity * sums.days) / sums.days_squared
    worth = velocity / variance if variance > 0 else MAX_WORTH_DAYS
    return Prior(velocity, min(max(worth, 1.0), MAX_WORTH_DAYS), sums.minor / sums.orders)


def at_own_rhythm(own: Whole, prior: Prior, days: int) -> Floats:
    """Spend in the days to come if every customer keeps the own rhythm."""
    repeats, seen, orders, minor = (own[:, place].astype(np.float64) for place in range(4))
    return spend_a_day(repeats, seen, orders, minor, prior=prior) * days


def expected(own: Whole, prior: Prior, days: int, chance: Floats, horizon_days: int) -> Floats:
    """Spend expected: at the own rhythm, times how much likelier or less likely a return is than the rhythm says.

    `chance` is the model's of no purchase within its horizon. A return is never made likelier than by the rhythm.
    """
    seen = own[:, 1] + prior.worth_days
    shape = own[:, 0] + prior.velocity * prior.worth_days
    returning = 1.0 - (seen / (seen + horizon_days)) ** shape
    activity = np.minimum(1.0, (1.0 - chance) / np.maximum(returning, 1e-9))
    found: Floats = at_own_rhythm(own, prior, days) * activity
    return found


def at_risk(own: Whole, prior: Prior, chance: Floats) -> Floats:
    """Value at risk: the risk times twelve months' spend at the own rhythm."""
    found: Floats = chance * at_own_rhythm(own, prior, YEAR)
    return found
