"""An episode at a boundary as the alert that is published."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from models.calendar import date_of
from models.signals.catalogue import Rules, Signal
from models.signals.template import Template
from reference.happened import notes_of
from reference.language import Value, holds, number, term, words_of
from reference.past import OF_MODEL, Past
from schemas.alert import AlertSeverity, AlertV1, Driver, ModelRef, Money, Status, ValueBasis, alert_id
from schemas.event import EMAIL, PURCHASE, TICKET
from schemas.instant import to_rfc3339

MODEL_VERSION: Final = "given"
"""The version that alerts name whose model scores were given."""
CLOSED: Final = ("resolved", "retracted", "expired")
_EXPIRED: Final = Template("Expired after {days_open|day|days}: nothing ended it before.")
_RETRACTED: Final = Template("Taken back: with all events of the day known, it did not hold.")


class Episode(Struct, frozen=True, array_like=True):
    """An open alert as last told; `initial` is the score it began with."""

    start: int
    revision: int
    severity: AlertSeverity
    score: float | None
    stage: str | None
    owner: str
    observed_ms: int
    initial: float | None
    corroborated_by: tuple[str, ...] = ()


def alert_of(
    rules: Rules, signal: Signal, customer_id: str, past: Past, episode: Episode, status: Status, *, by_review: bool,
    alerts_from_ms: int,
) -> AlertV1:  # fmt: skip
    """One revision. What is announced before the review knows its own feed alone: no stage and no value at risk."""
    values = {name: _rounded(term(value.text, past)) for name, value in signal.values.items()}
    at_risk, value_basis = _worth(past) if by_review else (None, None)
    asks = asks_model(signal)
    template, calendar, currency = _sentence(signal, past, status), past.basis.calendar, past.basis.currency
    others = " and ".join(episode.corroborated_by) if status not in CLOSED else ""
    said = template.filled({**values, "days_open": past.boundary - episode.start}, currency)
    version = MODEL_VERSION if past.scores else ""
    return AlertV1(
        alert_id=alert_id(customer_id, signal.id, date_of(episode.start)),
        revision=episode.revision,
        status=status,
        signal=signal.id,
        polarity=signal.polarity,
        severity=episode.severity,
        summary=said + (f" Critical: {others} open as well." if others else ""),
        customer_id=customer_id,
        stage=episode.stage if by_review else None,
        owner=episode.owner,
        intervention=signal.intervention,
        playbook_url=signal.playbook_url,
        starts_at=calendar.text_of(episode.start),
        observed_at=to_rfc3339(episode.observed_ms),
        due_at=None if signal.respond_ms is None else to_rfc3339(episode.observed_ms + signal.respond_ms),
        ends_at=to_rfc3339(calendar.start_of(past.boundary)) if status in CLOSED else None,
        score=episode.score,
        threshold=number(signal.score.threshold.text, past),
        drivers=() if asks else _drivers(signal, values),
        clears_when=signal.clears_when.filled(values, currency),
        value_at_risk=None if at_risk is None else Money(at_risk / 100, currency),
        value_basis=value_basis,
        corroborated_by=episode.corroborated_by,
        model=ModelRef("churn", version, cold=False) if asks or value_basis == "expected" else None,
        catalogue=rules.hash,
        evidence=_evidence(signal, past),
        arm=None,
        historical=episode.observed_ms < alerts_from_ms,
    )


def asks_model(signal: Signal) -> bool:
    """Whether it rests on what the model says."""
    texts = (signal.when.text, signal.ends.text, signal.score.term.text)
    return any(words_of(text) & {*OF_MODEL} for text in texts)


def _sentence(signal: Signal, past: Past, status: Status) -> Template:
    """The summary while the condition holds, later that it is still open, at last that it is over."""
    closed = {"resolved": signal.ended, "expired": _EXPIRED, "retracted": _RETRACTED}
    is_only_open = status == "updated" and not holds(signal.when.text, past)
    return closed.get(status, signal.later if is_only_open else signal.summary)


def _drivers(signal: Signal, values: dict[str, Value]) -> tuple[Driver, ...]:
    """The measures compared, each with its share of the total relative deviation."""
    rows = [(d.text, _numeric(values[d.value]), _numeric(values[d.usual]) if d.usual else None) for d in signal.drivers]
    off = [0.0 if value is None else abs(value - usual) / abs(usual) if usual else float(bool(value))
           for _, value, usual in rows]  # fmt: skip
    total = sum(off) or 1.0
    return tuple(Driver(*row, round(part / total, 3)) for row, part in zip(rows, off, strict=True))


def _evidence(signal: Signal, past: Past) -> tuple[str, ...]:
    """Ids of the last ten notes of 30 days in the feeds that the condition reads."""
    feeds = [feed for feed in (TICKET, EMAIL) if feed in past.feeds_read(signal.when.text)]
    days = range(past.boundary - 30, past.boundary)
    notes = [one.event for feed in feeds for day in days for one in notes_of(past.seen, feed, day)]
    return tuple(event.id for event in sorted(notes, key=lambda event: (event.time_ms, event.id))[-10:])


def _worth(past: Past) -> tuple[int | None, ValueBasis | None]:
    """What is at stake, in minor units: spend of the last year or, where there is a risk, the risk of a year's spend."""
    if PURCHASE not in past.basis.feeds:
        return None, None
    orders, spend = past.count("purchases", 365), past.count("spend", 365)
    assert orders is not None
    assert spend is not None
    if past.risk is None or past.first_day is None:
        return round(spend * 100), "last_year"
    base, days = past.basis.base, past.boundary - past.first_day
    repeats = orders if days > 365 else max(0, orders - 1)
    velocity = (repeats + base.purchases_a_year / 365 * base.worth_days) / (min(365, days) + base.worth_days)
    basket = (100 * spend + 100 * base.basket) / (orders + 1)
    return round(past.risk * velocity * basket * 365), "expected"


def _rounded(value: Value) -> Value:
    return round(value, 4) if isinstance(value, float) else value


def _numeric(value: Value) -> float | None:
    return None if isinstance(value, str) else value
