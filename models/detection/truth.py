"""What is truly so about a synthetic customer: what changes in its life, when, and which signals should show it.

A signal *applies* to a customer from the day of the change until the interval ends: an alert inside is right,
one outside is a false alarm. It is *expected* of those whose life gives the signal's definition anything to go by (a
fall of use cannot show where there was hardly any); only they count for recall.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec

from models.calendar import DAY_MS

What = Literal["leaves", "buys_once", "stalls", "complains", "refuses_mail", "hops_channels", "is_confused", "returns"]
"""What can change in a synthetic life."""


class Facts(NamedTuple):
    """What a life holds around a change, counted from what was made up, not from what the engine saw of it."""

    purchases: int
    """Before the change."""
    recent_purchases: int
    """In the 30 days before it."""
    spend: float
    """Before it."""
    active_days: int
    """Days with a login or purchase among the 56 before it."""
    early_days: int
    """The same on the two days after the day of the change."""
    tickets: int
    """Opened in the 7 days from it on."""
    channels: int
    """On which those were opened."""
    same_trouble: int
    """Most tickets of one category among complaint, billing and delivery in the 14 days from it on."""


class Shows(NamedTuple):
    """A change shows in a signal within so many days; it is expected of customers who `fit` (`whom`: in words)."""

    signal: str
    within_days: int
    fits: Callable[[Facts], bool]
    whom: str


ALL: Final = "everyone"

SHOWN_BY: Final[dict[What, tuple[Shows, ...]]] = {
    "leaves": (
        Shows("usage_drop", 60, lambda at: at.active_days >= 17, "active on 17 of the 56 days before"),
        Shows("purchase_drop_and_silence", 60, lambda at: at.recent_purchases >= 3, "3 purchases in 30 days before"),
        Shows("loyal_gone_silent", 120, lambda at: at.purchases >= 4, "4 or more purchases before"),
        Shows("dormant_high_value", 75, lambda at: at.spend >= 300, "spent 300 or more before"),
    ),
    "buys_once": (
        Shows("onboarding_drop", 30, lambda at: at.early_days == 0, "not seen on the two days after"),
        Shows("first_purchase_only", 121, lambda _: True, ALL),
    ),
    "stalls": (Shows("onboarding_drop", 30, lambda _: True, ALL),),
    "complains": (
        Shows("support_spike", 14, lambda at: at.tickets >= 3, "3 or more tickets in 7 days"),
        Shows("repeated_complaints", 21, lambda at: at.same_trouble >= 2, "2 or more tickets of one trouble"),
        Shows("channel_friction", 14, lambda at: at.channels >= 2, "2 or more channels"),
    ),
    "hops_channels": (
        Shows("channel_friction", 14, lambda at: at.channels >= 2, ALL),
        Shows("support_spike", 14, lambda at: at.tickets >= 3, "3 or more tickets in 7 days"),
        Shows("repeated_complaints", 21, lambda at: at.same_trouble >= 2, "2 or more tickets of one trouble"),
    ),
    "refuses_mail": (Shows("unsubscribed", 2, lambda _: True, ALL),),
    "is_confused": (Shows("price_confusion", 14, lambda _: True, ALL),),
    "returns": (Shows("reactivated", 30, lambda _: True, ALL),),
}
"""The declared truth: what each change shows in. A signal that stands nowhere here is counted, but not judged."""

LEAVING: Final[frozenset[What]] = frozenset(("leaves", "buys_once", "stalls"))
"""Changes after which nothing more is bought."""


class Sign(msgspec.Struct, frozen=True):
    """One signal that applies to a customer, from the change on until the interval ends."""

    signal: str
    from_ms: int
    until_ms: int
    is_expected: bool
    what: What

    def is_shown_by(self, signal: str, at_ms: int) -> bool:
        """Whether an alert of the signal at that time is right."""
        return signal == self.signal and self.from_ms <= at_ms <= self.until_ms


class Truth(msgspec.Struct, frozen=True):
    """What is known about a synthetic customer and to be found out from its events.

    `turns_at_ms`: when its kind begins to show, None for one that never turns. `leaves_at_ms`: after it nothing is
    bought for good or for a long time. `active_days`: days with a login or a purchase.
    """

    customer_id: str
    kind: str
    begins_at_ms: int
    turns_at_ms: int | None
    leaves_at_ms: int | None
    events: int
    active_days: int
    signs: tuple[Sign, ...] = ()


def signs_of(what: What, at_ms: int, facts: Facts) -> list[Sign]:
    """The signals that apply to a change, with their intervals.

    >>> [(sign.signal, sign.is_expected) for sign in signs_of("stalls", 0, Facts(0, 0, 0.0, 1, 0, 0, 0, 0))]
    [('onboarding_drop', True)]
    """
    return [
        Sign(shows.signal, at_ms, at_ms + shows.within_days * DAY_MS, shows.fits(facts), what)
        for shows in SHOWN_BY[what]
    ]
