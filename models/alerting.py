"""From a judged signal to the alert that is published: texts, drivers, deadlines."""

from msgspec import Struct

from models.calendar import date_of
from models.config import Number
from models.customer import Episode
from models.signals.catalogue import DAYS_OPEN, Rules, Signal
from models.signals.measures import Value, View
from models.signals.template import Template
from models.worth import worth_of
from schemas.alert import AlertV1, Driver, ModelRef, Money, Status, alert_id
from schemas.event import EMAIL, TICKET
from schemas.instant import to_rfc3339
from schemas.model_version import MODEL_NAME

MAX_EVIDENCE = 10
EVIDENCE_DAYS = 30
"""Evidence reaches back as far as the longest window of the signals that have any."""
_EXPIRED = Template(f"Expired after {{{DAYS_OPEN}|day|days}}: nothing ended it before.")
_RETRACTED = Template("Taken back: with all events of the day known, it did not hold.")


class Telling(Struct, frozen=True, gc=False):
    """What is told about an episode at this moment, besides what the view shows."""

    customer_id: str
    status: Status
    episode: Episode
    ends_ms: int | None
    alerts_from_ms: int
    is_announcement: bool = False


def build_alert(rules: Rules, signal: Signal, view: View, telling: Telling) -> AlertV1:
    """One revision of an alert, a function of the view and the episode alone.

    An announcement carries only what its own feed knows: no stage and no value at risk; the day's review adds them.
    """
    episode = telling.episode
    values = {name: _rounded(term.term.read(view)[0]) for name, term in signal.values.items()}
    known_by_review = not telling.is_announcement
    worth = worth_of(view.customer, view.boundary, view.basis) if known_by_review else None
    is_by_model = signal.asks_model or (worth is not None and worth.basis == "expected")
    due_ms = None if signal.respond_ms is None else episode.observed_ms + signal.respond_ms
    return AlertV1(
        alert_id=alert_id(telling.customer_id, signal.id, date_of(episode.start)),
        revision=episode.revision,
        status=telling.status,
        signal=signal.id,
        polarity=signal.polarity,
        severity=episode.severity,
        summary=_sentence(signal, view, telling).filled(
            {**values, DAYS_OPEN: view.boundary - episode.start}, rules.basis.currency
        )
        + _corroboration(telling),
        customer_id=telling.customer_id,
        stage=episode.stage if known_by_review else None,
        owner=episode.owner,
        intervention=signal.intervention,
        playbook_url=signal.playbook_url,
        starts_at=rules.basis.calendar.text_of(episode.start),
        observed_at=to_rfc3339(episode.observed_ms),
        due_at=None if due_ms is None else to_rfc3339(due_ms),
        ends_at=None if telling.ends_ms is None else to_rfc3339(telling.ends_ms),
        score=episode.score,
        threshold=_number(signal.score.threshold.term.read(view)[0]),
        drivers=_drivers(signal, values) if view.explain is None or not signal.asks_model else view.explain(),
        clears_when=signal.clears_when.filled(values, rules.basis.currency),
        value_at_risk=None if worth is None else Money(worth.minor / 100, rules.basis.currency),
        value_basis=None if worth is None else worth.basis,
        corroborated_by=episode.corroborated_by,
        model=ModelRef(MODEL_NAME, view.customer.scored_by, cold=False) if is_by_model else None,
        catalogue=rules.hash,
        evidence=_evidence(signal, view),
        arm=None,
        historical=episode.observed_ms < telling.alerts_from_ms,
    )


def _sentence(signal: Signal, view: View, telling: Telling) -> Template:
    """What this revision says: the reason while the condition holds, later that it is still open, or that it is over.

    The summary is written for the moment it fires; with the numbers of a later day it may say what is no trouble.
    """
    match telling.status:
        case "resolved":
            return signal.ended
        case "expired":
            return _EXPIRED
        case "retracted":
            return _RETRACTED
        case "updated" if signal.when.holds(view)[0] is not True:
            return signal.later
        case _:
            return signal.summary


def _corroboration(telling: Telling) -> str:
    """Why it is critical; nothing once it is over."""
    others = telling.episode.corroborated_by
    return f" Critical: {' and '.join(others)} open as well." if others and telling.ends_ms is None else ""


def _drivers(signal: Signal, values: dict[str, Value]) -> tuple[Driver, ...]:
    """The measures compared, each with its share of the total relative deviation."""
    rows = [(d.text, _number(values[d.value]), _number(values[d.usual]) if d.usual else None) for d in signal.drivers]
    weights = [_deviation(value, usual) for _, value, usual in rows]
    total = sum(weights) or 1.0
    return tuple(
        Driver(text, value, usual, round(weight / total, 3))
        for (text, value, usual), weight in zip(rows, weights, strict=True)
    )


def _deviation(value: Number | None, usual: Number | None) -> float:
    """How far a value is from the customer's usual, relative to it; without a usual, 1 for anything but zero."""
    if value is None:
        return 0.0
    if not usual:
        return 1.0 if value else 0.0
    return abs(value - usual) / abs(usual)


def _evidence(signal: Signal, view: View) -> tuple[str, ...]:
    feeds = [feed for feed in (TICKET, EMAIL) if feed in signal.when.feeds]
    notes = sorted(note for feed in feeds for note in view.notes(feed, EVIDENCE_DAYS))
    return tuple(note.id for note in notes[-MAX_EVIDENCE:])


def _rounded(value: Value) -> Value:
    return round(value, 4) if isinstance(value, float) else value


def _number(value: Value) -> Number | None:
    return None if isinstance(value, str) else round(value, 4) if isinstance(value, float) else value
