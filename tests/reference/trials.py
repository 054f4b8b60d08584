"""Experiments: who is left alone, and what came of it."""

from hashlib import sha256

from models.calendar import date_of
from models.catalogue.rules import Signal
from reference.past import Past
from schemas.alert import Arm, alert_id
from schemas.outcome import OutcomeV1


def arm_of(salt: str, signal: Signal, customer_id: str, day: int) -> Arm:
    """The arm of who is first alerted on a day: held out where a hash of the quarter is below the share."""
    year, month, _ = map(int, date_of(day).split("-"))
    text = "\0".join((salt, signal.id, f"{year}-Q{-(-month // 3)}", customer_id))
    drawn = int(sha256(text.encode()).hexdigest()[:16], 16)
    return "holdout" if drawn < signal.holdout * 16**16 else "treated"


def outcome_of(
    customer_id: str, signal: str, arm: Arm, start: int, past: Past, stage: str | None, catalogue: str
) -> OutcomeV1:
    """Whether the customer's clock of silence was restarted since the trial began."""
    active, bought = past.days_of("active_days"), past.days_of("purchases")
    clock = bought if bought and past.basis.lifecycle.silence == "purchase" else active
    return OutcomeV1(
        alert_id=alert_id(customer_id, signal, date_of(start)), customer_id=customer_id, signal=signal, arm=arm,
        starts_at=past.basis.calendar.text_of(start), at=past.basis.calendar.text_of(past.boundary),
        horizon_days=past.boundary - start, came_back=bool(clock) and clock[-1] >= start, stage=stage,
        catalogue=catalogue,
    )  # fmt: skip
