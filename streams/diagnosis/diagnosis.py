"""What `doctor` looks at, one function a subject: each yields what it saw, good or bad."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException, TopicCollection, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource

from schemas.codec import MAX_AHEAD_MS
from schemas.event import FEEDS
from schemas.topics import DAY_MS, Topics
from streams.clock import now_ms
from streams.diagnosis.agreement import look_at_state
from streams.diagnosis.observation import Level, Observation
from streams.diagnosis.outages import look_at_outages
from streams.diagnosis.programs import look_at_programs
from streams.diagnosis.waiting import read_clocks, waiting
from streams.errors import SetupError
from streams.files.catalogue_file import load_rules
from streams.kafka.connection import answered, connect
from streams.kafka.look import ends
from streams.kafka.placing import USE_MURMUR2, look_at_placing
from streams.kafka.preflight import examine, retention_limits, specs, topic_configs
from streams.readback.dead_letters import read_letters
from streams.settings import Settings, variable_of
from streams.text.wording import counted

PACKAGES: Final = ("churn-signals", "faust-streaming", "aiokafka", "confluent-kafka")

FEW_LETTERS: Final = 10_000
"""So many records that were set aside are read, to be counted one by one."""
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
        yield from _feeds(settings)
        yield from look_at_state(settings)
        yield from _set_aside(settings, cluster)
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
    configs = topic_configs(admin, names)
    limits = retention_limits(settings, configs)
    if not limits:
        yield Observation("retention", "ok", "event topics keep their records for ever")
    yield from (look_at_retention(name, limit, settings.lateness_days) for name, limit in limits.items())
    yield from look_at_compaction(settings, configs)


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


def look_at_compaction(settings: Settings, configs: Mapping[str, Mapping[str, str]]) -> Iterator[Observation]:
    """Where what is erased may lie for longer than a day or two, as the broker compacts when it likes."""
    for spec in specs(settings):
        wanted = spec.config.get("max.compaction.lag.ms")
        actual = configs.get(spec.name, {}).get("max.compaction.lag.ms")
        if wanted is not None and actual is not None and int(actual) > int(wanted):
            text = f"{spec.name}: what is erased may lie there for long: set max.compaction.lag.ms to {wanted} at most"
            yield Observation("compaction", "warning", text)


def _permissions(settings: Settings, admin: AdminClient, names: list[str]) -> Iterator[Observation]:
    topics = Topics(settings.prefix, settings.app_version)
    reads = {*topics.inputs, topics.changelog}
    writes = set(names) - {*topics.events, topics.commands}
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
    seen, are_placed, newest = 0, True, 0
    for found in look_at_placing(settings, cluster):
        seen, newest = seen + found.seen, max(newest, found.newest_ms)
        if found.misplaced:
            text = f"{found.topic}: {found.misplaced} of {found.seen} recent records on the wrong partition"
            yield Observation("partitioner", "problem", f"{text}; {USE_MURMUR2}. `dead-letters replay` mends them")
        if found.earlier is not None:
            text = (
                f"{found.topic}: {found.partitions} partitions, but its oldest records were placed for {found.earlier}"
            )
            remedy = f"partitions that were added cannot be used: post everything under another {variable_of('prefix')}"
            yield Observation("partitioner", "problem", f"{text}; {remedy}")
        are_placed = are_placed and not found.misplaced and found.earlier is None
    if are_placed:
        yield Observation("partitioner", "ok", f"{seen} recent records looked at, all on the partition of their key")
    ahead = newest - now_ms()
    if ahead > MAX_AHEAD_MS:
        text = f"the newest record is {ahead / 1000:,.0f} s ahead of this machine's clock: set the clock, here or there"
        yield Observation("clock", "problem", text)
    else:
        yield Observation(
            "clock", "ok", f"no recent record is ahead of this clock; {variable_of('zone')}={settings.zone}"
        )


def _feeds(settings: Settings) -> Iterator[Observation]:
    """The clock of a partition waits for every feed the catalogue declares: say where, and for which."""
    try:
        rules = load_rules(settings)
    except SetupError as error:
        yield Observation("catalogue", "problem", str(error))
        return
    declared = rules.basis.feeds
    remedy = "a worker's ticks move it once the stream is live (CHURN_TICKS), or: churn-signals tick --at T"
    clocks = read_clocks(settings, now_ms())
    names = [FEEDS[feed] for feed in declared]
    if not clocks:
        yield Observation("feeds", "ok", "no events were posted yet")
        return
    silent = [FEEDS[feed] for feed in declared if not any(feed == of for _, of in clocks)]
    for name in silent:
        text = f"no {name} event in any partition: nothing is decided until one comes, or the clock moves"
        yield Observation("feeds", "warning", f"{text}. Leave it out of the catalogue's `feeds`, or {remedy}")
    behind = list(waiting(clocks, range(settings.partitions), declared))
    yield from (Observation("feeds", "warning", f"{one}: {remedy}") for one in behind)
    if not silent and not behind:
        text = f"the clocks of all {settings.partitions} partitions are within a day of each other: {', '.join(names)}"
        yield Observation("feeds", "ok", text)
    yield from look_at_outages(settings, rules)


def _set_aside(settings: Settings, cluster: ClusterMetadata) -> Iterator[Observation]:
    """Records that count nowhere, as long as their topics keep them.

    Where they are few they are read: what a crash repeated counts once, what an erasure takes away not at all.
    """
    names = Topics(settings.prefix)
    for subject, topic, what, option in (
        ("late", names.late, "events came too late", " --late"),
        ("dead letters", names.dead_letters, "records were refused", ""),
    ):
        known = cluster.topics[topic].partitions if topic in cluster.topics else ()
        places = [TopicPartition(topic, number) for number in known]
        count = sum(high - low for low, high in ends(settings, places))
        told = f"up to {count:,}"
        if 0 < count <= FEW_LETTERS:
            count = sum(1 for _ in read_letters(settings, topic))
            told = f"{count:,}"
        if count:
            text = f"{told} {what} and count nowhere; they lie in {topic}: churn-signals dead-letters list{option}"
            yield Observation(subject, "warning", text)
        else:
            yield Observation(subject, "ok", f"nothing lies in {topic}")
