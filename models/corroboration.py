"""Corroboration: alerts of severity error, open at once and resting on different evidence, make each other critical.

Two signals that read the same feed mostly see the same thing twice; a silence in purchases beside a wave of tickets is
two things. What the model says counts as purchases: those it predicts, and on those it mostly rests.
"""

from collections.abc import Mapping
from typing import Final

from models.config import Basis
from models.signals.catalogue import Rules, Signal
from models.signals.measures import ALL_FEEDS, RISK, STAGE
from schemas.alert import AlertSeverity
from schemas.event import PURCHASE

CRITICAL: Final[AlertSeverity] = "critical"

Witnesses = Mapping[str, frozenset[str]]
"""By signal, those that corroborate it; no entry for a signal that none can."""


def witnesses_of(rules: Rules) -> Witnesses:
    """Which signals of a catalogue corroborate which."""
    grave = [signal for signal in rules.signals if signal.polarity == "negative" and signal.severity == "error"]
    evidence = {signal.id: feeds for signal in grave if (feeds := _evidence(signal, rules.basis))}
    found = {
        one: frozenset(other for other, feeds in evidence.items() if not feeds & evidence[one]) for one in evidence
    }
    return {one: others for one, others in found.items() if others}


def severity_of(signal: Signal, corroborated_by: tuple[str, ...]) -> AlertSeverity:
    """The severity of an open alert."""
    return CRITICAL if corroborated_by else signal.severity


def severities(rules: Rules) -> list[tuple[str, AlertSeverity]]:
    """Every signal with every severity that its alerts can have."""
    return [(signal.id, signal.severity) for signal in rules.signals] + [(one, CRITICAL) for one in witnesses_of(rules)]


def _evidence(signal: Signal, basis: Basis) -> frozenset[int]:
    """The feeds that its condition reads; for how long the customer is known is no evidence."""
    by_stage = {PURCHASE} if basis.lifecycle.silence == "purchase" else {*basis.feeds}
    meant = {RISK: {PURCHASE}, STAGE: by_stage, ALL_FEEDS: {*basis.feeds}}
    return frozenset(feed for what in signal.when.feeds for feed in meant.get(what, {what}) if feed >= 0)
