"""The cap: whatever its signals say, a customer is suggested to be contacted at most once in some days.

Of several alerts that would be sent at one boundary the most urgent is: by severity, then by the priority of the
signal, then by its id. What is at stake is the customer's, so it does not tell alerts of one customer apart. Critical
alerts and those of announced signals never wait, and keep others back as any suggestion does; what was fired early
counts as of the midnight behind it, also where that takes it back.

What waits is told anew, with the new instant, whenever that moves: it is held once more.
"""

from collections.abc import Mapping, Sequence

from models.alerts.attention.contacts import can_wait, contacts
from models.alerts.attention.rules import Occasion, holding
from models.alerts.episode import Revision, Revisions, SignalAlerts, revision_at_hand
from models.alerts.escalation import CRITICAL
from models.catalogue.rules import Signal
from schemas.alert import URGENCY, AlertSeverity

Urgency = tuple[int, int, str]


def urgency(signal: Signal, severity: AlertSeverity) -> Urgency:
    """The order of alerts of one customer, the most urgent first; no two are alike."""
    return URGENCY[severity], -signal.priority, signal.id


def choose(
    alerts: Sequence[SignalAlerts], revisions: Mapping[str, Revisions], occasion: Occasion, boundary: int
) -> None:
    """Say which customers are contacted at a boundary, and because of which revision; what waits on is held anew.

    Before it, what waits is what the contacts of earlier boundaries keep back; behind it, what those of this one do.
    """
    known = occasion.contacts
    if known is None or not known.days:
        return
    waiting: dict[int, list[Urgency]] = {}
    at_once: set[int] = set()
    for of in alerts:
        if not contacts(of.signal):
            continue
        for one in revisions[of.signal.id]:
            was_early = one.confirms or one.status == "retracted"
            if not (was_early or _is_heard_now(of, one, occasion)) or not known.is_suggestion(one):
                continue
            if was_early or one.severity == CRITICAL or not can_wait(of.signal):
                at_once.add(one.row)
            else:
                waiting.setdefault(one.row, []).append(urgency(of.signal, one.severity))
    for row in at_once:
        known.note(row, boundary, None)
    for row in waiting.keys() - at_once:
        known.note(row, boundary, min(waiting[row])[-1])
    _hold_on(alerts, revisions, at_once | waiting.keys())


def _is_heard_now(of: SignalAlerts, one: Revision, occasion: Occasion) -> bool:
    """Whether a revision is the first that anybody hears of its alert, unless others are more urgent."""
    return not one.was_sent and one.ends_ms is None and holding(of, one, occasion) is None


def _hold_on(alerts: Sequence[SignalAlerts], revisions: Mapping[str, Revisions], contacted: set[int]) -> None:
    """Tell of what the cap holds of these customers, so that it is held until the new instant."""
    for of in alerts if contacted else ():
        for row in sorted(contacted & of.held.keys()):
            place = of.open.place(row)
            if of.held[row] == "capped" and place is not None:
                revision_at_hand(of, revisions[of.signal.id], place)
