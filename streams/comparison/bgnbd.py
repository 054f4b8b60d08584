"""BG/NBD (Fader, Hardie and Lee 2005), fitted by maximum likelihood: the classic of buying till you drop out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

Floats = NDArray[np.float64]


class RepeatPurchases(NamedTuple):
    """By customer, in one unit of time: repeat purchases, time of the last one and age, from the first purchase on."""

    repeats: Floats
    last: Floats
    age: Floats


class BgNbd(NamedTuple):
    """Purchases come at rate gamma(r, alpha); after each a customer drops out with chance beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, of: RepeatPurchases) -> Floats:
        """The chance that a customer has not dropped out."""
        rate = ((self.alpha + of.age) / (self.alpha + of.last)) ** (self.r + of.repeats)
        gone = self.a / (self.b + np.maximum(of.repeats, 1.0) - 1.0) * rate
        found: Floats = 1.0 / (1.0 + np.where(of.repeats > 0, gone, 0.0))
        return found

    def churned(self, of: RepeatPurchases, horizon: float) -> Floats:
        """The chance of no purchase within the horizon: dropped out, or alive and not buying."""
        ages = self.alpha + of.age
        quiet = (ages / (ages + horizon)) ** (self.r + of.repeats)
        found: Floats = 1.0 - self.alive(of) * (1.0 - quiet)
        return found


def fit(of: RepeatPurchases) -> BgNbd:
    """The likeliest parameters, found on the logarithms of all four; deterministic."""

    def loss(logs: Floats) -> float:
        return -float(_log_likelihood(np.exp(np.clip(logs, -12.0, 12.0)), of).mean())

    scale = max(1.0, float(of.age.mean()))
    start = np.log(np.array([0.5, 0.5 * scale, 0.5, 2.0]))
    found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-5, "fatol": 1e-9})
    return BgNbd(*np.exp(np.clip(found.x, -12.0, 12.0)).tolist())


def _log_likelihood(parameters: Floats, of: RepeatPurchases) -> Floats:
    r, alpha, a, b = parameters
    x = of.repeats
    shape = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    drops = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = -(r + x) * np.log(alpha + of.age)
    gone = np.log(a) - np.log(b + np.maximum(x, 1.0) - 1.0) - (r + x) * np.log(alpha + of.last)
    found: Floats = shape + drops + np.where(x > 0, np.logaddexp(alive, gone), alive)
    return found
