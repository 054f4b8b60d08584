"""What the partition records say: how many distinct offsets had which outcome."""

from __future__ import annotations

from models.engine.ledger import OUTCOMES, Ledger, total_counts
from schemas.event import FEEDS
from streams.settings import Settings
from streams.snapshot import partition_state, read_state
from support.workers import Deployment


def states_of(deployment: Deployment) -> dict[int, Ledger]:
    """What every partition knows of itself, from the changelog."""
    settings = Settings(
        bootstrap=deployment.broker.bootstrap, prefix=deployment.prefix, partitions=deployment.partitions
    )
    found = {number: partition_state(restored) for number, restored in read_state(settings).items()}
    return {number: state for number, state in found.items() if state is not None}


def outcomes_of(deployment: Deployment) -> dict[str, dict[str, int]]:
    """Outcomes by topic."""
    counts = total_counts(states_of(deployment).values())
    return {deployment.topics.event(feed): counts[name] for feed, name in enumerate(FEEDS)}


def totals_of(deployment: Deployment) -> dict[str, int]:
    """Outcomes of all topics together."""
    counts = outcomes_of(deployment).values()
    return {outcome: sum(count[outcome] for count in counts) for outcome in OUTCOMES}
