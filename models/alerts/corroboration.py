"""Corroboration: alerts of severity error, open at once and resting on different evidence, make each other critical.

Two signals that read the same feed mostly see the same thing twice; a silence in purchases beside a wave of tickets is
two things. What the model says counts as purchases: those it predicts, and on those it mostly rests.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from models.alerts.episode import NEVER_MS, Revisions, SignalAlerts, revision_at_hand
from models.alerts.escalation import CRITICAL, RAISED, can_escalate, own_severity
from models.alerts.outages import signals_of_feeds
from models.catalogue.rules import Rules, Signal
from models.config import Basis
from models.customers.arrays import Rows
from models.measures.daily import ALL_FEEDS
from models.measures.scalars import RISK, STAGE
from schemas.alert import AlertSeverity
from schemas.event import PURCHASE

Witnesses = Mapping[str, frozenset[str]]
"""By signal, those that corroborate it; no entry for a signal that none can."""


def witnesses_of(rules: Rules) -> Witnesses:
    """Which signals of a catalogue corroborate which."""
    errors = [signal for signal in rules.signals if signal.polarity == "negative" and signal.severity == "error"]
    evidence = {signal.id: feeds for signal in errors if (feeds := _evidence(signal, rules.basis))}
    found = {
        one: frozenset(other for other, feeds in evidence.items() if not feeds & evidence[one]) for one in evidence
    }
    return {one: others for one, others in found.items() if others}


def severities(rules: Rules) -> list[tuple[str, AlertSeverity]]:
    """Every signal, that of feeds among them, with every severity that its alerts can have."""
    signals = (*rules.signals, *signals_of_feeds(rules))
    own = [(signal.id, signal.severity) for signal in signals]
    escalated = [(signal.id, RAISED[signal.severity]) for signal in signals if can_escalate(signal)]
    return [*dict.fromkeys([*own, *escalated, *((one, CRITICAL) for one in witnesses_of(rules))])]


def _evidence(signal: Signal, basis: Basis) -> frozenset[int]:
    """The feeds that its condition reads; for how long the customer is known is no evidence."""
    by_stage = {PURCHASE} if basis.lifecycle.silence == "purchase" else {*basis.feeds}
    meant = {RISK: {PURCHASE}, STAGE: by_stage, ALL_FEEDS: {*basis.feeds}}
    return frozenset(feed for what in signal.when.feeds for feed in meant.get(what, {what}) if feed >= 0)


def corroborate(
    alerts: Sequence[SignalAlerts],
    witnesses: Witnesses,
    revisions: Mapping[str, Revisions],
    rows: Rows,
    doubted: Mapping[str, Collection[int]],
) -> None:
    """Raise to critical who is corroborated from now on, and take back who no longer is, in one revision each.

    `rows`: customers of whom any alert changed. Revisions about to be published are changed, others added. `doubted`:
    by signal, rows of whom nobody is told as a feed is down: that is no evidence yet, unless it was sent before.
    """
    concerned = [of for of in alerts if of.signal.id in witnesses or of.corroborated]
    if not len(rows) or not concerned:
        return
    is_open = np.stack([of.open.has(rows) for of in concerned])
    was_raised = np.array([any(row in of.corroborated for of in concerned) for row in rows.tolist()], np.bool_)
    for at in np.flatnonzero((is_open.sum(axis=0) > 1) | was_raised).tolist():
        _weigh(
            int(rows[at]),
            [of for of, found in zip(concerned, is_open[:, at], strict=True) if found],
            witnesses,
            revisions,
            doubted,
        )


def _weigh(
    row: int,
    alerts: Sequence[SignalAlerts],
    witnesses: Witnesses,
    revisions: Mapping[str, Revisions],
    doubted: Mapping[str, Collection[int]],
) -> None:
    """Weigh one customer's open alerts against each other."""
    sure = {
        of.signal.id
        for of in alerts
        if row not in doubted.get(of.signal.id, ()) or _was_sent(of, row, revisions[of.signal.id])
    }
    for of in alerts:
        signal = of.signal
        found = tuple(sorted(witnesses.get(signal.id, frozenset()) & sure)) if signal.id in sure else ()
        if found == of.corroborated.get(row, ()):
            continue
        if found:
            of.corroborated[row] = found
        else:
            del of.corroborated[row]
        place = of.open.place(row)
        assert place is not None  # it is open
        severity = of.open.column("severity")[place] = CRITICAL if found else own_severity(of, place)
        told = revision_at_hand(of, revisions[signal.id], place)
        told.severity, told.corroborated_by = severity, found


def _was_sent(of: SignalAlerts, row: int, revisions: Revisions) -> bool:
    """Whether anybody was told of an open alert before this boundary."""
    is_told = bool(of.open.column("sent_ms")[of.open.place(row)] != NEVER_MS)
    return is_told and not revisions.begins(row)
