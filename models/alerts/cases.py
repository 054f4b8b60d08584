"""Cases: open alerts of one customer that have one cause are one trouble, seen by several signals.

An alert that begins while another of its cause is open belongs to that one's case. Else it opens a case, together with
those that begin at the same boundary; the case is named by the first day of the earliest of them, and keeps that name
until its last alert has ended. Decided by reviews alone, so it follows from the events, whatever their order.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from models.alerts.episode import NO_EPISODE, Revision, Revisions, SignalAlerts
from models.customers.arrays import Ints, Rows


def join_cases(alerts: Sequence[SignalAlerts], revisions: Mapping[str, Revisions]) -> None:
    """Give those that began at this boundary their case: in the tables of open alerts, and in the revisions."""
    for members in _by_cause(alerts):
        new = [
            one
            for of in members
            for one in revisions[of.signal.id]
            if one.case is None and one.status != "retracted"  # what is taken back never was part of one
        ]
        if new:
            _join(members, new)


def _by_cause(alerts: Iterable[SignalAlerts]) -> list[list[SignalAlerts]]:
    found: dict[str, list[SignalAlerts]] = {}
    for of in alerts:
        found.setdefault(of.signal.cause, []).append(of)
    return [*found.values()]


def _join(members: Sequence[SignalAlerts], new: Sequence[Revision]) -> None:
    first: dict[int, int] = {}
    for one in new:
        first[one.row] = min(one.start, first.get(one.row, one.start))
    rows = np.array(sorted(first), np.int32)
    cases = _known(members, rows, np.array([first[row] for row in rows.tolist()], np.int32))
    _set(members, rows, cases)
    case_of = dict(zip(rows.tolist(), cases.tolist(), strict=True))
    for one in new:
        one.case = case_of[one.row]


def _known(members: Iterable[SignalAlerts], rows: Rows, otherwise: Ints) -> Ints:
    """By row the case that is open already, else what is given."""
    known = np.full(len(rows), NO_EPISODE, np.int32)
    for of in members:
        has = of.open.has(rows)
        known[has] = np.minimum(known[has], of.open.column("case")[of.open.places(rows[has])])
    return np.where(known == NO_EPISODE, otherwise, known)


def _set(members: Iterable[SignalAlerts], rows: Rows, cases: Ints) -> None:
    """Let open alerts that have no case yet have these."""
    for of in members:
        has = of.open.has(rows)
        places, column = of.open.places(rows[has]), of.open.column("case")
        is_new = column[places] == NO_EPISODE
        column[places[is_new]] = cases[has][is_new]
