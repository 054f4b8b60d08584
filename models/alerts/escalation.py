"""Escalation: what nobody has acknowledged when its response time is over goes one step up, once.

At the first boundary behind `due_at` at which the alert is still open: one severity higher, and to whom the catalogue
says that its owner's work goes then. Only for trouble that somebody must answer; what is historical is nobody's duty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.alerts.episode import NEVER_MS, Revisions, SignalAlerts, revisions_at_hand
from models.catalogue.rules import Signal
from models.customers.arrays import Bools, Rows
from schemas.alert import AlertSeverity

CRITICAL: Final[AlertSeverity] = "critical"

RAISED: Final[Mapping[AlertSeverity, AlertSeverity]] = {
    "info": "warning",
    "warning": "error",
    "error": CRITICAL,
    CRITICAL: CRITICAL,
}
"""One step up."""


def can_escalate(signal: Signal) -> bool:
    """Whether somebody must answer its alerts within a time."""
    return signal.polarity == "negative" and signal.respond_ms is not None and not signal.has_left


def own_severity(of: SignalAlerts, place: int) -> AlertSeverity:
    """Of an open alert, whatever stands beside it: as the catalogue says, one step higher once it was escalated."""
    severity: AlertSeverity = of.signal.severity
    return RAISED[severity] if of.open.column("escalated_ms")[place] != NEVER_MS else severity


def escalate(
    alerts: Sequence[SignalAlerts],
    revisions: Mapping[str, Revisions],
    now_ms: int,
    within: tuple[int, int],
    *,
    alerts_from_ms: int,
    escalates_to: Mapping[str, str],
    is_seen: Callable[[Rows], Bools],
) -> None:
    """Escalate what is due among the rows from the first up to and without the second of `within`.

    Revisions about to be published are changed, others added. What begins at this very boundary waits for the next, as
    nobody could answer it yet, and so does what is held or snoozed. `now_ms`: the boundary. `escalates_to`: by owner.
    `is_seen`: of which rows anything is to be seen.
    """
    for of in alerts:
        if not can_escalate(of.signal) or not len(of.open):
            continue
        span, respond_ms = of.open.within(*within), of.signal.respond_ms or 0
        sent_ms = of.open.column("sent_ms")[span]
        is_due = (sent_ms != NEVER_MS) & (sent_ms + respond_ms <= now_ms)
        is_due &= of.open.column("observed_ms")[span] >= alerts_from_ms
        is_due &= of.open.column("acknowledged_ms")[span] == NEVER_MS
        is_due &= of.open.column("escalated_ms")[span] == NEVER_MS
        is_due &= is_seen(of.open.rows[span])
        if not is_due.any():
            continue
        waiting = {one.row for one in revisions[of.signal.id] if one.status == "firing"} | of.held.keys()
        waiting |= {row for row, until_ms in of.snoozed.items() if until_ms > now_ms}
        due = span.start + np.flatnonzero(is_due)
        due = due[[row not in waiting for row in of.open.rows[due].tolist()]]
        _escalate(of, revisions[of.signal.id], due, now_ms, escalates_to)


def _escalate(
    of: SignalAlerts, revisions: Revisions, places: NDArray[np.intp], now_ms: int, escalates_to: Mapping[str, str]
) -> None:
    table = of.open
    told = revisions_at_hand(of, revisions, places)
    table.column("escalated_ms")[places] = now_ms
    for one, place in zip(told, places.tolist(), strict=True):
        one.escalated_ms = now_ms
        one.escalated_to = table.column("escalated_to")[place] = escalates_to.get(one.owner, "")
        severity = CRITICAL if one.row in of.corroborated else own_severity(of, place)
        one.severity = table.column("severity")[place] = severity
