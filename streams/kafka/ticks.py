"""Ticks that a command posts: the time, or how far the events go that were posted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from confluent_kafka.admin import AdminClient, ClusterMetadata

from schemas.event import FEEDS
from schemas.tick import Tick, encode_tick
from schemas.topics import Topics
from streams.errors import SetupError
from streams.kafka.connection import connect
from streams.kafka.log_reader import Place
from streams.kafka.positions import latest_offsets
from streams.kafka.poster import Poster
from streams.kafka.topic_reader import must_be_there
from streams.settings import Settings

WITHIN_S: Final = 15.0
"""How long the brokers may take to take the ticks."""


def post_ticks(settings: Settings, at_ms: int) -> int:
    """Post one tick to each partition, for every feed up to its present end; return the number of partitions.

    Returns once all are acknowledged. Raises SetupError.
    """
    return _post(settings, [(at_ms, range(len(FEEDS)))])


def post_ends(settings: Settings, newest_ms: Mapping[int, int]) -> int:
    """Tell every partition how far the events go that were posted (`newest_ms`, by feed); the number of partitions.

    A partition whose own customers were silent at the end, or that has none, then comes as far as the others, as in a
    replay. No feed is moved beyond its own newest event, and what is newer may still come. Raises SetupError.
    """
    return _post(settings, [(time_ms, (feed,)) for feed, time_ms in sorted(newest_ms.items())])


def _post(settings: Settings, ticks: Sequence[tuple[int, Iterable[int]]]) -> int:
    """Post ticks, each a time and the feeds it is told of, to every partition."""
    names = Topics(settings.prefix)
    admin, cluster = connect(settings)
    ends = _ends(admin, cluster, names)
    poster = Poster(settings)
    partitions = sorted(cluster.topics[names.ticks].partitions)
    for partition in partitions:
        for time_ms, feeds in ticks:
            tick = Tick(time_ms, {FEEDS[feed]: ends[names.event(feed), partition] for feed in feeds})
            poster.send(names.ticks, None, encode_tick(tick), partition=partition)
    poster.finish(f"topic {names.ticks}", within_s=WITHIN_S)
    return len(partitions)


def _ends(admin: AdminClient, cluster: ClusterMetadata, names: Topics) -> dict[Place, int]:
    """Return the end offset of every partition of the event topics."""
    must_be_there(cluster, (names.ticks, *names.events))
    counts = {name: len(cluster.topics[name].partitions) for name in (names.ticks, *names.events)}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise SetupError("partitions", f"differ: {told}", "Run: churn-signals topics check.")
    return latest_offsets(
        admin, [(name, number) for name in names.events for number in cluster.topics[name].partitions]
    )
