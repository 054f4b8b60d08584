"""From a revision to the alert that is published: texts, drivers, deadlines, for all revisions of a signal at once."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from models.alerts.episode import Revision
from models.calendar import date_of
from models.catalogue.catalogue import DAYS_OPEN, Rules, Signal
from models.catalogue.expressions import Value
from models.catalogue.template import Template
from models.config import Number
from models.customers.arrays import Ints, Rows
from models.customers.columns import STAGE_NAMES
from models.measures.as_of import AsOf
from models.scoring.scoring import Scoring
from models.scoring.worth import worth_of
from schemas.alert import AlertV1, Driver, ModelRef, Money, Status, ValueBasis, alert_id
from schemas.event import EMAIL, TICKET
from schemas.instant import to_rfc3339
from schemas.model_version import MODEL_NAME

MAX_EVIDENCE: Final = 10
EVIDENCE_DAYS: Final = 30
"""Evidence reaches back as far as the longest window of the signals that have any."""
_EXPIRED: Final = Template(f"Expired after {{{DAYS_OPEN}|day|days}}: nothing ended it before.")
_RETRACTED: Final = Template("Taken back: with all events of the day known, it did not hold.")


class Facts:
    """What a signal's alerts say beside the revision, by revision."""

    __slots__ = ("drivers", "evidence", "holds", "scored_by", "thresholds", "values", "worth")

    def __init__(self, values: list[dict[str, Value]], thresholds: list[Value]) -> None:
        self.values, self.thresholds = values, thresholds
        self.holds: list[bool] = [True] * len(values)
        self.evidence: list[tuple[str, ...]] = [()] * len(values)
        self.worth: list[tuple[int, ValueBasis] | None] = [None] * len(values)
        self.scored_by = [""] * len(values)
        self.drivers: list[tuple[Driver, ...] | None] = [None] * len(values)
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
        """The alerts of these revisions as of a boundary. `starts` is by row, and used for the time of writing.

        A customer may have two: one that is taken back, and one that goes on.
        """
        found = []
        left = sorted(revisions, key=lambda one: one.row)
        while left:
            taken = {one.row: one for one in reversed(left)}
            found += self._write(signal, [taken[row] for row in sorted(taken)], as_of, starts, scoring)
            left = [one for one in left if taken[one.row] is not one]
        return found

    def _write(
        self, signal: Signal, revisions: Sequence[Revision], as_of: AsOf, starts: Ints, scoring: Scoring | None
    ) -> list[AlertV1]:
        """The same of revisions in the order of rows, one a customer."""
        rows = np.array([one.row for one in revisions], np.int32)
        before = starts[rows].copy()
        starts[rows] = [one.start for one in revisions]
        listed = {name: term.term.listed(as_of, rows, starts) for name, term in signal.values.items()}
        values = [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)] or [
            {} for _ in revisions
        ]
        facts = Facts(values, signal.score.threshold.term.listed(as_of, rows, starts))
        if any(one.status == "updated" for one in revisions):
            holds = as_of.customers.roster.flagged(signal.when.condition.where(as_of, rows, starts))
            facts.holds = holds[rows].tolist()
        facts.evidence = _evidence(signal, as_of, rows)
        if (amounts := worth_of(as_of, rows, scoring)) is not None:
            minor, is_expected = amounts
            facts.worth = [
                (amount, "expected" if by_model else "last_year")
                for amount, by_model in zip(minor.tolist(), is_expected.tolist(), strict=True)
            ]
        starts[rows] = before
        ids = as_of.customers.roster.ids
        if scoring is not None:
            facts.scored_by = [scoring.scored_by(one.row) for one in revisions]
            if signal.asks_model:
                facts.drivers = [scoring.explain(one.row) for one in revisions]
        return [self.alert(signal, one, ids[one.row], as_of.boundary, facts, at) for at, one in enumerate(revisions)]

    def alert(
        self, signal: Signal, one: Revision, customer_id: str, boundary: int, facts: Facts, at: int = 0
    ) -> AlertV1:
        """One alert. What is fired early has no stage and no value at risk: the day's review adds them."""
        values, worth = facts.values[at], facts.worth[at]
        threshold, drivers = facts.thresholds[at], facts.drivers[at]
        is_by_model = signal.asks_model or (worth is not None and worth[1] == "expected")
        text_of, currency = self._calendar.text_of, self._currency
        return AlertV1(
            alert_id=alert_id(customer_id, signal.id, date_of(one.start)),
            revision=one.revision,
            status=one.status,
            signal=signal.id,
            polarity=signal.polarity,
            severity=one.severity,
            summary=_sentence(signal, one.status, holds=facts.holds[at]).filled(
                {**values, DAYS_OPEN: boundary - one.start}, currency
            )
            + _others(one),
            customer_id=customer_id,
            stage=None if one.stage is None else STAGE_NAMES[one.stage],
            owner=one.owner,
            intervention=signal.intervention,
            playbook_url=signal.playbook_url,
            starts_at=text_of(one.start),
            observed_at=to_rfc3339(one.observed_ms),
            due_at=None if signal.respond_ms is None else to_rfc3339(one.observed_ms + signal.respond_ms),
            ends_at=None if one.ends_ms is None else to_rfc3339(one.ends_ms),
            score=one.score,
            threshold=None if isinstance(threshold, str) else threshold,
            drivers=_drivers(signal, values) if drivers is None else drivers,
            clears_when=signal.clears_when.filled(values, currency),
            value_at_risk=None if worth is None else Money(worth[0] / 100, currency),
            value_basis=None if worth is None else worth[1],
            corroborated_by=one.corroborated_by,
            model=ModelRef(MODEL_NAME, facts.scored_by[at], cold=False) if is_by_model else None,
            catalogue=self._rules.hash,
            evidence=facts.evidence[at],
            arm=None,
            historical=one.observed_ms < self.alerts_from_ms,
        )


def _sentence(signal: Signal, status: Status, *, holds: bool) -> Template:
    """What this revision says: the reason while the condition holds, later that it is still open, or that it is over.

    The summary is written for the moment it fires; with the numbers of a later day it may say what is no trouble.
    """
    match status:
        case "resolved":
            return signal.ended
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


def _drivers(signal: Signal, values: Mapping[str, Value]) -> tuple[Driver, ...]:
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


def _number(value: Value) -> Number | None:
    return None if isinstance(value, str) else value


def _evidence(signal: Signal, as_of: AsOf, rows: Rows) -> list[tuple[str, ...]]:
    """The newest notes of each customer in the feeds that the condition reads."""
    feeds = [feed for feed in (TICKET, EMAIL) if feed in signal.when.feeds]
    if not feeds:
        return [()] * len(rows)
    is_asked = as_of.customers.roster.flagged(rows)
    notes: dict[int, list[tuple[object, ...]]] = {}
    for feed in feeds:
        for row, _, note in as_of.customers.days.notes_of(
            feed, is_asked, as_of.boundary - EVIDENCE_DAYS, as_of.boundary
        ):
            notes.setdefault(row, []).append(note)
    return [newest(notes.get(row, [])) for row in rows.tolist()]


def newest(notes: Sequence[tuple[object, ...]]) -> tuple[str, ...]:
    """The ids of the newest notes, the oldest of them first."""
    return tuple(str(note[1]) for note in sorted(notes)[-MAX_EVIDENCE:])
