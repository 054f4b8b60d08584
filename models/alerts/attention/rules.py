"""The rules of attention: each says of a revision of an open alert whether it is held, and until when."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from models.alerts.attention.contacts import Contacts
from models.alerts.attention.feed_down import NOBODY, Unheard
from models.alerts.episode import HELD_OUT, Revision, SignalAlerts
from schemas.alert import AlertV1
from schemas.instant import to_rfc3339
from schemas.suppressed import Rule, SuppressedV1


class Held(NamedTuple):
    """Which rule holds a revision, and the instant at which it could pass, None where nobody knows."""

    rule: Rule
    passes_ms: int | None

    def record(self, at: str, alert: AlertV1) -> SuppressedV1:
        """What is on record of an alert that is held as of a boundary (RFC 3339 text)."""
        return SuppressedV1(self.rule, at, None if self.passes_ms is None else to_rfc3339(self.passes_ms), alert)


class Occasion(NamedTuple):
    """The boundary at which rules are asked, as an instant; who has opted out, was contacted, or may be unheard."""

    now_ms: int
    opted_out: frozenset[int]
    contacts: Contacts | None = None
    unheard: Unheard = NOBODY


AttentionRule = Callable[[SignalAlerts, Revision, Occasion], Held | None]
"""None: nothing against it."""


def opted_out(_of: SignalAlerts, one: Revision, occasion: Occasion) -> Held | None:
    """Of who has opted out nothing is sent, until they opt in."""
    return Held("opted_out", None) if one.row in occasion.opted_out else None


def held_out(_of: SignalAlerts, one: Revision, _occasion: Occasion) -> Held | None:
    """Of who is in the holdout of an experiment nothing of that alert is ever sent."""
    return Held("held_out", None) if one.arm == HELD_OUT else None


def snoozed(of: SignalAlerts, one: Revision, occasion: Occasion) -> Held | None:
    """While a snooze lasts, nothing of its signal is sent of the customer, but the word that it is snoozed."""
    until_ms = of.snoozed.get(one.row)
    if until_ms is None or until_ms <= occasion.now_ms or one.tells_snooze:
        return None
    return Held("snoozed", until_ms)


def feed_down(of: SignalAlerts, one: Revision, occasion: Occasion) -> Held | None:
    """An absence of which nobody was told is held while it may be the feed's, and not the customer's."""
    is_unheard = one.row in occasion.unheard.get(of.signal.id, ())
    return Held("feed_down", None) if is_unheard and not one.was_sent else None


def capped(of: SignalAlerts, one: Revision, occasion: Occasion) -> Held | None:
    """Who was suggested to be contacted lately is not so again by an alert that can wait."""
    passes_ms = None if occasion.contacts is None else occasion.contacts.passes_ms(of, one)
    return None if passes_ms is None else Held("capped", passes_ms)


RULES: Final[Sequence[AttentionRule]] = (opted_out, held_out, snoozed, feed_down, capped)
"""In this order; the first that holds a revision is the one that is told."""


def holding(of: SignalAlerts, one: Revision, occasion: Occasion) -> Held | None:
    """What holds a revision, None when nothing does."""
    for rule in RULES:
        held = rule(of, one, occasion)
        if held is not None:
            return held
    return None
