"""The lines of a digest: a customer with every reason, and what became of an alert."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from models.catalogue.hit_rates import HitRate
from models.digests.ranking import Order
from schemas.alert import AlertV1
from schemas.digest import Became, CameTrueV1, DigestAlertV1, DigestEndV1, DigestLineV1

MOST_LINES: Final = 200
"""Of each list of a digest: a record must fit into a message, and nobody reads more."""
MOST_REASONS: Final = 5
"""Of a line."""


class Reason(NamedTuple):
    """An alert, what sorts it, and how often it is right.

    `listed_at`: the boundary whose digest put it on the list; `told_at`: that of its revision, both as RFC 3339 texts.
    """

    order: Order
    alert: AlertV1
    listed_at: str | None
    told_at: str
    came_true: HitRate | None


def line_of(reasons: Sequence[Reason], now_ms: int) -> DigestLineV1:
    """A customer's line, from one alert or more; `now_ms`: the boundary."""
    ranked = sorted(reasons)
    alerts = [one.alert for one in ranked]
    first = min(ranked, key=lambda one: one.order.due_ms)
    worth = max(alerts, key=lambda one: -1.0 if one.value_at_risk is None else one.value_at_risk.amount)
    return DigestLineV1(
        customer_id=alerts[0].customer_id,
        stage=alerts[0].stage,
        value_at_risk=worth.value_at_risk,
        value_basis=worth.value_basis,
        risk=worth.risk,
        do_not_contact=max((one.do_not_contact for one in alerts), key=len),
        due_at=first.alert.due_at,
        is_past_due=first.order.due_ms <= now_ms,
        alerts=tuple(_told(one) for one in ranked[:MOST_REASONS]),
    )


def _told(reason: Reason) -> DigestAlertV1:
    alert = reason.alert
    return DigestAlertV1(
        alert_id=alert.alert_id,
        signal=alert.signal,
        severity=alert.severity,
        summary=alert.summary,
        intervention=alert.intervention,
        playbook_url=alert.playbook_url,
        starts_at=alert.starts_at,
        due_at=alert.due_at,
        escalated_at=alert.escalated_at,
        listed_at=reason.listed_at,
        told_at=reason.told_at,
        came_true=None if reason.came_true is None else CameTrueV1(*reason.came_true),
    )


def end_of(alert: AlertV1, listed_at: str, became: Became) -> DigestEndV1:
    """What became of an alert that was on a list."""
    return DigestEndV1(
        customer_id=alert.customer_id,
        alert_id=alert.alert_id,
        signal=alert.signal,
        listed_at=listed_at,
        became=became,
        ended_because=alert.ended_because,
        outcome=alert.outcome,
        acknowledged_by=alert.acknowledged_by,
        snoozed_until=alert.snoozed_until,
        escalated_to=alert.escalated_to,
    )
