"""What the partition records say: how many distinct offsets had which outcome."""

from __future__ import annotations

from models.engine.ledger import OUTCOMES, total_counts
from models.engine.partition import Partition
from schemas.event import FEEDS
from streams.files.catalogue_file import load_rules
from streams.readback.state import read_partitions
from streams.settings import load_settings, variable_of
from support.workers import Deployment


def partitions_of(deployment: Deployment) -> dict[int, Partition]:
    """The partitions, from the changelog and the events since."""
    settings = load_settings({variable_of(name): value for name, value in deployment.settings.items()})
    return read_partitions(settings, load_rules(settings))


def outcomes_of(deployment: Deployment) -> dict[str, dict[str, int]]:
    """Outcomes by topic."""
    counts = total_counts(partition.ledger for partition in partitions_of(deployment).values())
    return {deployment.topics.event(feed): counts[name] for feed, name in enumerate(FEEDS)}


def totals_of(deployment: Deployment) -> dict[str, int]:
    """Outcomes of all topics together."""
    counts = outcomes_of(deployment).values()
    return {outcome: sum(count[outcome] for count in counts) for outcome in OUTCOMES}
