"""From a revision to the alert that is published: texts, drivers, deadlines, for all revisions of a signal at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, Final

import numpy as np

from models.alerts.episode import ARMS, NEVER_MS, Revision
from models.alerts.worth import AlertWorth, alert_worths
from models.calendar import date_of
from models.catalogue.rules import DAYS_OPEN, Rules, Signal
from models.catalogue.template import Template
from models.catalogue.terms import Value
from models.config import Number
from models.customers.arrays import Ints, Rows, among
from models.customers.columns import STAGE_NAMES
from models.customers.refusals import REASONS_OF
from models.measures.as_of import AsOf
from models.scoring.scoring import Scoring
from schemas.alert import AlertV1, Driver, ModelRef, alert_id, case_id
from schemas.event import EMAIL, TICKET
from schemas.instant import to_rfc3339
from schemas.model_version import MODEL_NAME

MAX_EVIDENCE: Final = 10
EVIDENCE_DAYS: Final = 30
"""Evidence reaches back as far as the longest window of the signals that have any."""
_LOST: Final = {
    name: Template(f"Lost after {{{DAYS_OPEN}|day|days}}: the customer counts as {name}.") for name in STAGE_NAMES
}
_EXPIRED: Final = Template(f"Expired after {{{DAYS_OPEN}|day|days}}: nothing ended it before.")
_OPTED_OUT: Final = Template(f"Over after {{{DAYS_OPEN}|day|days}}: the customer has opted out.")
_RETRACTED: Final = Template("Taken back: with all events of the day known, it did not hold.")
NOT_SAID: Final[Mapping[str, Any]] = {
    "stage": None,
    "threshold": None,
    "drivers": (),
    "value_at_risk": None,
    "corroborated_by": (),
    "model": None,
    "evidence": (),
    "arm": None,
}
"""Fields of an alert that tells of a feed, or is the last word on a customer of whom nothing is known any more."""
_AS_REVISED: Final = ("revision", "status", "severity", "owner", "score", "corroborated_by", "ended_because")
"""What an alert says as its revision has it."""


def one_a_customer(revisions: Iterable[Revision]) -> Iterator[list[Revision]]:
    """The revisions in the order of rows, so often that each customer is in each list once.

    A customer may have two: one that is taken back, and one that goes on.
    """
    left = sorted(revisions, key=attrgetter("row"))
    while left:
        taken = {one.row: one for one in reversed(left)}
        yield [*taken.values()][::-1]
        left = [] if len(taken) == len(left) else [one for one in left if taken[one.row] is not one]


class AlertFacts:
    """What a signal's alerts say beside the revisions, a list each, by revision; of values one by name."""

    __slots__ = ("drivers", "evidence", "holds", "scored_by", "thresholds", "values", "worth")

    def __init__(self, values: Mapping[str, list[Value]], thresholds: list[Value]) -> None:
        count = len(thresholds)
        self.values, self.thresholds = values, thresholds
        self.holds: list[bool] = [True] * count
        self.evidence: list[tuple[str, ...]] = [()] * count
        self.worth = [AlertWorth()] * count
        self.scored_by = [""] * count
        self.drivers: list[tuple[Driver, ...] | None] = [None] * count
        """Those of a score given at this very boundary, for signals that ask the model."""


class Writer:
    """Makes alerts of a catalogue's signals."""

    def __init__(self, rules: Rules, alerts_from_ms: int) -> None:
        self._rules, self._currency = rules, rules.basis.currency
        self._calendar = rules.basis.calendar
        self.alerts_from_ms = alerts_from_ms

    def write(
        self, signal: Signal, revisions: Sequence[Revision], as_of: AsOf, starts: Ints, scoring: Scoring | None
    ) -> list[AlertV1]:
        """The alerts of these revisions as of a boundary. `starts` is by row, and used for the time of writing."""
        found = []
        for some in one_a_customer(revisions):
            found += self._write(signal, some, as_of, starts, scoring)
        return found

    def _write(
        self, signal: Signal, revisions: Sequence[Revision], as_of: AsOf, starts: Ints, scoring: Scoring | None
    ) -> list[AlertV1]:
        """The same of revisions in the order of rows, one a customer."""
        rows = np.array([one.row for one in revisions], np.int32)
        before = starts[rows]
        starts[rows] = [one.start for one in revisions]
        values = {name: term.term.listed(as_of, rows, starts) for name, term in signal.values.items()}
        facts = AlertFacts(values, signal.score.threshold.term.listed(as_of, rows, starts))
        if any(one.status == "updated" for one in revisions):
            facts.holds = among(rows, signal.when.condition.where(as_of, rows, starts)).tolist()
        starts[rows] = before
        facts.evidence = _evidence(signal, as_of, rows)
        facts.worth = alert_worths(as_of, rows, scoring)
        if scoring is not None:
            facts.scored_by = [scoring.scored_by(one.row) for one in revisions]
            if signal.asks_model:
                facts.drivers = [scoring.explain(one.row) for one in revisions]
        return self.alerts(signal, revisions, as_of.customers.roster.ids_of(rows), as_of.boundary, facts)

    def alerts(
        self, signal: Signal, revisions: Sequence[Revision], customers: Sequence[str], boundary: int, facts: AlertFacts
    ) -> list[AlertV1]:
        """Alerts of one signal. What is fired early has no stage and no value at risk: the day's review adds them."""
        currency, respond_ms = self._currency, signal.respond_ms
        text_of = {start: self._calendar.text_of(start) for start in {one.start for one in revisions}}
        observed = [one.observed_ms for one in revisions]
        columns: dict[str, Iterable[Any]] = {
            **{name: repeat(value) for name, value in self._of_all(signal).items()},
            "alert_id": [
                alert_id(customer, signal.id, date_of(one.start))
                for customer, one in zip(customers, revisions, strict=True)
            ],
            **{name: map(attrgetter(name), revisions) for name in _AS_REVISED},
            "summary": self._summaries(signal, revisions, boundary, facts),
            "customer_id": customers,
            "stage": [STAGE_NAMES[one.stage] if one.stage else None for one in revisions],
            "starts_at": [text_of[one.start] for one in revisions],
            "observed_at": [to_rfc3339(at) for at in observed],
            "due_at": [None if respond_ms is None else to_rfc3339(owed_since(one) + respond_ms) for one in revisions],
            "ends_at": [None if one.ends_ms is None else to_rfc3339(one.ends_ms) for one in revisions],
            "threshold": [_number(value) for value in facts.thresholds],
            "drivers": _drivers(signal, facts),
            "clears_when": signal.clears_when.lines(facts.values, len(revisions), currency),
            **{name: [getattr(one, name) for one in facts.worth] for name in AlertWorth._fields},
            "case_id": [
                None if one.case is None else case_id(customer, signal.cause, date_of(one.case))
                for customer, one in zip(customers, revisions, strict=True)
            ],
            "intervention": [signal.intervention_for(may_contact=not one.refused) for one in revisions],
            "do_not_contact": [REASONS_OF[one.refused] for one in revisions],
            "arm": [ARMS[one.arm] for one in revisions],
            "model": _models(signal, facts),
            "evidence": facts.evidence,
            "historical": [at < self.alerts_from_ms for at in observed],
            **answers_of(revisions),
        }
        return list(map(AlertV1, *[columns[name] for name in _FIELDS]))

    def _of_all(self, signal: Signal) -> dict[str, str | None]:
        """What all alerts of a signal say alike."""
        return {
            "signal": signal.id,
            "polarity": signal.polarity,
            "playbook_url": signal.playbook_url,
            "catalogue": self._rules.hash,
        }

    def _summaries(
        self, signal: Signal, revisions: Sequence[Revision], boundary: int, facts: AlertFacts
    ) -> Sequence[str]:
        """What each revision says, filled template by template."""
        told: dict[str, list[int]] = {}
        for at, (one, holds) in enumerate(zip(revisions, facts.holds, strict=True)):
            told.setdefault(_sentence(signal, one, holds=holds).text, []).append(at)
        days_open: list[Value] = [boundary - one.start for one in revisions]
        columns = {**facts.values, DAYS_OPEN: days_open}
        found = [""] * len(revisions)
        for text, places in told.items():
            chosen = {name: [values[at] for at in places] for name, values in columns.items()}
            for at, summary in zip(places, Template(text).lines(chosen, len(places), self._currency), strict=True):
                found[at] = summary + _others(revisions[at]) + unanswered(revisions[at])
        return found


_FIELDS: Final = [name for name in AlertV1.__struct_fields__ if name != "schema_version"]


def _sentence(signal: Signal, one: Revision, *, holds: bool) -> Template:
    """What this revision says: the reason while the condition holds, later that it is still open, or that it is over.

    The summary is written for the moment it fires; with the numbers of a later day it may say what is no trouble.
    """
    match one.status:
        case "resolved":
            return _OPTED_OUT if one.ended_because == "opted_out" else signal.ended
        case "lost":
            return _LOST[STAGE_NAMES[one.stage or 0]]
        case "expired":
            return _EXPIRED
        case "retracted":
            return _RETRACTED
        case "updated" if not holds:
            return signal.later
        case _:
            return signal.summary


def _others(one: Revision) -> str:
    """Why it is critical; nothing once it is over."""
    others = one.corroborated_by
    return f" Critical: {' and '.join(others)} open as well." if others and one.ends_ms is None else ""


def unanswered(one: Revision) -> str:
    """That nobody has taken it on in time, and whose it is now; nothing once somebody has, or it is over."""
    if one.escalated_ms == NEVER_MS or one.acknowledged_ms != NEVER_MS or one.ends_ms is not None:
        return ""
    return " Nobody answered in time" + (f": escalated to {one.escalated_to}." if one.escalated_to else ".")


def answers_of(revisions: Sequence[Revision]) -> dict[str, list[Any]]:
    """Fields of alerts, a list each: who took each on and what came of it, and to whom it went where nobody did."""
    return {
        "acknowledged_at": [_moment(one.acknowledged_ms) for one in revisions],
        "acknowledged_by": [one.acknowledged_by or None for one in revisions],
        "outcome": [one.outcome or None for one in revisions],
        "escalated_at": [_moment(one.escalated_ms) for one in revisions],
        "escalated_to": [one.escalated_to or None for one in revisions],
        "snoozed_until": [_moment(one.snoozed_ms) for one in revisions],
    }


def owed_since(one: Revision) -> int:
    """Since when its answer is owed: as it was observed, or sent after a hold."""
    return one.observed_ms if one.sent_ms == NEVER_MS else one.sent_ms


def _moment(time_ms: int) -> str | None:
    return None if time_ms == NEVER_MS else to_rfc3339(time_ms)


def _models(signal: Signal, facts: AlertFacts) -> list[ModelRef | None]:
    """The model behind each, where there is one."""
    is_asked = signal.asks_model
    return [
        ModelRef(MODEL_NAME, version, cold=False) if is_asked or worth.value_basis == "expected" else None
        for version, worth in zip(facts.scored_by, facts.worth, strict=True)
    ]


def _drivers(signal: Signal, facts: AlertFacts) -> list[tuple[Driver, ...]]:
    """The measures compared, each with its share of the total relative deviation; of a new score what moved it."""
    count = len(facts.thresholds)
    columns: list[tuple[list[Number | None], list[Number | None]]] = [
        ([_number(value) for value in facts.values[d.value]],
         [_number(value) for value in facts.values[d.usual]] if d.usual else [None] * count)
        for d in signal.drivers
    ]  # fmt: skip
    weights = [[*map(_deviation, values, usuals)] for values, usuals in columns]
    totals = [sum(row) or 1.0 for row in zip(*weights, strict=True)]
    told = [
        [Driver(d.text, v, u, round(w / total, 3)) for v, u, w, total in zip(*column, weight, totals, strict=True)]
        for d, column, weight in zip(signal.drivers, columns, weights, strict=True)
    ]
    measured = [*zip(*told, strict=True)] or [()] * count
    return [own if moved is None else moved for own, moved in zip(measured, facts.drivers, strict=True)]


def _deviation(value: Number | None, usual: Number | None) -> float:
    """How far a value is from the customer's usual, relative to it; without a usual, 1 for anything but zero."""
    if value is None:
        return 0.0
    if not usual:
        return 1.0 if value else 0.0
    return abs(value - usual) / abs(usual)


def _number(value: Value) -> Number | None:
    return None if isinstance(value, str) else value


def _evidence(signal: Signal, as_of: AsOf, rows: Rows) -> list[tuple[str, ...]]:
    """The newest notes of each customer in the feeds that the condition reads; of one not declared nothing is known."""
    feeds = [feed for feed in (TICKET, EMAIL) if feed in signal.when.feeds and as_of.has(feed)]
    if not feeds:
        return [()] * len(rows)
    notes: dict[int, list[tuple[object, ...]]] = {}
    is_asked, first = as_of.customers.roster.flagged(rows), as_of.boundary - EVIDENCE_DAYS
    for feed in feeds:
        for row, _, note in as_of.customers.days.notes_of(feed, is_asked, first, as_of.boundary):
            notes.setdefault(row, []).append(note)
    return [newest(notes.get(row, [])) for row in rows.tolist()]


def newest(notes: Sequence[tuple[object, ...]]) -> tuple[str, ...]:
    """The ids of the newest notes, the oldest of them first."""
    return tuple(str(note[1]) for note in sorted(notes)[-MAX_EVIDENCE:])
