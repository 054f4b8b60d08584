"""The lines of the board: of a stage, a case, a feed, the model. What is not known is None, never zero."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageRow:
    """Customers of a stage now, and the change since a month ago."""

    stage: str
    customers: int
    change: int | None


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A case as a line: the alert that leads, the other signals of the case, and the value in the board's measure."""

    alert_id: str
    case_id: str | None
    others: tuple[str, ...]
    customer_id: str
    signal: str
    severity: str
    summary: str
    owner: str
    observed_at: str
    due_at: str | None
    risk: float | None
    value: float | None
    currency: str | None
    is_past_due: bool
    do_not_contact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed: events a second, records not taken yet, newest event, and whether that is long ago."""

    feed: str
    per_second: float | None
    lag: int | None
    last_event_at: str | None
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class ModelRow:
    """The model: how far it is, how good it has been beside the best baseline, what last changed (None: never)."""

    version: str
    learned_until: str
    labels: int
    is_cold: bool
    log_loss: float | None
    auc: float | None
    ece: float | None
    best_baseline: str | None
    baseline_log_loss: float | None
    censored: float | None
    drift_of: str | None
    drift_at: str | None
    drift_change: float | None
