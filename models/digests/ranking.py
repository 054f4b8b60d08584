"""Who comes first: what an alert is worth to answer."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from models.catalogue.rules import Rules
from schemas.alert import URGENCY, AlertSeverity, AlertV1
from schemas.instant import from_rfc3339

WEIGHTS: Final[Mapping[AlertSeverity, int]] = {"critical": 8, "error": 4, "warning": 2, "info": 1}
"""A step of severity is worth twice the value."""
NEVER_MS: Final = 1 << 60
"""When an alert is due that nobody has to answer."""


def chances_of(rules: Rules) -> Mapping[str, float]:
    """By signal, the share of alerts that come true if nobody calls; not measured: the mean of the others, else 1."""
    shares = {name: one.share for name, one in rules.hit_rates.by_signal.items()}
    usual = sum(shares.values()) / len(shares) if shares else 1.0
    return defaultdict(lambda: usual, shares)


def priority(alert: AlertV1, chance: float) -> float:
    """Value at risk, times the weight of the severity, times the chance that the alert comes true if nobody calls.

    Value at risk is risk times expected spend where a model is, else the spend of the last year; unknown counts as
    nothing, so that severity and deadline decide among those.
    """
    value = 0.0 if alert.value_at_risk is None else alert.value_at_risk.amount
    return WEIGHTS[alert.severity] * value * chance


class Order(NamedTuple):
    """What sorts alerts, the first to be answered first; a customer stands where the first of its alerts does."""

    less: float
    """Priority, negated."""
    urgency: int
    due_ms: int
    customer_id: str
    alert_id: str


def order(alert: AlertV1, chance: float) -> Order:
    """By priority, severity, deadline, and at last by id."""
    due_ms = NEVER_MS if alert.due_at is None else from_rfc3339(alert.due_at)
    return Order(-priority(alert, chance), URGENCY[alert.severity], due_ms, alert.customer_id, alert.alert_id)
