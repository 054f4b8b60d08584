"""A version of the model in force: scores customers by their features, and says in words what moved a score."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, expm1, sinh
from typing import Final

from models.customers.arrays import Floats
from models.scoring.features import MEANINGS
from models.scoring.scorer import Scorer
from schemas.alert import Driver

MAX_DRIVERS: Final = 5
_IN_WORDS: Mapping[str, Callable[[float], float]] = {
    "overdue": exp, "engagement": sinh, "irregularity": float, "only_one": float, "pace": float, "slope": float,
}  # fmt: skip
"""How a feature is shown to people; the others are logarithms of one more."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version by its published name."""

    name: str
    learned_until: int
    """The boundary until which it learned everything."""
    scorer: Scorer
    content: bytes = field(default=b"", repr=False)
    """As it was published."""

    def risks(self, rows: Floats) -> Floats:
        """P(no purchase within the horizon) of customers with these features, a row each."""
        return self.scorer.score(rows)

    def drivers(self, features: Sequence[float]) -> tuple[Driver, ...]:
        """What moves the score off the mean customer's, the largest first; `contribution` in log-odds of churn."""
        known = dict(zip(self.scorer.features, features, strict=True))
        return tuple(
            Driver(MEANINGS[name], round(_IN_WORDS.get(name, expm1)(known[name]), 2), None, round(term, 4))
            for name, term in self.scorer.drivers(features)[:MAX_DRIVERS]
        )
