"""What `doctor` looks at, one function a subject: each yields what it saw, good or bad."""

from __future__ import annotations

import platform
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException, TopicCollection, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource

from schemas.codec import MAX_AHEAD_MS
from schemas.partitioner import partition_of
from schemas.topics import DAY_MS, Topics
from streams.catalogue_file import load_rules
from streams.clock import now_ms
from streams.diagnosis_programs import look_at_programs
from streams.errors import SetupError
from streams.kafka import answered, connect
from streams.look import first_records, newest_records
from streams.observation import Level, Observation
from streams.preflight import examine, retention_limits, specs, topic_configs
from streams.settings import Settings, variable_of
from streams.wording import counted

PACKAGES: Final = ("churn-signals", "faust-streaming", "aiokafka", "confluent-kafka")

SAMPLE: Final = 5
"""Records looked at in each partition: enough to see a wrong partitioner, which is wrong for nearly every key."""

LITTLE_DISK_BYTES: Final = 1_000_000_000


def diagnose(settings: Settings) -> Iterator[Observation]:
    """Yield everything worth knowing. An unreachable broker ends it, as its last line."""
    yield from _versions()
    yield from _disk()
    try:
        admin, cluster = connect(settings)
    except SetupError as error:
        yield Observation("broker", "problem", str(error))
        return
    yield from _broker(settings, admin, cluster)
    findings = list(examine(settings, admin, cluster))
    yield from (Observation("topics", "problem", str(finding)) for finding in findings)
    names = [spec.name for spec in specs(settings) if spec.name in cluster.topics]
    if not findings:
        yield Observation("topics", "ok", f"all {len(names)} there, {counted(settings.partitions, 'partition')} each")
    yield from _retention(settings, admin, names)
    if names:
        yield from _permissions(settings, admin, names)
        yield from _records(settings, cluster)
        yield from _feeds(settings, cluster)
    yield from look_at_programs(settings, admin, names)


def _versions() -> Iterator[Observation]:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield Observation("versions", "ok", f"{packages}, librdkafka {libversion()[0]}, Python {platform.python_version()}")


def _disk() -> Iterator[Observation]:
    free = shutil.disk_usage(Path.cwd()).free
    level: Level = "ok" if free >= LITTLE_DISK_BYTES else "warning"
    yield Observation(
        "disk", level, f"{free / 1e9:.1f} GB free here; the worker keeps its state in memory and in Kafka"
    )


def _broker(settings: Settings, admin: AdminClient, cluster: ClusterMetadata) -> Iterator[Observation]:
    brokers = len(cluster.brokers)
    text = f"{settings.bootstrap}, cluster {cluster.cluster_id}, {counted(brokers, 'broker')}"
    yield Observation("broker", "ok", f"{text}, {settings.security_protocol}")
    broker_id = str(next(iter(cluster.brokers)))
    resource = ConfigResource(ConfigResource.Type.BROKER, broker_id)
    try:
        config = answered(admin.describe_configs([resource])[resource], 10)
    except KafkaException as error:
        yield Observation("broker", "warning", f"its settings may not be read: {error.args[0].str()}")
        return
    entry = config.get("auto.create.topics.enable")
    if entry is not None and entry.value == "true":
        yield Observation(
            "broker", "warning", "auto.create.topics.enable is true: a mistyped topic is made, not refused"
        )


def _retention(settings: Settings, admin: AdminClient, names: list[str]) -> Iterator[Observation]:
    limits = retention_limits(settings, topic_configs(admin, names))
    if not limits:
        yield Observation("retention", "ok", "event topics keep their records for ever")
    yield from (look_at_retention(name, limit, settings.lateness_days) for name, limit in limits.items())


def look_at_retention(name: str, limit_ms: int, lateness_days: int) -> Observation:
    """Whether a restart finds what it must read again: a snapshot may be a day old, and what it waits for L days.

    >>> look_at_retention("churn.events.login", 30 * DAY_MS, 7).level, look_at_retention("x", 8 * DAY_MS, 7).level
    ('ok', 'warning')
    """
    days, least = limit_ms / DAY_MS, 1 + lateness_days
    if days > least:
        return Observation("retention", "ok", f"{name}: {days:.1f} days; older history must not be posted to it")
    text = (
        f"{name}: {days:.1f} days, but a restart may read again what is {least} days old: set retention.ms above "
        f"{least * DAY_MS}, the longest outage on top"
    )
    return Observation("retention", "warning", text)


def _permissions(settings: Settings, admin: AdminClient, names: list[str]) -> Iterator[Observation]:
    topics = Topics(settings.prefix, settings.app_version)
    reads = {*topics.events, topics.ticks, topics.changelog}
    writes = set(names) - set(topics.events)
    lacking = []
    described = admin.describe_topics(TopicCollection(names), include_authorized_operations=True)
    for name, future in described.items():
        try:
            operations = {operation.name for operation in answered(future, 10).authorized_operations or ()}
        except KafkaException as error:
            lacking.append(f"{name}: {error.args[0].str()}")
            continue
        needed = ({"READ"} if name in reads else set()) | ({"WRITE"} if name in writes else set())
        if operations and "ALL" not in operations and needed - operations:
            lacking.append(f"{name}: {' and '.join(sorted(needed - operations))}")
    if lacking:
        yield Observation("permissions", "problem", f"missing for this user: {'; '.join(lacking)}. Grant them")
    else:
        yield Observation("permissions", "ok", "this user may read and write what the worker needs")


def _records(settings: Settings, cluster: ClusterMetadata) -> Iterator[Observation]:
    names = [name for name in Topics(settings.prefix).events if name in cluster.topics]
    partitions = [TopicPartition(name, number) for name in names for number in cluster.topics[name].partitions]
    seen, misplaced, newest = 0, Counter[str](), 0
    for message in newest_records(settings, partitions, each=SAMPLE):
        topic, key = str(message.topic()), message.key()
        seen += 1
        newest = max(newest, message.timestamp()[1])
        if key is None or partition_of(key, len(cluster.topics[topic].partitions)) != message.partition():
            misplaced[topic] += 1
    for topic, count in misplaced.items():
        remedy = "producers must use murmur2 (librdkafka: partitioner=murmur2_random) and the customer id as key"
        yield Observation(
            "partitioner", "problem", f"{topic}: {counted(count, 'recent record')} on the wrong partition; {remedy}"
        )
    if not misplaced:
        yield Observation(
            "partitioner", "ok", f"{counted(seen, 'recent record')} looked at, all on the partition of their key"
        )
    ahead = newest - now_ms()
    if ahead > MAX_AHEAD_MS:
        text = f"the newest record is {ahead / 1000:,.0f} s ahead of this machine's clock: set the clock, here or there"
        yield Observation("clock", "problem", text)
    else:
        yield Observation(
            "clock", "ok", f"no recent record is ahead of this clock; {variable_of('zone')}={settings.zone}"
        )


def _feeds(settings: Settings, cluster: ClusterMetadata) -> Iterator[Observation]:
    """The clock of a partition waits for every feed the catalogue declares: say which ones have shown nothing."""
    try:
        declared = load_rules(settings).basis.feeds
    except SetupError as error:
        yield Observation("catalogue", "problem", str(error))
        return
    names = [Topics(settings.prefix).event(feed) for feed in declared]
    partitions = [TopicPartition(n, p) for n in names if n in cluster.topics for p in cluster.topics[n].partitions]
    filled = Counter(str(message.topic()) for message in first_records(settings, partitions, each=1))
    if not filled:
        yield Observation("feeds", "ok", "no events were posted yet")
        return
    for name in names:
        missing = settings.partitions - filled[name]
        if missing:
            remedy = (
                "Post to it, leave it out of the catalogue's `feeds`, or let ticks move it (CHURN_TICKS, tick --at)"
            )
            where = f"{missing} of {counted(settings.partitions, 'partition')}"
            text = f"{name} is empty in {where}: nothing is decided there until then"
            yield Observation("feeds", "warning", f"{text}. {remedy}")
    if all(filled[name] == settings.partitions for name in names):
        yield Observation("feeds", "ok", f"events of every declared feed in every partition: {', '.join(names)}")
