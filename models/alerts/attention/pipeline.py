"""What is sent of a boundary, and what is held: releases first, then every revision through the rules.

1. A held alert that is still open and that nothing holds any more is told of; where another rule holds it now, that
   is told.
2. What was sent of somebody who has opted out ends; that end is the last word.
3. Each revision is sent, or held with its rule. The end of an alert that was sent always passes, so that nobody waits
   for it; of one that was never sent it is held.

An alert that is sent for the first time is `firing`, and its response time begins then.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from models.alerts.attention.contacts import can_wait
from models.alerts.attention.rules import Held, Occasion, holding
from models.alerts.cooling import close
from models.alerts.episode import (
    HELD_OUT,
    NEVER_MS,
    Revision,
    Revisions,
    SignalAlerts,
    revision_at_hand,
    revisions_at_hand,
    revisions_of,
)
from models.customers.refusals import OPTED_OUT


def held(alerts: Sequence[SignalAlerts], within: tuple[int, int]) -> set[int]:
    """The rows of those of whom an alert is held since a boundary before."""
    low, high = within
    return {row for of in alerts for row in of.held if low <= row < high}


def release(
    alerts: Iterable[SignalAlerts], revisions: Mapping[str, Revisions], within: tuple[int, int], occasion: Occasion
) -> None:
    """Tell of held alerts that nothing holds any more, or another rule, among some rows."""
    for of in alerts:
        for one, place in _held_among(of, within):
            reason = holding(of, one, occasion)
            if reason is None or reason.rule != of.held[one.row]:
                revision_at_hand(of, revisions[of.signal.id], place)


def _held_among(of: SignalAlerts, within: tuple[int, int]) -> list[tuple[Revision, int]]:
    """What is held among some rows and still open, but for experiments, as it would be told; and where it is."""
    low, high = within
    found = ((row, of.open.place(row)) for row in sorted(of.held) if low <= row < high)
    arms = of.open.column("arm")
    places = [place for _, place in found if place is not None and arms[place] != HELD_OUT]
    if not places:
        return []
    return [*zip(revisions_of(of, np.array(places), ["updated"] * len(places)), places, strict=True)]


def end_opted_out(
    alerts: Iterable[SignalAlerts],
    revisions: Mapping[str, Revisions],
    within: tuple[int, int],
    occasion: Occasion,
    boundary: int,
) -> set[int]:
    """End the alerts that were sent of customers who have opted out, among some rows; whose alerts ended."""
    low, high = within
    leaving = np.array(sorted(row for row in occasion.opted_out if low <= row < high), np.int32)
    ended: set[int] = set()
    for of in alerts:
        rows = leaving[of.open.has(leaving)]
        rows = rows[of.open.column("sent_ms")[of.open.places(rows)] != NEVER_MS]
        told = revisions[of.signal.id]
        rows = rows[[not told.begins(row) for row in rows.tolist()]]  # what begins now will be held
        places = of.open.places(rows)
        for one in revisions_at_hand(of, told, places):
            one.status, one.ends_ms, one.ended_because = "resolved", occasion.now_ms, "opted_out"
            of.held.pop(one.row, None)
        if len(rows):
            close(of, rows, places, boundary)
            ended.update(rows.tolist())
    return ended


def attend(of: SignalAlerts, revisions: Revisions, occasion: Occasion) -> list[tuple[Revision, Held]]:
    """Take out of the revisions of a signal those that are held; what is left is sent."""
    is_capped = occasion.contacts is not None and occasion.contacts.at and can_wait(of.signal)
    is_held = of.snoozed or of.held or of.signal.holdout or occasion.opted_out or of.signal.id in occasion.unheard
    if not (is_held or is_capped):  # as for most signals
        return []
    held: list[tuple[Revision, Held]] = []
    sent: list[Revision] = []
    for one in revisions:
        if one.row in occasion.opted_out:
            one.refused |= OPTED_OUT
        one.snoozed_ms = of.snoozed.get(one.row, NEVER_MS) if one.ends_ms is None else NEVER_MS
        reason = holding(of, one, occasion) if one.ends_ms is None else _held_at_end(of, one, occasion)
        if reason is None:
            _send(of, one, occasion.now_ms)
            sent.append(one)
        else:
            _hold(of, one, reason)
            held.append((one, reason))
    revisions[:] = sent
    return held


def _held_at_end(of: SignalAlerts, one: Revision, occasion: Occasion) -> Held | None:
    """An end is held when nobody was told of the alert, by what held it; it will not pass."""
    if one.status == "retracted":
        return None
    rule, now = of.held.pop(one.row, None), holding(of, one, occasion)
    found = rule or (None if now is None else now.rule)
    return None if found is None or one.was_sent else Held(found, None)


def _hold(of: SignalAlerts, one: Revision, reason: Held) -> None:
    """Keep a revision back; an alert of which nobody was told has no time since when its answer is owed."""
    if one.ends_ms is None:
        of.held[one.row] = reason.rule
        if not one.was_sent:
            _owe_since(of, one, NEVER_MS)


def _send(of: SignalAlerts, one: Revision, now_ms: int) -> None:
    """A revision passes. After a hold its answer is owed anew; who hears of an alert for the first time is told so."""
    if one.ends_ms is not None:  # nothing is held of it any more, snoozed at this very boundary or not
        return
    if of.held.pop(one.row, None) is not None:
        if not one.was_sent:
            one.status = "firing"
        _owe_since(of, one, now_ms)
    if one.tells_snooze:
        of.held[one.row] = "snoozed"


def _owe_since(of: SignalAlerts, one: Revision, time_ms: int) -> None:
    place = of.open.place(one.row)
    assert place is not None  # it is open
    one.sent_ms = of.open.column("sent_ms")[place] = time_ms
