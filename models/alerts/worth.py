"""What alerts say of money: the fields of an alert that tell what its customer is worth."""

from typing import NamedTuple

from models.catalogue.currencies import amount_of
from models.customers.arrays import Rows
from models.measures.as_of import AsOf
from models.scoring.scoring import Scoring
from models.scoring.worth import worth_of
from schemas.alert import Money, ValueBasis


class AlertWorth(NamedTuple):
    """Fields of an alert; all of them None in an early firing, and where purchases are not declared."""

    value_at_risk: Money | None = None
    value_basis: ValueBasis | None = None
    risk: float | None = None
    spend_last_year: Money | None = None


def alert_worths(as_of: AsOf, rows: Rows, scoring: Scoring | None) -> list[AlertWorth]:
    """What some customers are worth as of a boundary, one a row."""
    worth = worth_of(as_of, rows, scoring)
    if worth is None:
        return [AlertWorth()] * len(rows)
    currency = as_of.basis.currency
    return [
        AlertWorth(
            money_of(at_stake, currency),
            "expected" if is_expected else "last_year",
            round(risk, 4) if is_expected else None,
            money_of(spent, currency),
        )
        for at_stake, is_expected, spent, risk in zip(*(part.tolist() for part in worth), strict=True)
    ]


def money_of(minor: int, currency: str) -> Money:
    """Minor units as they are published."""
    return Money(amount_of(minor, currency), currency)
