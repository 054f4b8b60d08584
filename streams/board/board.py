"""The board as one frozen value, computed from what was read: testable without a terminal, a worker or Kafka.

A number that could not be read is None, never zero; `problems` says in words what is missing and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan

from models.calendar import DAY_MS, Calendar, date_of
from models.customers.columns import STAGES
from models.learning.summary import Summary
from schemas.instant import from_rfc3339, to_rfc3339
from schemas.model_version import MODEL_NAME
from streams.board.figures import Look, by_label, least, rates, total
from streams.board.ledger import MONTH_DAYS, BoardHistory
from streams.board.rows import AlertRow, FeedRow, ModelRow, StageRow
from streams.console.cases import Case, Measure, measure_of, value_of
from streams.text.wording import BEHIND_MS, feed_down, span, written_date
from streams.text.wording import counted as plural

QUIET_AFTER_MS = DAY_MS
"""A declared feed without an event for a day is marked: shops have slow hours, hardly ever a day without anything."""

BEHIND_DAYS = 2
"""A boundary so many days before the newest event is behind; a live one is a day behind at most."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was read from the topics. `last_events`: the newest event time (epoch ms) by feed, None for an empty one."""

    history: BoardHistory | None = None
    boundary: int | None = None
    """The newest boundary that the topics speak of, as a day number."""
    last_events: dict[str, int | None] | None = None
    problem: str | None = None
    model: Summary | None = None
    """The newest version on the topic."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What settings and catalogue say: partitions, the feeds a company has, its days, whether it has a model."""

    partitions: int
    feeds: tuple[str, ...]
    calendar: Calendar
    has_model: bool = True
    held_by: Mapping[str, int] = field(default_factory=dict)
    """By feed, of how many signals alerts are held while it is down."""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the board shows."""

    boundary: str | None
    zone: str
    now_ms: int
    workers: int
    partitions_owned: int
    """Those whose customers the workers count."""
    partitions: int
    at_risk: int | None
    base: int | None
    """Customers who have not churned: what a share is taken of."""
    customers: int | None
    spend_at_risk: dict[str, float] | None
    """What customers at risk spent in a year, by currency; unknown where the catalogue declares no purchases."""
    value_at_risk: dict[str, float] | None
    """Risk times the spend of the next year, by currency, where the model says how likely; else what they spent."""
    is_catching_up: bool
    """Partitions are far behind the newest event, each as far as it got: counts of now mix their days."""
    trend: tuple[int, ...] | None
    trend_change: int | None
    """At risk at the newest boundary, less a month before."""
    stages: tuple[StageRow, ...] | None
    by_signal: dict[str, int] | None
    past_due: dict[str, int] | None
    per_second: float | None
    lag: int | None
    ended: dict[str, int] | None
    """By reason: what became of the alerts that ended within a month."""
    feeds: tuple[FeedRow, ...]
    alerts: tuple[AlertRow, ...] | None
    alerts_measure: Measure
    """What the values of the alerts are: one measure for all."""
    model: ModelRow | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    """What is missing without anything being wrong."""

    @property
    def share(self) -> float | None:
        """Customers at risk as a share of those who have not churned."""
        return None if self.at_risk is None or not self.base else self.at_risk / self.base


def boundary_of(look: Look, past_boundary: int | None, calendar: Calendar) -> int | None:
    """The boundary to speak of, as a day number: the workers', or the newest on the topics when none answers."""
    told = least(look, "churn_boundary_timestamp_seconds")
    return past_boundary if told is None else calendar.day_of(round(told * 1000))


def make_board(look: Look, earlier: Look | None, past: Past, deployment: Deployment, now_ms: int) -> Board:
    """Put together what the workers and the topics said."""
    boundary = boundary_of(look, past.boundary, deployment.calendar)
    counted = _whole(total(look, "churn_counted_partitions"))
    is_judged = least(look, "churn_boundary_timestamp_seconds") is not None
    stages = _stages(look, past.history) if counted and is_judged else None
    sells = "purchase" in deployment.feeds
    history = past.history
    cases = () if history is None else history.latest
    measure = measure_of(case[0] for case in cases)
    trend = history.at_risk if history is not None and boundary is not None else None
    speeds = None if _cut_off(look) else rates(earlier, look, "churn_events_total", "topic")
    return Board(
        boundary=None if boundary is None else deployment.calendar.text_of(boundary),
        zone=deployment.calendar.zone,
        now_ms=now_ms,
        workers=len(look.pages),
        partitions_owned=counted or 0,
        partitions=deployment.partitions,
        at_risk=_whole(total(look, "churn_customers_at_risk") or 0.0) if stages else None,
        base=sum(row.customers for row in stages if row.stage != "churned") if stages else None,
        customers=sum(row.customers for row in stages) if stages else None,
        spend_at_risk=by_label(look, "churn_spend_at_risk", "currency") if stages and sells else None,
        value_at_risk=by_label(look, "churn_value_at_risk", "currency") if stages and sells else None,
        is_catching_up=_is_catching_up(look, past, boundary, deployment.calendar),
        trend=trend,
        trend_change=trend[-1] - trend[-1 - MONTH_DAYS] if trend and len(trend) > MONTH_DAYS else None,
        stages=stages,
        by_signal=_ranked(look, "churn_customers_at_risk_by_signal", "signal") if stages else None,
        past_due=_ranked(look, "churn_alerts_past_due", "owner") if stages else None,
        per_second=None if speeds is None else sum(speeds.values()),
        lag=_lag(look),
        ended=None if history is None or boundary is None else history.ended,
        feeds=tuple(_feed(feed, look, speeds, past, now_ms) for feed in deployment.feeds),
        alerts=None if history is None else tuple(_alert(case, measure, now_ms) for case in cases),
        alerts_measure=measure,
        model=None if past.model is None else _model(past.model),
        problems=(*_feeds_down(look, past, deployment), *_problems(look, past, deployment)),
        notes=tuple(_notes(look, past, deployment, now_ms, is_judged=is_judged)),
    )


def _is_catching_up(look: Look, past: Past, boundary: int | None, calendar: Calendar) -> bool:
    newest = max((time_ms for time_ms in (past.last_events or {}).values() if time_ms is not None), default=None)
    if not total(look, "churn_consumer_lag_messages") or newest is None:
        return False
    return boundary is None or calendar.day_of(newest) - boundary > BEHIND_DAYS


def _lag(look: Look) -> int | None:
    """Records not taken yet; what a worker knew before the brokers left it is no answer."""
    lag = total(look, "churn_consumer_lag_messages")
    return None if lag is None or _cut_off(look) else round(lag)


def _cut_off(look: Look) -> list[str]:
    """Addresses of workers that no broker confirms."""
    return sorted(name for name, page in look.pages.items() if 0.0 in page.get("churn_group_member", {}).values())


def _stages(look: Look, history: BoardHistory | None) -> tuple[StageRow, ...]:
    """The mix of stages; the change is what came less what left, so that it needs no older mix to be kept."""
    now = by_label(look, "churn_customers", "stage")
    changes = None if history is None else history.changes
    return tuple(
        StageRow(stage, int(now.get(stage, 0)), None if changes is None else changes.get(stage, 0)) for stage in STAGES
    )


def _ranked(look: Look, name: str, label: str) -> dict[str, int] | None:
    """Counts by a label, greatest first, without zeros; None when no worker knows such a metric."""
    if not any(name in page for page in look.pages.values()):
        return None
    counts = {key: int(value) for key, value in by_label(look, name, label).items() if value}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _feed(feed: str, look: Look, speeds: dict[str, float] | None, past: Past, now_ms: int) -> FeedRow:
    def of_feed(by_topic: dict[str, float]) -> float:
        return sum(value for topic, value in by_topic.items() if topic.endswith(f".events.{feed}"))

    newest = None if past.last_events is None else past.last_events.get(feed)
    lag = {} if _cut_off(look) else by_label(look, "churn_consumer_lag_messages", "topic")
    return FeedRow(
        feed=feed,
        per_second=None if speeds is None else of_feed(speeds),
        lag=int(of_feed(lag)) if lag else None,
        last_event_at=None if newest is None else to_rfc3339(newest),
        is_quiet=past.last_events is not None and (newest is None or now_ms - newest > QUIET_AFTER_MS),
    )


def _alert(case: Case, measure: Measure, now_ms: int) -> AlertRow:
    alert, worth = case[0], value_of(case[0], measure)
    return AlertRow(
        alert_id=alert.alert_id,
        case_id=alert.case_id,
        others=tuple(other.signal for other in case[1:]),
        customer_id=alert.customer_id,
        signal=alert.signal,
        severity=alert.severity,
        summary=alert.summary,
        owner=alert.owner,
        observed_at=alert.observed_at,
        due_at=alert.due_at,
        risk=alert.risk,
        value=None if worth is None else worth.amount,
        currency=None if worth is None else worth.currency,
        is_past_due=alert.is_owed and from_rfc3339(alert.due_at or "") < now_ms,
        do_not_contact=alert.do_not_contact,
    )


def _model(found: Summary) -> ModelRow:
    own, best, alarm = found.scores.get(MODEL_NAME), found.best_baseline, found.last_alarm
    return ModelRow(
        version=found.version,
        learned_until=found.learned_until,
        labels=sum(found.labels),
        is_cold=found.is_cold,
        log_loss=None if own is None else own.log_loss,
        auc=None if own is None or isnan(own.auc) else own.auc,
        ece=None if own is None else own.ece,
        best_baseline=None if best is None else best[0],
        baseline_log_loss=None if best is None else best[1].log_loss,
        censored=found.censored,
        drift_of=None if alarm is None else alarm[0],
        drift_at=None if alarm is None else date_of(alarm[1].boundary),
        drift_change=None if alarm is None else alarm[1].now - alarm[1].was,
    )


def _feeds_down(look: Look, past: Past, deployment: Deployment) -> Iterator[str]:
    """Feeds that are down: by the workers, and by the alerts, which know since when, and of workers that are away."""
    told = by_label(look, "churn_feed_down", "feed")
    for feed in deployment.feeds:
        since = () if past.history is None else past.history.down.get(feed, ())
        if partitions := max(round(told.get(feed, 0)), len(since)):
            began = written_date(since[0], deployment.calendar.zone) if since else None
            yield feed_down(feed, plural(partitions, "partition"), began, deployment.held_by.get(feed, 0))


def _problems(look: Look, past: Past, deployment: Deployment) -> list[str]:
    """What the reader of the numbers must know about them."""
    found = [f"worker {address} tells nothing: {why}" for address, why in sorted(look.away.items())]
    if look.away and not look.pages:
        found.append("no worker answers: what is at risk now is unknown. Start one with: churn-signals worker")
    found += [
        f"no broker confirms worker {name}: what it owns may be another's, and is not counted"
        for name in _cut_off(look)
    ]
    if total(look, "churn_recovering"):
        found.append("a worker restores its state: what it owns is not counted yet")
    counted = _whole(total(look, "churn_counted_partitions"))
    if counted is not None and counted < deployment.partitions:
        what = "the numbers are of those alone" if counted else "what is at risk now is unknown"
        found.append(f"{counted} of {plural(deployment.partitions, 'partition')} counted: {what}")
    if past.problem is not None:
        found.append(past.problem)
    late = _whole(by_label(look, "churn_recorded_events", "outcome").get("late"))
    if late:
        found.append(f"too late since the first start, so counted nowhere: {late:,} (dead-letters list --late)")
    return found


def _notes(look: Look, past: Past, deployment: Deployment, now_ms: int, *, is_judged: bool) -> Iterator[str]:
    """What is not there yet."""
    boundary = boundary_of(look, past.boundary, deployment.calendar)
    if boundary is not None and now_ms - (start := deployment.calendar.start_of(boundary)) > BEHIND_MS:
        quiet = {
            feed: at for feed, at in (past.last_events or {}).items() if at is not None and feed in deployment.feeds
        }
        oldest = min(quiet, key=lambda feed: quiet[feed], default=None)
        why = "" if oldest is None else f"; the last {oldest} event is {span(now_ms - quiet[oldest])} old"
        behind = f"{span(now_ms - start)} behind the clock{why}"
        is_read = not is_judged and not total(look, "churn_consumer_lag_messages")
        yield f"nothing later is on the topics, {behind}" if is_read else f"nothing later is decided yet, {behind}"
    if total(look, "churn_counted_partitions") and not is_judged:
        yield "no midnight of event time has passed in every partition: nobody is judged yet"
    if deployment.has_model and past.model is None and past.problem is None:
        yield "no model yet: `churn-signals learner` publishes one once enough history is known"


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
