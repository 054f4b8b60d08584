"""Who comes first: what an alert is worth to answer."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.alert import URGENCY, AlertSeverity, AlertV1
from schemas.instant import from_rfc3339

WEIGHTS: Final[Mapping[AlertSeverity, int]] = {"critical": 8, "error": 4, "warning": 2, "info": 1}
"""A step of severity is worth twice the value."""
NEVER_MS: Final = 1 << 60
"""When an alert is due that nobody has to answer."""


def priority(alert: AlertV1, by_itself: Mapping[str, float]) -> float:
    """Value at risk, times the weight of the severity, times the share of customers who do not come back uncalled.

    Value at risk is risk times expected spend where a model is, else the spend of the last year; unknown counts as
    nothing, so that severity and deadline decide among those. `by_itself`: by signal, how many came back by themselves.
    """
    value = 0.0 if alert.value_at_risk is None else alert.value_at_risk.amount
    return WEIGHTS[alert.severity] * value * (1.0 - by_itself.get(alert.signal, 0.0))


class Order(NamedTuple):
    """What sorts alerts, the first to be answered first; a customer stands where the first of its alerts does."""

    less: float
    """Priority, negated."""
    urgency: int
    due_ms: int
    customer_id: str
    alert_id: str


def order(alert: AlertV1, by_itself: Mapping[str, float]) -> Order:
    """By priority, severity, deadline, and at last by id."""
    due_ms = NEVER_MS if alert.due_at is None else from_rfc3339(alert.due_at)
    return Order(-priority(alert, by_itself), URGENCY[alert.severity], due_ms, alert.customer_id, alert.alert_id)
