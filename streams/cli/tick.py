"""`churn-signals tick [--at T]`: post the time, as data, to every partition."""

from __future__ import annotations

from typing import Final

import click
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.admin._metadata import ClusterMetadata

from schemas.codec import MAX_AHEAD_MS
from schemas.event import FEEDS
from schemas.instant import to_rfc3339
from schemas.tick import Tick, encode_tick
from schemas.topics import Topics
from streams.cli.instant import INSTANT
from streams.clock import now_ms
from streams.errors import SetupError
from streams.kafka import connect
from streams.poster import Poster
from streams.settings import Settings, environment_settings

WITHIN_S: Final = 15.0
"""How long the brokers may take to tell the end offsets, and to take the ticks."""


@click.command(epilog="\b\nExample:\n  churn-signals tick --at 2026-03-01T00:00:00Z")
@click.option("--at", "at_ms", type=INSTANT, metavar="T", help="The time to post (RFC 3339); now without it.")
def tick(*, at_ms: int | None) -> None:
    """Post the time to every partition, with every feed declared idle up to its present end.

    A partition takes the time from a tick only for feeds it has read up to the stated end: no backlog is cut short.
    """
    settings = environment_settings()
    present_ms = now_ms()
    posted_ms = present_ms if at_ms is None else at_ms
    if posted_ms > present_ms + MAX_AHEAD_MS:
        value = f"{to_rfc3339(posted_ms)} has not come yet, by this machine's clock it is {to_rfc3339(present_ms)}"
        raise SetupError("--at", value, "Workers refuse such a tick; `replay --until` shows what time would bring.")
    count = post_ticks(settings, posted_ms)
    click.echo(f"posted {to_rfc3339(posted_ms)} to {count} partitions")


def post_ticks(settings: Settings, at_ms: int) -> int:
    """Post one tick to each partition and return their number once all are acknowledged. Raises SetupError."""
    names = Topics(settings.prefix)
    admin, cluster = connect(settings)
    ends = _ends(admin, cluster, names)
    poster = Poster(settings)
    partitions = sorted(cluster.topics[names.ticks].partitions)
    for partition in partitions:
        idle = {feed: ends[names.event(number), partition] for number, feed in enumerate(FEEDS)}
        poster.send(names.ticks, None, encode_tick(Tick(now_ms=at_ms, idle=idle)), partition=partition)
    poster.finish(f"topic {names.ticks}", within_s=WITHIN_S)
    return len(partitions)


def _ends(admin: AdminClient, cluster: ClusterMetadata, names: Topics) -> dict[tuple[str, int], int]:
    """Return the end offset of every partition of the event topics."""
    for name in (names.ticks, *names.events):
        if name not in cluster.topics:
            raise SetupError(f"topic {name}", "missing", "Run: churn-signals topics create.")
    counts = {name: len(cluster.topics[name].partitions) for name in (names.ticks, *names.events)}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise SetupError("partitions", f"differ: {told}", "Run: churn-signals topics check.")
    end = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # published without its type
    latest = {
        TopicPartition(name, partition): end for name in names.events for partition in cluster.topics[name].partitions
    }
    asked = admin.list_offsets(latest, request_timeout=WITHIN_S)
    return {(str(where.topic), where.partition): future.result(WITHIN_S).offset for where, future in asked.items()}
