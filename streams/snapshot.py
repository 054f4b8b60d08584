"""Reads state and alerts back from their topics, for people and for comparison; writes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from models.oracle import canonical_states
from models.partition_record import PARTITION_KEY, State, decode_state

from models.catalogue.catalogue import Rules
from schemas.alert import AlertV1, decode_alert
from schemas.topics import Topics
from streams.kafka import connect, librdkafka_config
from streams.reader import read_messages
from streams.settings import Settings
from streams.transport.restore import Restored, restore


def read_state(settings: Settings, partitions: Iterable[int] | None = None) -> dict[int, Restored]:
    """The newest records of the changelog, by partition, as a worker would restore them."""
    connect(settings)
    chosen = range(settings.partitions) if partitions is None else partitions
    topic = Topics(settings.prefix, settings.app_version).changelog
    return restore(librdkafka_config(settings), topic, chosen, stop=threading.Event())


def partition_state(restored: Restored) -> State | None:
    """The partition's own record, None before the first start."""
    packed = restored.records.get(PARTITION_KEY)
    return None if packed is None else decode_state(packed)


def all_states(settings: Settings, rules: Rules) -> Iterator[dict[str, Any]]:
    """Every customer, canonical, by partition and id: what `replay --states` writes."""
    for _, restored in sorted(read_state(settings).items()):
        state = partition_state(restored)
        if state is not None:
            yield from canonical_states(restored.records.items(), state.boundary, rules)


def read_alerts(settings: Settings, *, is_following: bool = False) -> Iterator[AlertV1]:
    """Every revision on the alerts topic in the order of each partition; ends at the present end unless following."""
    topic = Topics(settings.prefix).alerts
    return (decode_alert(value) for _, value in read_topic(settings, topic, is_following=is_following) if value)


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
    for key, value in read_topic(settings, Topics(settings.prefix).alerts_open):
        if value:
            found[key] = value
        else:
            found.pop(key, None)
    return [decode_alert(value) for value in found.values()]


def read_topic(settings: Settings, topic: str, *, is_following: bool = False) -> Iterator[tuple[bytes, bytes | None]]:
    """Key and value of every record of a topic; ends at the present end unless following."""
    connect(settings)
    partitions = range(settings.partitions)
    for message in read_messages(settings, topic, partitions, purpose="alerts", is_following=is_following):
        yield message.key() or b"", message.value()
