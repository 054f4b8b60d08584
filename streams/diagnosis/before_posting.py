"""What the brokers are asked before events are posted: would they be kept, lie right, and be in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from models.catalogue.rules import Rules
from models.config import Basis
from schemas.event import FEEDS
from schemas.instant import to_rfc3339
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.errors import SetupError
from streams.kafka.connection import connect
from streams.kafka.placing import USE_MURMUR2, look_at_placing
from streams.kafka.positions import newest_times
from streams.kafka.preflight import (
    raise_first,
    refuse_old_history,
    refuse_other_cleanup,
    refuse_partition_counts,
    retention_limits,
    topic_configs,
)
from streams.kafka.topic_reader import must_be_there
from streams.readback.decided import HiddenError, read_decided, until_ms
from streams.settings import Settings, variable_of
from streams.text.wording import counted

DENIED: Final = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})
"""What brokers answer a user who may write to a topic and not read it."""

Place = tuple[int, int]
"""Feed and partition."""


class Postable(Protocol):
    """What must be known of an event: its time, its feed and its key."""

    @property
    def time_ms(self) -> int:
        """Event time, epoch milliseconds."""

    @property
    def feed(self) -> int:
        """Its number in `FEEDS`."""

    @property
    def key(self) -> bytes:
        """The customer id."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Events of a feed in a partition that are older than `time_ms` are too late.

    `is_decided`: workers have decided so far; otherwise newer events lie there that they will take first.
    """

    time_ms: int
    is_decided: bool


@dataclass(frozen=True, slots=True)
class Late:
    """Events that would be too late: how many of how many, the oldest and the newest, and what the newest misses."""

    count: int
    of: int
    oldest_ms: int
    newest_ms: int
    place: Place
    limit: Limit

    def __str__(self) -> str:
        feed, partition = self.place
        why = "of what is decided" if self.limit.is_decided else "of the newer events that lie there already"
        return (
            f"{self.count:,} of {counted(self.of, 'event')} are too late, from {to_rfc3339(self.oldest_ms)} to "
            f"{to_rfc3339(self.newest_ms)}: because {why}, {FEEDS[feed]} events of partition {partition} count from "
            f"{to_rfc3339(self.limit.time_ms)} on"
        )


def look_before_posting(
    settings: Settings, rules: Rules, events: Sequence[Postable], at_ms: int, *, is_late_meant: bool
) -> Iterator[str]:
    """Yield what is worth saying before events are posted in the order of their times.

    Raises SetupError when a topic is missing, would delete them, is compacted or has another number of partitions, when
    what lies there was posted with another partitioner, and, unless it is meant, when some would be too late to count.
    """
    admin, cluster = connect(settings)
    refuse_lost_history(settings, admin, cluster, events, at_ms)
    newest = {event.feed: event.time_ms for event in events}
    try:
        yield from refuse_misplaced(settings, cluster)
        limits = late_limits(settings, rules, admin, newest)
    except (HiddenError, KafkaException) as error:
        if isinstance(error, KafkaException) and error.args[0].code() not in DENIED:
            raise
        yield _unknown(settings, error)
        return
    late = count_late(events, limits, settings.partitions)
    if late is None:
        return
    if not is_late_meant:
        raise SetupError(
            "event files",
            f"{late}",
            f"They would go to {Topics(settings.prefix).late} and count nowhere. Post history before anything newer: "
            f"all of it under another {variable_of('prefix')}; or say --late to post it as it is.",
        )
    yield f"warning: {late}. They go to {Topics(settings.prefix).late} and count nowhere."


def _unknown(settings: Settings, error: HiddenError | KafkaException) -> str:
    """What a user is told who may post, but not see what lies there or was decided."""
    names = Topics(settings.prefix, settings.app_version)
    why = error.args[0].str() if isinstance(error, KafkaException) else error
    return (
        f"warning: whether the events lie right and are in time is not known to this user ({why}). It takes the right "
        f"to read {', '.join((*names.events, names.changelog))}."
    )


def refuse_lost_history(
    settings: Settings, admin: AdminClient, cluster: ClusterMetadata, events: Iterable[Postable], at_ms: int
) -> None:
    """Raise SetupError when an event topic is missing, misfits, or would delete what is about to be posted."""
    names, oldest = Topics(settings.prefix), dict[str, int]()
    for event in events:
        name = names.event(event.feed)
        oldest[name] = min(event.time_ms, oldest.get(name, event.time_ms))
    must_be_there(cluster, oldest)
    configs = refuse_misfits(settings, admin, cluster)
    limits = retention_limits(settings, {name: configs[name] for name in oldest if name in configs})
    raise_first(refuse_old_history(limits, oldest, at_ms=at_ms))


def refuse_misfits(settings: Settings, admin: AdminClient, cluster: ClusterMetadata) -> dict[str, dict[str, str]]:
    """The brokers' settings of the event topics that are there, by topic.

    Raises SetupError when keys would lie elsewhere, as a topic has another number of partitions than it must have, or
    would replace each other, as an event topic is compacted.
    """
    present = [name for name in Topics(settings.prefix).events if name in cluster.topics]
    configs = topic_configs(admin, present)
    raise_first(chain(refuse_partition_counts(settings, cluster), refuse_other_cleanup(settings, configs)))
    return configs


def refuse_misplaced(settings: Settings, cluster: ClusterMetadata) -> Iterator[str]:
    """Yield a warning for each topic with misplaced records; raise SetupError where most are, or partitions came."""
    for found in look_at_placing(settings, cluster):
        if found.earlier is not None:
            raise SetupError(
                f"topic {found.topic}",
                f"{found.partitions} partitions, but its oldest records were placed for {found.earlier}: a customer's "
                "events would lie in two partitions",
                f"Partitions that were added cannot be used: post everything under another {variable_of('prefix')}.",
            )
        value = f"{found.misplaced} of {found.seen} recent records lie on a partition that is not their key's"
        if found.is_mostly_wrong:
            remedy = f"Post everything under another {variable_of('prefix')}: {USE_MURMUR2}."
            raise SetupError(f"topic {found.topic}", value, remedy)
        if found.misplaced:
            yield f"warning: topic {found.topic}: {value}: {USE_MURMUR2}. `dead-letters replay` mends them."


# -- in time


def late_limits(
    settings: Settings, rules: Rules, admin: AdminClient, coming_ms: Mapping[int, int]
) -> dict[Place, Limit]:
    """By feed and partition from which event time on an event counts that is posted now. Asks the brokers."""
    newest = _newest_times(settings, admin)
    return limits_of(rules.basis, until_ms(read_decided(settings)), newest, coming_ms, settings.partitions)


def limits_of(
    basis: Basis,
    decided_ms: Mapping[int, int],
    newest_ms: Mapping[Place, int],
    coming_ms: Mapping[int, int],
    partitions: int,
) -> dict[Place, Limit]:
    """From which event time on events count, by feed and partition; places where all do are left out.

    `decided_ms`: by partition the last boundary that was passed. `newest_ms`: the newest event time that lies in a
    place; `coming_ms`: the newest of each feed that will be posted. What lies there is taken first, and topics are read
    in step: so the clock of the partition goes as far as the slowest declared feed, but not further than the newest
    event of the feed itself, before anything behind that is taken. Events that are posted in the order of their times
    make none of each other late.
    """
    limits = {}
    for partition in range(partitions):
        slowest = min(max(newest_ms.get((feed, partition), -1), coming_ms.get(feed, -1)) for feed in basis.feeds)
        for feed in range(len(FEEDS)):
            clock_ms = min(slowest, newest_ms.get((feed, partition), -1)) - basis.disorder_ms
            coming = basis.calendar.start_of(basis.calendar.day_of(clock_ms)) if clock_ms >= 0 else -1
            decided = decided_ms.get(partition, -1)
            time_ms = max(decided, coming) - basis.lateness_ms
            if time_ms > 0:
                limits[feed, partition] = Limit(time_ms, is_decided=decided >= coming)
    return limits


def count_late(events: Iterable[Postable], limits: Mapping[Place, Limit], partitions: int) -> Late | None:
    """Count the events that would be too late; None when none would. One pass, a hash only where partitions differ."""
    some: dict[int, int] = {}
    for (feed, _), limit in limits.items():
        some[feed] = max(some.get(feed, 0), limit.time_ms)
    every = {feed: min(_time_of(limits, (feed, number)) for number in range(partitions)) for feed in some}
    total = count = 0
    oldest_ms, newest = 1 << 62, None
    for event in events:
        total += 1
        time_ms = event.time_ms
        if time_ms >= some.get(event.feed, 0):
            continue
        if time_ms >= every[event.feed] and time_ms >= _time_of(limits, _place_of(event, partitions)):
            continue
        count += 1
        oldest_ms = min(oldest_ms, time_ms)
        if newest is None or time_ms >= newest.time_ms:
            newest = event
    if newest is None:
        return None
    place = _place_of(newest, partitions)
    return Late(count, total, oldest_ms, newest.time_ms, place, limits[place])


def _place_of(event: Postable, partitions: int) -> Place:
    return event.feed, partition_of(event.key, partitions)


def _time_of(limits: Mapping[Place, Limit], place: Place) -> int:
    return limits[place].time_ms if place in limits else 0


def _newest_times(settings: Settings, admin: AdminClient) -> dict[Place, int]:
    """The newest event time of each feed and partition that holds any."""
    topics = Topics(settings.prefix).events
    places = [(topic, number) for topic in topics for number in range(settings.partitions)]
    return {(topics.index(topic), number): time_ms for (topic, number), time_ms in newest_times(admin, places).items()}
