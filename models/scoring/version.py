"""A version of the model in force: scores customers by their features, and says in words what moved a score."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, expm1, sinh
from typing import Final

from msgspec import UnsetType

from models.calendar import Calendar
from models.customers.arrays import Floats
from models.customers.distributions import Counted
from models.customers.sketch import is_sketch
from models.scoring.features import MEANINGS
from models.scoring.ranks import BUCKETS, shares
from models.scoring.scorer import Scorer
from schemas.alert import Driver
from schemas.model import ModelStateError
from schemas.model_version import ModelVersionV1

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
    base: Sequence[int] | None = field(default=None, repr=False)
    """Customers by bucket of the risk they were given lately, in all partitions; None while that is not known."""
    counted: Counted | None = field(default=None, repr=False)
    """What running constants are quantiles of, as of a boundary; None where nobody told."""
    content: bytes = field(default=b"", repr=False)
    """As it was published."""

    def risks(self, rows: Floats) -> Floats:
        """P(no purchase within the horizon) of customers with these features, a row each."""
        return self.scorer.score(rows)

    def ranks(self, risks: Floats) -> Floats:
        """The share of the base with at least each risk; NaN while the base is not known."""
        return shares(self.base, risks)

    def drivers(self, features: Sequence[float]) -> tuple[Driver, ...]:
        """What moves the score off the mean customer's, the largest first; `contribution` in log-odds of churn."""
        known = dict(zip(self.scorer.features, features, strict=True))
        return tuple(
            Driver(MEANINGS[name], round(_IN_WORDS.get(name, expm1)(known[name]), 2), None, round(term, 4))
            for name, term in self.scorer.drivers(features)[:MAX_DRIVERS]
        )


def base_of(model: ModelVersionV1) -> list[int] | None:
    """The counts of a published version, by bucket; None without any. Raises ModelStateError when they are not such."""
    if isinstance(model.risks, UnsetType):
        return None
    if len(model.risks) != BUCKETS or min(model.risks) < 0:
        raise ModelStateError("shape", f"risks: not {BUCKETS} counts")
    return model.risks


def counted_of(model: ModelVersionV1) -> Counted | None:
    """The distributions of a published version, None without any. Raises ModelStateError when they are not such."""
    if isinstance(model.distributions, UnsetType):
        return None
    for name, counts in model.distributions.counts.items():
        if not is_sketch(counts):
            raise ModelStateError("shape", f"distributions: {name} is not counted in buckets")
    return Counted(Calendar.day_of_text(model.distributions.as_of), model.distributions.counts)
