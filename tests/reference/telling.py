"""An episode as of a boundary, told as the alert that is published."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from msgspec import Struct

from models.calendar import date_of
from models.catalogue.language import compile_condition, compile_term
from models.catalogue.rules import ScoreRule, Signal
from models.catalogue.template import Template
from models.config import Basis
from reference.language import holds, number, read, words_of
from reference.past import FEED_OF, Past, Value, notes_of
from schemas.alert import (
    STATUS_OF_END,
    AlertSeverity,
    AlertV1,
    Arm,
    Driver,
    EndReason,
    ModelRef,
    Money,
    NoContact,
    Status,
    alert_id,
    case_id,
)
from schemas.command import AlertOutcome
from schemas.event import EMAIL, PURCHASE, TICKET
from schemas.instant import to_rfc3339

MODEL_VERSION: Final = "given"
"""What alerts name as the version of the model whose scores were given."""
News = Literal["firing", "updated"] | EndReason
"""What a revision tells: that it began, that it goes on, or what became of it."""
OF_ALL_FEEDS: Final = {"active_days", "engagement", "days_since_activity", "slope_z", "slope_change"}
OF_MODEL: Final = {"risk", "risk_usual", "risk_rank"}


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
    case: int | None = None
    refused: tuple[NoContact, ...] = ()
    acknowledged_ms: int = -1
    acknowledged_by: str = ""
    outcome: AlertOutcome | Literal[""] = ""
    escalated_ms: int = -1
    escalated_to: str = ""
    sent_ms: int = -1
    held: str = ""
    arm: Arm | None = None


def retired(signal: Signal) -> Signal:
    """A signal that left the catalogue: its alerts end at the next boundary, and nothing of it begins."""
    unknown = compile_term("0 / 0", {})
    return replace(
        signal, when=compile_condition("never", {}), ends=compile_condition("0 == 0", {}), cooldown_days=0,
        expires_days=None, values={}, drivers=(), score=ScoreRule(unknown, unknown, "higher", 0.0),
        clears_when=Template("signal retired"), has_left=True,
        ended=Template("Over after {days_open|day|days}: signal retired."),
    )  # fmt: skip


def alert_of(
    signal: Signal, news: News, episode: Episode, past: Past, *, by_review: bool, until_ms: int | None = None,
    **context: Any,
) -> AlertV1:  # fmt: skip
    """One revision; `context`: the customer, the catalogue's hash, and whether it is historical. `until_ms`: snoozed.

    What is announced, and not yet by a review, knows its own feed alone: no stage and no value at risk.
    """
    calendar, respond_ms = past.basis.calendar, signal.respond_ms
    reason, status = _last(news)
    values = {name: read(value.text, past, episode.start) for name, value in signal.values.items()}
    worth = _worth(past) if by_review else {"value_at_risk": None}
    texts = (signal.when.text, signal.ends.text, signal.score.term.text)
    is_by_model = any(words_of(text) & OF_MODEL for text in texts) or worth.get("value_basis") == "expected"
    return AlertV1(
        alert_id=alert_id(context["customer_id"], signal.id, date_of(episode.start)), revision=episode.revision,
        status=status, signal=signal.id, polarity=signal.polarity, severity=episode.severity,
        summary=_opted_out(episode, past) if reason == "opted_out" else _summary(signal, status, episode, past, values),
        ended_because=reason, do_not_contact=episode.refused,
        stage=episode.stage if by_review else None, owner=episode.owner,
        intervention=signal.if_no_contact if episode.refused and signal.contacts_customer else signal.intervention,
        playbook_url=signal.playbook_url, starts_at=calendar.text_of(episode.start),
        observed_at=to_rfc3339(episode.observed_ms),
        due_at=None if respond_ms is None else to_rfc3339(owed_since(episode) + respond_ms),
        ends_at=None if reason is None else to_rfc3339(calendar.start_of(past.boundary)),
        score=episode.score, threshold=number(signal.score.threshold.text, past, episode.start),
        drivers=_drivers(signal, values), clears_when=signal.clears_when.filled(values, past.basis.currency),
        corroborated_by=episode.corroborated_by, evidence=_evidence(signal, past), arm=episode.arm,
        model=ModelRef("churn", MODEL_VERSION if past.scores else "", cold=False) if is_by_model else None,
        case_id=None if episode.case is None else case_id(context["customer_id"], signal.cause, date_of(episode.case)),
        acknowledged_at=to_rfc3339(episode.acknowledged_ms) if episode.acknowledged_ms >= 0 else None,
        acknowledged_by=episode.acknowledged_by or None, outcome=episode.outcome or None,
        escalated_at=to_rfc3339(episode.escalated_ms) if episode.escalated_ms >= 0 else None,
        escalated_to=episode.escalated_to or None, snoozed_until=None if until_ms is None else to_rfc3339(until_ms),
        **worth, **context,
    )  # fmt: skip


def _last(news: News) -> tuple[EndReason | None, Status]:
    """What became of it, and the status that is told."""
    match news:
        case "firing" | "updated":
            return None, news
    return news, STATUS_OF_END[news]


def owed_since(episode: Episode) -> int:
    """Since when somebody is to answer."""
    return episode.observed_ms if episode.sent_ms < 0 else episode.sent_ms


def _opted_out(episode: Episode, past: Past) -> str:
    days = past.boundary - episode.start
    return f"Over after {days} {'day' if days == 1 else 'days'}: the customer has opted out."


def rests_on(signal: Signal, basis: Basis) -> set[int]:
    """The feeds a condition rests on: the stage on what restarts the clock, the model on purchases, the age on none."""
    words, all_feeds, purchase = words_of(signal.when.text), {*basis.feeds}, {PURCHASE}
    feeds = {FEED_OF[word] for word in words if word in FEED_OF} | (purchase if words & OF_MODEL else set())
    feeds |= (purchase if basis.lifecycle.silence == "purchase" else all_feeds) if "stage" in words else set()
    return feeds | (all_feeds if words & OF_ALL_FEEDS else set())


def _summary(signal: Signal, status: Status, episode: Episode, past: Past, values: Mapping[str, Value]) -> str:
    """The reason while the condition holds, later that it is still open, at last that it is over."""
    days = past.boundary - episode.start
    if status == "retracted":
        return "Taken back: with all events of the day known, it did not hold."
    if status == "expired":
        return f"Expired after {days} {'day' if days == 1 else 'days'}: nothing ended it before."
    if status == "lost":
        return f"Lost after {days} {'day' if days == 1 else 'days'}: the customer counts as {episode.stage}."
    is_only_open = status == "updated" and not holds(signal.when.text, past, episode.start)
    template = signal.ended if status == "resolved" else signal.later if is_only_open else signal.summary
    others = " and ".join(episode.corroborated_by) if status != "resolved" else ""
    critical = f" Critical: {others} open as well." if others else ""
    to = f": escalated to {episode.escalated_to}" if episode.escalated_to else ""
    is_unanswered = status != "resolved" and episode.escalated_ms >= 0 and episode.acknowledged_ms < 0
    unanswered = f" Nobody answered in time{to}." if is_unanswered else ""
    return template.filled({**values, "days_open": days}, past.basis.currency) + critical + unanswered


def _drivers(signal: Signal, values: Mapping[str, Value]) -> tuple[Driver, ...]:
    """The measures compared, each with its share of the total relative deviation."""
    known = {name: None if isinstance(value, str) else value for name, value in values.items()}
    rows = [(d.text, known[d.value], known[d.usual] if d.usual else None) for d in signal.drivers]
    off = [0.0 if value is None else abs(value - usual) / abs(usual) if usual else float(value != 0)
           for _, value, usual in rows]  # fmt: skip
    return tuple(Driver(*row, round(part / (sum(off) or 1.0), 3)) for row, part in zip(rows, off, strict=True))


def _evidence(signal: Signal, past: Past) -> tuple[str, ...]:
    """Ids of the last ten notes of 30 days in the feeds that the condition names measures of."""
    feeds = {FEED_OF.get(word) for word in words_of(signal.when.text)} & {TICKET, EMAIL}
    days = range(past.boundary - 30, past.boundary)
    notes = [one.event for feed in feeds if feed for day in days for one in notes_of(past.seen, feed, day)]
    return tuple(event.id for event in sorted(notes, key=lambda event: (event.time_ms, event.id))[-10:])


def _worth(past: Past) -> dict[str, Any]:
    """What is at stake: spend of the last year or, where there is a risk, the risk times twelve months' spend."""
    orders, spend, currency = past.count("purchases", 365), past.count("spend", 365), past.basis.currency
    score, first, base = past.risk(), past.first_day, past.basis.base
    if orders is None or spend is None:
        return {"value_at_risk": None}
    spent = {"spend_last_year": Money(spend, currency)}
    if score is None or first is None:
        return {"value_at_risk": Money(spend, currency), "value_basis": "last_year", **spent}
    days = past.boundary - first
    repeats = orders if days > 365 else max(0, orders - 1)
    velocity = (repeats + base.purchases_a_year / 365 * base.worth_days) / (min(365, days) + base.worth_days)
    basket = (spend + base.basket) / (orders + 1)
    expected = round(100 * score.risk * velocity * basket * 365) / 100
    return {
        "value_at_risk": Money(expected, currency),
        "value_basis": "expected",
        "risk": round(score.risk, 4),
        **spent,
    }
