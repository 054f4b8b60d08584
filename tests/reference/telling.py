"""An episode at a boundary as the alert that is published."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from models.calendar import date_of
from models.config import Basis
from models.signals.catalogue import Rules, Signal
from models.signals.template import Template
from reference.happened import notes_of
from reference.language import holds, read, words_of
from reference.past import FEED_OF, OF_ALL_FEEDS, OF_MODEL, Past, Value
from schemas.alert import AlertSeverity, AlertV1, Driver, ModelRef, Money, Status, alert_id
from schemas.event import EMAIL, PURCHASE, TICKET
from schemas.instant import to_rfc3339

MODEL_VERSION: Final = "given"
"""What alerts name as the version of the model whose scores were given."""
_CLOSED: Final = ("resolved", "retracted", "expired")
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


class Telling(Struct, frozen=True):
    """A revision to be told; an announcement (not `by_review`) knows its own feed alone: no stage, no value at risk."""

    signal: Signal
    status: Status
    episode: Episode
    by_review: bool = True


def alert_of(rules: Rules, customer_id: str, past: Past, telling: Telling, alerts_from_ms: int) -> AlertV1:
    """One revision of an alert."""
    signal, status, episode, calendar = telling.signal, telling.status, telling.episode, past.basis.calendar
    values = {name: read(value.text, past, episode.start) for name, value in signal.values.items()}
    texts, currency = {**values, "days_open": past.boundary - episode.start}, past.basis.currency
    others = "" if status in _CLOSED else " and ".join(episode.corroborated_by)
    worth = _worth(past) if telling.by_review else {"value_at_risk": None}
    is_by_model = asks_model(signal) or worth.get("value_basis") == "expected"
    return AlertV1(
        alert_id=alert_id(customer_id, signal.id, date_of(episode.start)), revision=episode.revision, status=status,
        signal=signal.id, polarity=signal.polarity, severity=episode.severity,
        summary=_sentence(telling, past).filled(texts, currency) + (f" Critical: {others} open as well." if others else ""),
        customer_id=customer_id, stage=episode.stage if telling.by_review else None, owner=episode.owner,
        intervention=signal.intervention, playbook_url=signal.playbook_url, starts_at=calendar.text_of(episode.start),
        observed_at=to_rfc3339(episode.observed_ms),
        due_at=None if signal.respond_ms is None else to_rfc3339(episode.observed_ms + signal.respond_ms),
        ends_at=to_rfc3339(calendar.start_of(past.boundary)) if status in _CLOSED else None,
        score=episode.score, threshold=_numeric(read(signal.score.threshold.text, past, episode.start)),
        drivers=() if asks_model(signal) else _drivers(signal, values),
        clears_when=signal.clears_when.filled(values, currency), corroborated_by=episode.corroborated_by,
        model=ModelRef("churn", MODEL_VERSION if past.scores else "", cold=False) if is_by_model else None,
        catalogue=rules.hash, evidence=_evidence(signal, past), arm=None,
        historical=episode.observed_ms < alerts_from_ms, **worth,
    )  # fmt: skip


def asks_model(signal: Signal) -> bool:
    """Whether it rests on what the model says: its drivers come from the model's version, and are left out."""
    texts = (signal.when.text, signal.ends.text, signal.score.term.text)
    return any(words_of(text) & {*OF_MODEL} for text in texts)


def rests_on(signal: Signal, basis: Basis) -> set[int]:
    """The feeds a condition rests on: the stage on what restarts the clock, the model on purchases, the age on none."""
    words = words_of(signal.when.text)
    all_feeds, purchase = {*basis.feeds}, {PURCHASE}
    feeds = {FEED_OF[word] for word in words if word in FEED_OF} | (purchase if words & {*OF_MODEL} else set())
    feeds |= (purchase if basis.lifecycle.silence == "purchase" else all_feeds) if "stage" in words else set()
    return feeds | (all_feeds if words & {*OF_ALL_FEEDS} else set())


def _sentence(telling: Telling, past: Past) -> Template:
    """The summary while the condition holds, later that it is still open, at last that it is over."""
    signal, status = telling.signal, telling.status
    is_past_it = status == "updated" and not holds(signal.when.text, past, telling.episode.start)
    closed = {"resolved": signal.ended, "expired": _EXPIRED, "retracted": _RETRACTED}
    return closed.get(status, signal.later if is_past_it else signal.summary)


def _drivers(signal: Signal, values: dict[str, Value]) -> tuple[Driver, ...]:
    """The measures compared, each with its share of the total relative deviation."""
    rows = [(d.text, _numeric(values[d.value]), _numeric(values[d.usual]) if d.usual else None) for d in signal.drivers]
    off = [0.0 if value is None else abs(value - usual) / abs(usual) if usual else float(value != 0)
           for _, value, usual in rows]  # fmt: skip
    return tuple(Driver(*row, round(part / (sum(off) or 1.0), 3)) for row, part in zip(rows, off, strict=True))


def _evidence(signal: Signal, past: Past) -> tuple[str, ...]:
    """Ids of the last ten notes of 30 days in the feeds that the condition names measures of."""
    feeds = {FEED_OF.get(word) for word in words_of(signal.when.text)} & {TICKET, EMAIL}
    days = range(past.boundary - 30, past.boundary)
    notes = [note.event for feed in feeds if feed for day in days for note in notes_of(past.seen, feed, day)]
    return tuple(event.id for event in sorted(notes, key=lambda event: (event.time_ms, event.id))[-10:])


def _worth(past: Past) -> dict[str, Any]:
    """What is at stake: spend of the last year or, where there is a risk, the risk times twelve months' spend."""
    orders, spend = past.count("purchases", 365), past.count("spend", 365)
    score, first, base = past.risk(), past.first_day, past.basis.base
    if orders is None or spend is None:
        return {"value_at_risk": None}
    if score is None or first is None:
        return {"value_at_risk": Money(spend, past.basis.currency), "value_basis": "last_year"}
    days = past.boundary - first
    repeats = orders if days > 365 else max(0, orders - 1)
    velocity = (repeats + base.purchases_a_year / 365 * base.worth_days) / (min(365, days) + base.worth_days)
    basket = (spend + base.basket) / (orders + 1)
    expected = round(100 * score.risk * velocity * basket * 365) / 100
    return {"value_at_risk": Money(expected, past.basis.currency), "value_basis": "expected"}


def _numeric(value: Value) -> float | None:
    return None if isinstance(value, str) else value
