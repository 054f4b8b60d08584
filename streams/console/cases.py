"""Open alerts as people work them off: what is owed, alerts for one trouble as one case, one measure of value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from schemas.alert import URGENCY, AlertV1, Money

Measure = Literal["value_at_risk", "spend_last_year"]

MEANINGS: dict[Measure, str] = {
    "value_at_risk": "value at risk: the risk times the spend expected in twelve months",
    "spend_last_year": "spend of the last 365 days",
}
"""What a list says its amounts are."""

Case = tuple[AlertV1, ...]
"""Alerts of one customer and cause, the one that leads first: its owner acts."""


@dataclass(frozen=True, slots=True)
class Line:
    """One customer: the case that is due first, and the others."""

    cases: tuple[Case, ...]

    @property
    def lead(self) -> AlertV1:
        """Who acts first, and until when."""
        return self.cases[0][0]

    @property
    def others(self) -> tuple[AlertV1, ...]:
        """Everything else that is open of the customer in this list."""
        return tuple(alert for case in self.cases for alert in case)[1:]


Kind = Literal["owed", "acknowledged", "historical", "good_news", "over"]
"""Whose answer is owed; what somebody has taken on or snoozed; decided about a time before anybody was to answer; good
news; what is over."""


@dataclass(frozen=True, slots=True)
class Section:
    """Alerts that ask the same of people, in one measure of value."""

    kind: Kind
    alerts: tuple[AlertV1, ...]
    measure: Measure

    def worth_at_least(self, least: float) -> Section:
        """Those whose customers are known to be worth so much, in the same measure."""
        kept = [one for one in self.alerts if (worth := value_of(one, self.measure)) and worth.amount >= least]
        return replace(self, alerts=tuple(kept))

    @property
    def lines(self) -> list[Line]:
        """One line a customer, by deadline and value of the case that is due first."""
        return _lines(self.alerts, self.measure)


def sections(alerts: Iterable[AlertV1]) -> list[Section]:
    """Alerts apart, those first whose answer is owed; each section may be empty."""
    found: dict[Kind, list[AlertV1]] = {kind: [] for kind in get_args(Kind)}
    for alert in alerts:
        found[_kind(alert)].append(alert)
    return [Section(kind, tuple(own), measure_of(own)) for kind, own in found.items()]


def _kind(alert: AlertV1) -> Kind:
    if not alert.is_open:
        return "over"
    if alert.polarity == "positive" or alert.due_at is None:
        return "good_news"
    if alert.acknowledged_at is not None or alert.snoozed_until is not None:
        return "acknowledged"
    return "historical" if alert.historical else "owed"


def measure_of(alerts: Iterable[AlertV1]) -> Measure:
    """The one measure of a list: the value at risk where the model gives a risk for all in it."""
    return "value_at_risk" if all(one.value_basis == "expected" for one in alerts) else "spend_last_year"


def value_of(alert: AlertV1, measure: Measure) -> Money | None:
    """What is at stake in a measure; None where it is not known."""
    if measure == "value_at_risk":
        return alert.value_at_risk if alert.value_basis == "expected" else None
    if alert.spend_last_year is None and alert.value_basis == "last_year":
        return alert.value_at_risk  # of a version that wrote no other
    return alert.spend_last_year


def in_order(alerts: Iterable[AlertV1], measure: Measure) -> list[AlertV1]:
    """By deadline, then by value, the greatest first."""
    return sorted(alerts, key=_rank(measure))


def _lines(alerts: Sequence[AlertV1], measure: Measure) -> list[Line]:
    rank = _rank(measure)
    cases: dict[str, dict[str, list[AlertV1]]] = {}
    for alert in alerts:
        cases.setdefault(alert.customer_id, {}).setdefault(case_of(alert), []).append(alert)
    found = [
        Line(tuple(sorted((led(case) for case in own.values()), key=lambda case: rank(case[0]))))
        for own in cases.values()
    ]
    return sorted(found, key=lambda line: rank(line.lead))


def case_of(alert: AlertV1) -> str:
    """What its case is called; an early firing is one of its own until the day's review."""
    return alert.case_id or alert.alert_id


def led(alerts: Iterable[AlertV1]) -> Case:
    """The most urgent alert leads, of several the one that is due first."""
    return tuple(sorted(alerts, key=lambda one: (URGENCY[one.severity], one.due_at or "9", one.alert_id)))


def _rank(measure: Measure) -> Callable[[AlertV1], tuple[str, float, str]]:
    def rank(alert: AlertV1) -> tuple[str, float, str]:
        worth = value_of(alert, measure)
        return alert.due_at or "9", -(worth.amount if worth else 0.0), alert.alert_id

    return rank
