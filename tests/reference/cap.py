"""The cap: one suggestion to contact a customer in so many days, and which of several that is."""

from collections.abc import Iterable
from typing import NamedTuple

from models.catalogue.rules import Signal
from reference.telling import Episode

GRAVITY = ("critical", "error", "warning", "info")


class Suggestion(NamedTuple):
    """An alert that would be sent for the first time."""

    signal: Signal
    episode: Episode


def asks_for_contact(signal: Signal, episode: Episode, alerts_from_ms: int) -> bool:
    """Whether somebody is to write to or call the customer because of it; nobody is because of what is historical."""
    is_allowed = signal.contacts_customer and not episode.refused
    return signal.polarity == "negative" and is_allowed and episode.observed_ms >= alerts_from_ms


def may_wait(signal: Signal, episode: Episode) -> bool:
    """What is critical does not, nor what would be announced at once."""
    return episode.severity != "critical" and signal.announced_feed is None


def most_urgent(among: Iterable[Suggestion]) -> Suggestion:
    """The gravest; of those the one of the highest priority; of those the first by name."""
    by_name = sorted(among, key=lambda one: one.signal.id)
    by_priority = sorted(by_name, key=lambda one: one.signal.priority, reverse=True)
    return min(by_priority, key=lambda one: GRAVITY.index(one.episode.severity))
