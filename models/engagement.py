"""The engagement index of a day and the exponentially weighted slope of it (Gauss 1809; weights 2^(-age/half-life))."""

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from typing import Final, NamedTuple

from models.config import Engagement
from models.customer import EMAIL_ACTIONS, TICKET_CATEGORIES, Customer
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

_COMPLAINT: Final = TICKET_CATEGORIES.index("complaint")


class Slope(NamedTuple):
    """`change` = 28 x slope / level, the relative change over four weeks; `z` = slope over its standard error.

    The fitted line itself, in points a day: its value on the last day, and by how much it rises each day.
    """

    change: float
    z: float
    last: float
    per_day: float


def daily_index(
    customer: Customer, feeds: Sequence[int], weights: Engagement, first: int, boundary: int
) -> dict[int, int]:
    """Engagement in tenths of a point of every closed day in [first, boundary) with any; each action is capped."""
    index: dict[int, int] = {}
    if PURCHASE in feeds:
        weight, cap = weights.of("purchase")
        for day, bucket in customer.purchases.items():
            index[day] = weight * min(bucket[0], cap)
    if LOGIN in feeds:
        weight, cap = weights.of("login")
        for day, count in customer.logins.items():
            index[day] = index.get(day, 0) + weight * (count if count < cap else cap)  # noqa: FURB136 - a third of min()
    if TICKET in feeds and customer.tickets:
        _add_tickets(index, customer, weights)
    if EMAIL in feeds and customer.emails:
        _add_emails(index, customer, weights)
    return {day: value for day, value in index.items() if value and first <= day < boundary}


def _add_tickets(index: dict[int, int], customer: Customer, weights: Engagement) -> None:
    weight, cap = weights.of("ticket")
    complaint, most = weights.of("complaint")
    for day, of_day in customer.tickets.items():
        asked = sum(of_day.opened) + of_day.reopened
        index[day] = index.get(day, 0) + weight * min(asked, cap) + complaint * min(of_day.opened[_COMPLAINT], most)


def _add_emails(index: dict[int, int], customer: Customer, weights: Engagement) -> None:
    rules = [(place, *weights.of(action)) for place, action in enumerate(EMAIL_ACTIONS) if weights.of(action)[0]]
    for day, of_day in customer.emails.items():
        for place, weight, cap in rules:
            count = of_day.actions[place]
            if count:
                index[day] = index.get(day, 0) + weight * min(count, cap)


def slope(days: list[tuple[int, int]], last_day: int, history: int, weights: Engagement) -> Slope | None:
    """Weighted least squares of the daily index on time over `history` days up to `last_day`, zero days included.

    `days` are (day, tenths), ascending. None when all days are zero or the weighted mean is not positive. The days
    without events enter in closed form, so the cost is that of the days with events (design: learning.md 3).
    """
    n = min(history, weights.history_days)
    fit = _fit(n, weights.half_life_days)
    if fit is None:
        return None
    a = b = c = 0.0
    powers = fit.powers
    for day, tenths in days:
        age = last_day - day
        if 0 <= age < n:
            weight = powers[age]
            y = tenths / 10
            a += weight * y
            b -= weight * age * y
            c += weight * y * y
    level = a / fit.s0
    if c == 0.0 or level <= 0:
        return None
    noise = max((c / fit.s0 - level * level) * fit.n_eff / (fit.n_eff - 1), level / 2)
    rise = b - fit.centre * a
    per_day = rise / fit.spread
    return Slope(
        28 * rise / fit.spread / level, rise / sqrt(noise * fit.variance_factor), level - per_day * fit.centre, per_day
    )


class _Fit:
    """What a fit over `n` days needs to know of the days alone: the weight of each age, and sums of the weights."""

    __slots__ = ("centre", "n_eff", "powers", "s0", "spread", "variance_factor")

    def __init__(self, n: int, half_life_days: int) -> None:
        lam = 2.0 ** (-1.0 / half_life_days)
        self.powers = [lam**age for age in range(n)]
        s0, s1, s2 = _sums(lam, n)
        q0, q1, q2 = _sums(lam * lam, n)
        self.s0 = s0
        self.centre = s1 / s0
        self.spread = s2 - s1 * s1 / s0
        self.variance_factor = q2 - 2 * self.centre * q1 + self.centre * self.centre * q0
        self.n_eff = s0 * s0 / q0


@lru_cache(maxsize=1024)
def _fit(n: int, half_life_days: int) -> _Fit | None:
    """None for fewer days than a line and its error take. The same few lengths again and again."""
    return None if n < 3 else _Fit(n, half_life_days)


def _sums(lam: float, n: int) -> tuple[float, float, float]:
    """Sums over k < n of lam^k, -k lam^k and k^2 lam^k, in closed form."""
    power = lam**n
    rest = 1 - lam
    s0 = (1 - power) / rest
    s1 = (lam - power * (n - (n - 1) * lam)) / rest**2
    s2 = (lam * (1 + lam) - power * (n * n - (2 * n * n - 2 * n - 1) * lam + (n - 1) ** 2 * lam * lam)) / rest**3
    return s0, -s1, s2
