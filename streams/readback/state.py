"""Reads state and alerts back from their topics, for people and for comparison; writes nothing.

A partition is its newest snapshot and the events since that a worker has committed, taken in once more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from confluent_kafka import Message

from models.alerts.partitions import place_of_alert
from models.catalogue.rules import Rules
from models.engine.frozen import SnapshotError
from models.engine.partition import Partition
from models.engine.replay import canonical_states
from models.engine.restatement import restated
from schemas.alert import AlertV1, decode_alert
from schemas.instant import from_rfc3339
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.agents.customers import Customers
from streams.agents.models import ModelReader, Shelf
from streams.agents.owned import OwnedPartition
from streams.agents.restoring import RestoreSource, as_loaded
from streams.clock import now_ms
from streams.errors import SetupError
from streams.kafka.connection import connect, librdkafka_config
from streams.kafka.groups import worker_group
from streams.kafka.log_reader import LogReader, reader
from streams.kafka.topic_reader import must_be_there, read_messages
from streams.settings import Settings
from streams.transport.alignment import Aligner
from streams.transport.errors import StopWorkerError
from streams.transport.records import Record
from streams.transport.snapshots.load import Loaded, load
from streams.transport.snapshots.origin import ask_beginnings


def read_partitions(settings: Settings, rules: Rules, partitions: Iterable[int] | None = None) -> dict[int, Partition]:
    """The partitions as a worker has them that has committed what it took; without one that never began.

    Raises SetupError.
    """
    _, cluster = connect(settings)
    topics, group = Topics(settings.prefix, settings.app_version), worker_group(settings)
    must_be_there(cluster, (topics.changelog, *topics.events))
    connection, stop = librdkafka_config(settings), threading.Event()
    chosen = sorted(range(settings.partitions) if partitions is None else partitions)
    customers = Customers(settings, rules, None, now_ms, _shelf(settings, rules))
    source = RestoreSource(connection, topics, group, rules, customers.new_partition, settings.partitions)
    loaded = load(connection, topics.changelog, chosen, stop=stop)
    found = {number: one for number, one in loaded.items() if one.manifest is not None}
    until = ask_beginnings(connection, group, topics.changelog, source.inputs, found)
    with reader(connection, stop=stop) as records:
        for number, one in found.items():
            own = _as_loaded(source, one)
            customers.adopt(own)
            own.partition.ledger.was_passed([until[number].committed.get(topic, 0) for topic in topics.events])
            _take_in(records, source, customers, own, one, until[number].committed)
    return dict(customers.partitions)


def _as_loaded(source: RestoreSource, loaded: Loaded) -> OwnedPartition:
    """A partition as a worker goes on with it. Raises SetupError where this program cannot."""
    try:
        return as_loaded(source, loaded)
    except StopWorkerError as error:
        where, cause = f"{loaded.topic}/{loaded.partition}", error.__cause__
        if isinstance(cause, SetupError | SnapshotError):
            raise SetupError(f"{where}, {cause.thing}", cause.value, cause.remedy) from error
        raise SetupError(where, str(cause), "A worker says more; `churn-signals doctor` looks around.") from error


def _take_in(
    records: LogReader,
    source: RestoreSource,
    customers: Customers,
    own: OwnedPartition,
    loaded: Loaded,
    until: Mapping[str, int],
) -> None:
    """Take in what was read since the snapshot, by topic: boundaries are passed where they were passed."""
    assert loaded.manifest is not None  # by the choice of the caller
    found: dict[str, list[Record]] = {topic: [] for topic in source.inputs}

    def take(message: Message) -> None:
        record = record_of(message)
        if record.offset < until.get(record.topic, 0):
            found[record.topic].append(record)

    first = loaded.manifest.sources
    places = {(topic, own.number): first[topic] for topic in source.inputs if first.get(topic, 0) < until.get(topic, 0)}
    if places:
        records.read(places, take)
    customers.process(own, in_step(found, loaded.manifest.clocks))
    own.partition.go_on()


def in_step(records: Mapping[str, Sequence[Record]], clocks: Mapping[str, int]) -> list[Record]:
    """Records of topics, each in the order of its log, merged as a worker merges a backlog: see `transport.alignment`.

    `clocks`: the greatest timestamp of each topic before them.
    """
    aligner = Aligner([clocks.get(topic) for topic in records])
    for place, of_topic in enumerate(records.values()):
        clock, ordered = aligner.clock(place), []
        for record in of_topic:
            clock = max(clock, record.timestamp_ms)
            ordered.append(msgspec.structs.replace(record, order_ms=clock))
        aligner.add(place, ordered)
    return aligner.release([True] * len(records))


def record_of(message: Message) -> Record:
    """A message of the bulk reader as the worker sees it."""
    headers: Any = message.headers() or ()
    return Record(
        str(message.topic()),
        message.key(),
        message.value(),
        int(message.offset() or 0),
        message.timestamp()[1],
        tuple(headers),
    )


def _shelf(settings: Settings, rules: Rules) -> Shelf:
    """The newest version of the model, where there is a model."""
    shelf = Shelf(rules)
    if rules.basis.learning is not None:
        models = ModelReader(settings, shelf)
        models.catch_up()
        models.stop()
    return shelf


def all_states(settings: Settings, rules: Rules) -> Iterator[dict[str, Any]]:
    """Every customer, canonical, by partition and id: what `replay --states` writes."""
    for _, partition in sorted(read_partitions(settings, rules).items()):
        yield from canonical_states(partition)


def read_alerts(settings: Settings) -> Iterator[AlertV1]:
    """Every revision on the alerts topic in the order of each partition; ends at the present end."""
    topic = Topics(settings.prefix).alerts
    return (decoded(topic, value) for _, value in read_topic(settings, topic) if value)


def decoded(topic: str, value: bytes) -> AlertV1:
    """The alert of a record. Raises SetupError for one that is none of ours."""
    try:
        return decode_alert(value)
    except msgspec.MsgspecError as error:
        raise SetupError(f"topic {topic}", f"a record is not ours: {error}", "Check CHURN_PREFIX.") from error


def newest_alerts(settings: Settings) -> list[AlertV1]:
    """The highest revision of each alert that is still on the alerts topic."""
    return newest_revisions(read_alerts(settings))


def newest_revisions(alerts: Iterable[AlertV1]) -> list[AlertV1]:
    """The highest revision of each alert, in whatever order and however often they come."""
    newest: dict[str, AlertV1] = {}
    for alert in alerts:
        known = newest.get(alert.alert_id)
        if known is None or alert.revision > known.revision:
            newest[alert.alert_id] = alert
    return list(newest.values())


def open_alerts(settings: Settings) -> list[AlertV1]:
    """Alerts that are open now, however long they have been: from the compacted topic, where an end is a tombstone."""
    found: dict[bytes, bytes] = {}
    topic = Topics(settings.prefix).alerts_open
    for key, value in read_topic(settings, topic):
        if value:
            found[key] = value
        else:
            found.pop(key, None)
    return [decoded(topic, value) for value in found.values()]


def ended_alerts(settings: Settings, customer_id: str) -> list[AlertV1]:
    """Alerts of a customer that are over and still on the alerts topic, the one that ended last first."""
    topic, named = Topics(settings.prefix).alerts, customer_id.encode()
    records = read_topic(settings, topic, [partition_of(named, settings.partitions)])
    read = (decoded(topic, value) for _, value in records if value and named in value)  # most are of others
    own = newest_revisions(alert for alert in read if alert.customer_id == customer_id)
    over = [alert for alert in own if not alert.is_open]
    return sorted(over, key=lambda alert: (from_rfc3339(alert.ends_at or alert.observed_at), alert.alert_id))[::-1]


def restated_as_of_now(settings: Settings, rules: Rules, alerts: Sequence[AlertV1]) -> tuple[list[AlertV1], int | None]:
    """Alerts in words and money as of the last boundary, in the order given; and that boundary, the earliest of them.

    Reads the state of the partitions that they are of; None when no boundary was passed in one of these yet.
    """
    places = [place_of_alert(one, settings.partitions) for one in alerts]
    partitions = read_partitions(settings, rules, set(places)) if alerts else {}
    found: dict[str, AlertV1] = {}
    for number, partition in partitions.items():
        own = [one for one, place in zip(alerts, places, strict=True) if place == number]
        found |= {one.alert_id: one for one in restated(partition, own)}
    boundaries = [partition.judged_boundary for partition in partitions.values()]
    earliest = min(boundaries, default=-1)
    return [found.get(one.alert_id, one) for one in alerts], earliest if earliest >= 0 else None


def read_topic(
    settings: Settings, topic: str, partitions: Sequence[int] | None = None
) -> Iterator[tuple[bytes, bytes | None]]:
    """Key and value of every record of a topic, or of some partitions, up to its present end.

    Raises SetupError when there is no such topic.
    """
    chosen = range(settings.partitions) if partitions is None else partitions
    for message in read_messages(settings, topic, chosen, purpose="alerts"):
        yield message.key() or b"", message.value()
