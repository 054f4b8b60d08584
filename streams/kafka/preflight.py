"""Is the cluster as this product needs it? Asked by `worker` before it starts, by `topics check` and by `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource

from schemas.instant import to_rfc3339
from schemas.topics import DAY_MS, FOR_EVER, Topics, TopicSpec, topic_table
from streams.clock import now_ms
from streams.errors import SetupError
from streams.kafka.connection import answered, connect
from streams.kafka.look import oldest_timestamps
from streams.settings import Settings, variable_of

ANSWERS_WITHIN_S: Final = 10.0
"""How long a broker that is up may take to tell the settings of all topics."""

CREATE: Final = "Run: churn-signals topics create."


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: the thing, its value, what to do."""

    thing: str
    value: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.thing}: {self.value}. {self.remedy}"


def check_setup(settings: Settings) -> None:
    """Raise SetupError unless a worker can run; a fraction of a second when all is well.

    The first finding is the message, the number of the others is added to it.
    """
    admin, cluster = connect(settings)
    findings = list(examine(settings, admin, cluster))
    if findings:
        first = findings[0]
        more = f" {len(findings) - 1} more: churn-signals topics check." if len(findings) > 1 else ""
        raise SetupError(first.thing, first.value, first.remedy + more)


def raise_first(findings: Iterable[Finding]) -> None:
    """Raise SetupError for the first of these."""
    for finding in findings:
        raise SetupError(finding.thing, finding.value, finding.remedy)


def specs(settings: Settings) -> tuple[TopicSpec, ...]:
    """Return the topics these settings ask for."""
    days = settings.events_retention_days
    return topic_table(
        settings.prefix,
        partitions=settings.partitions,
        replication=settings.replication,
        app_version=settings.app_version,
        events_retention_ms=FOR_EVER if days < 0 else days * DAY_MS,
    )


def examine(settings: Settings, admin: AdminClient, cluster: ClusterMetadata) -> Iterator[Finding]:
    """Yield what is wrong with the topics, worst first: missing, partition counts, clean-up, history too old."""
    table = specs(settings)
    present = [spec for spec in table if spec.name in cluster.topics and cluster.topics[spec.name].error is None]
    yield from _missing(table, present)
    yield from refuse_partition_counts(settings, cluster)
    configs = topic_configs(admin, [spec.name for spec in present])
    yield from refuse_other_cleanup(settings, configs)
    yield from refuse_short_retention(settings, configs)
    yield from _lost_history(settings, configs, cluster)


def topic_configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Return the broker's settings of each topic; one that may not be read is left out. Raises SetupError."""
    if not names:
        return {}
    asked = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name) for name in names])
    found = {}
    deadline = monotonic() + ANSWERS_WITHIN_S
    for resource, future in asked.items():
        try:
            entries = answered(future, max(0.0, deadline - monotonic()))
        except KafkaException as error:
            if error.args[0].code() == KafkaError._TIMED_OUT:  # noqa: SLF001 - as confluent-kafka names it
                raise SetupError(
                    "the settings of topics", f"no broker told them within {ANSWERS_WITHIN_S:.0f} s",
                    "Look at the log of the broker, and start again when it is up.",
                ) from error  # fmt: skip
            continue  # the permissions of this user are `doctor`'s subject
        found[str(resource.name)] = {name: str(entry.value) for name, entry in entries.items()}
    return found


def refuse_old_history(limits_ms: Mapping[str, int], oldest_ms: Mapping[str, int], *, at_ms: int) -> Iterator[Finding]:
    """Yield a finding for each topic whose oldest event is older than its retention, which is -1 for ever.

    The broker cuts by the record's timestamp and that is the event's time: it would delete the history within minutes.
    """
    for topic, oldest in oldest_ms.items():
        limit = limits_ms.get(topic, FOR_EVER)
        age = at_ms - oldest
        if limit != FOR_EVER and age > limit:
            yield Finding(
                f"retention.ms of topic {topic}",
                f"{limit} ({_days(limit)}), but its oldest event is {_days(age)} old ({to_rfc3339(oldest)}): "
                "Kafka deletes it within minutes",
                f"Set retention.ms of {topic} to -1 (for ever) or above {age}, then post the history again.",
            )


def refuse_short_retention(settings: Settings, configs: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """Yield a finding for each input that is cut before a restart has read it again.

    A snapshot is up to a day old, and an event behind it up to L older. A tick is of the moment it is sent.
    """
    topics = Topics(settings.prefix)
    ticks = topics.ticks
    for topic, limit in retention_limits(settings, configs, ticks, topics.commands).items():
        days = 1 if topic == ticks else 1 + settings.lateness_days
        if limit <= days * DAY_MS:
            late = "" if topic == ticks else f", and {variable_of('lateness_days')} is {settings.lateness_days}"
            yield Finding(
                f"retention.ms of topic {topic}",
                f"{limit} ({_days(limit)}), but a restart reads again up to a day of it{late}: "
                "what Kafka deletes before is lost",
                f"Set retention.ms of {topic} to -1 (for ever) or above {days * DAY_MS}.",
            )


def refuse_other_cleanup(settings: Settings, configs: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """Yield a finding for each topic that keeps other records than it must: the last of each key, or all of a time."""
    for spec in specs(settings):
        actual = configs.get(spec.name, {}).get("cleanup.policy")
        wanted = spec.config.get("cleanup.policy")
        if actual is not None and wanted is not None and {*actual.split(",")} != {*wanted.split(",")}:
            remedy = f"Set it to {wanted}: {_WHY_CLEANED[wanted]}"
            yield Finding(f"cleanup.policy of topic {spec.name}", actual, remedy)


_WHY_CLEANED: Final = {
    "compact": "otherwise old customers' records are deleted and their state is lost.",
    "delete": "otherwise all but the last record of each key is lost.",
    "compact,delete": "otherwise what is erased stays there until its time is over. Of records keyed by customer, as "
    "they were before, all but the last would go: delete the topic and make it anew, while the workers are stopped.",
}


def refuse_partition_counts(settings: Settings, cluster: ClusterMetadata) -> Iterator[Finding]:
    """Yield a finding for each topic that has another number of partitions than it must have."""
    present = {spec.name: spec.partitions for spec in specs(settings) if spec.name in cluster.topics}
    counts = {name: len(cluster.topics[name].partitions) for name in present if cluster.topics[name].error is None}
    wrong = {name: count for name, count in counts.items() if count != present[name]}
    variable, prefix = variable_of("partitions"), variable_of("prefix")
    of_customers = {name: count for name, count in counts.items() if present[name] == settings.partitions}
    if wrong and wrong == of_customers and len(set(wrong.values())) == 1:
        (count,) = set(wrong.values())
        value = f"{settings.partitions}, but all topics of {settings.prefix} have {count} partitions"
        remedy = (
            f"Set {variable}={count} if they were made so; if partitions were added since, choose another {prefix}."
        )
        yield Finding(variable, value, remedy)
        return
    for name, count in wrong.items():
        value = f"{count} partitions, but it must have {present[name]}"
        if present[name] == settings.partitions:
            value = (
                f"{count} partitions, but {variable} is {settings.partitions} and all topics must have the same number"
            )
        remedy = f"Delete {name} and run `churn-signals topics create`, or choose another {prefix}."
        yield Finding(f"topic {name}", value, remedy)


def retention_limits(settings: Settings, configs: Mapping[str, Mapping[str, str]], *others: str) -> dict[str, int]:
    """Return `retention.ms` of the event topics, and of others, that are cut at all."""
    events = {spec.name for spec in specs(settings) if spec.name.startswith(f"{settings.prefix}.events.")} | {*others}
    limits = {name: int(config.get("retention.ms", FOR_EVER)) for name, config in configs.items() if name in events}
    cut = {name for name, config in configs.items() if "delete" in config.get("cleanup.policy", "delete")}
    return {name: limit for name, limit in limits.items() if limit != FOR_EVER and name in cut}


def _missing(table: tuple[TopicSpec, ...], present: list[TopicSpec]) -> Iterator[Finding]:
    missing = [spec.name for spec in table if spec not in present]
    if missing:
        thing = "topic" if len(missing) == 1 else "topics"
        yield Finding(f"{thing} {', '.join(missing)}", "missing, or not visible to this user", CREATE)


def _lost_history(
    settings: Settings, configs: Mapping[str, Mapping[str, str]], cluster: ClusterMetadata
) -> Iterator[Finding]:
    limits = retention_limits(settings, configs)
    if not limits:
        return
    partitions = [TopicPartition(name, number) for name in limits for number in cluster.topics[name].partitions]
    # A topic in steady use always holds a segment that is partly older than its retention: that is no posted history.
    slack = {name: int(configs[name].get("segment.ms", 7 * DAY_MS)) + DAY_MS for name in limits}
    patient = {name: limit + slack[name] for name, limit in limits.items()}
    oldest = oldest_timestamps(settings, partitions)
    too_old = {name for name, time_ms in oldest.items() if now_ms() - time_ms > patient[name]}
    yield from refuse_old_history(limits, {name: oldest[name] for name in sorted(too_old)}, at_ms=now_ms())


def _days(span_ms: int) -> str:
    return f"{span_ms / DAY_MS:,.0f} days" if span_ms >= DAY_MS else f"{span_ms / 3_600_000:.1f} hours"
