"""In what customers differ: quantities of which a constant of the catalogue may be a running quantile.

Each partition counts its customers as of a boundary in the buckets of a sketch; the learner adds the counts of all
partitions up, and a version of the model carries the sum. So a constant is the same in every partition, whatever their
number. Nothing is kept of it in between: the columns know everybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from models.config import Basis, Number
from models.customers.arrays import Ints
from models.customers.customers import Customers
from models.customers.sketch import Counts, quantile, sketched
from schemas.event import PURCHASE


@dataclass(frozen=True, slots=True)
class Distribution:
    """A quantity by customer, in whole numbers. `meaning` is told in documents."""

    name: str
    meaning: str
    values: Callable[[Customers], Ints]
    """Those of the customers of whom it is known, as of the boundary."""
    depends_on: Callable[[Basis], str] = lambda _basis: ""
    """What of the catalogue it means: counts that mean something else must not be added to it."""
    scale: Callable[[Basis], int] = lambda _basis: 1
    """How many of the whole numbers are one."""

    def key(self, basis: Basis) -> str:
        """The name under which its counts are told."""
        return f"{self.name} {self.depends_on(basis)}".rstrip()


class Counted(NamedTuple):
    """Counts of all partitions as of a boundary, by key."""

    as_of: int
    counts: Mapping[str, Counts]


def _days_to_second(customers: Customers) -> Ints:
    first, second = (
        column[: customers.size] for column in (customers.columns.first_in(PURCHASE), customers.columns.bought_again)
    )
    within = customers.basis.lifecycle.churned_days
    is_followed, gaps = customers.boundary - 1 - first >= within, second - first
    return gaps[is_followed & (gaps <= within)]


def _above_zero(column: str) -> Callable[[Customers], Ints]:
    def values(customers: Customers) -> Ints:
        found: Ints = getattr(customers.columns, column)[: customers.size]
        return found[found > 0]

    return values


DISTRIBUTIONS: Final[Mapping[str, Distribution]] = {
    one.name: one
    for one in (
        Distribution(
            "days_to_second_purchase",
            "Whole days from the first purchase to the second, of those who bought again before they counted as "
            "churned (`churned_days`); of customers whose first purchase is at least so old.",
            _days_to_second,
            lambda basis: f"within {basis.lifecycle.churned_days} days",
        ),
        Distribution(
            "spend_total",
            "Spend so far of everybody who spent anything, in the catalogue's currency.",
            _above_zero("spend_total"),
            lambda basis: f"in {basis.currency}",
            lambda basis: basis.minor_units,
        ),
        Distribution(
            "purchases_total", "Purchases so far of everybody who ever bought.", _above_zero("purchases_total")
        ),
    )
}


def told_of(customers: Customers) -> dict[str, Counts]:
    """What a partition tells: of each distribution that a constant is of, its counts as of the boundary, by key."""
    basis = customers.basis
    asked, has_any = {one.of for one in basis.running.values()}, PURCHASE in basis.feeds
    named = [one for name, one in DISTRIBUTIONS.items() if name in asked]
    return {one.key(basis): sketched(one.values(customers)) if has_any else () for one in named}


def running_values(basis: Basis, known: Counted | None, boundary: int) -> dict[str, Number]:
    """The running constants in force at a boundary: by counts of an earlier one, or where they start."""
    counts = known.counts if known is not None and known.as_of < boundary else {}
    found: dict[str, Number] = {}
    for name, one in basis.running.items():
        of = DISTRIBUTIONS[one.of]
        value, scale = quantile(counts.get(of.key(basis), ()), one.quantile), of.scale(basis)
        found[name] = one.start if value is None else value if scale == 1 else value / scale
    return found
