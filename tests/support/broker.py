"""The broker of a test run, fresh topic prefixes, and the few admin calls tests need."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, NewTopic
from confluent_kafka.admin._config import ConfigResource

from kafka.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is; `cluster` is None when it is not ours, then it must not be killed."""

    bootstrap: str
    cluster: Cluster | None

    def admin(self) -> AdminClient:
        """An admin client of this broker."""
        return AdminClient({"bootstrap.servers": self.bootstrap})


@contextmanager
def open_broker() -> Iterator[Broker]:
    """The broker CHURN_BOOTSTRAP names, else one of our own for as long as the block runs."""
    if named := os.environ.get("CHURN_BOOTSTRAP"):
        yield Broker(named, None)
        return
    with Cluster() as cluster:
        yield Broker(cluster.bootstrap, cluster)


def fresh_prefix() -> str:
    """A topic prefix nobody has used."""
    return f"t{secrets.token_hex(4)}"


def create_topics(broker: Broker, partitions: Mapping[str, int], config: Mapping[str, str] | None = None) -> None:
    """Make topics (name to number of partitions) and wait until they are there."""
    topics = [NewTopic(name, count, 1, config=dict(config or {})) for name, count in partitions.items()]
    admin = broker.admin()  # kept by name: an admin client that is collected cancels its calls
    for future in admin.create_topics(topics).values():
        future.result(30)


def set_config(broker: Broker, topic: str, name: str, value: str) -> None:
    """Set it and wait until the broker says so, too: it learns of it a moment later than the controller."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin = broker.admin()
    for future in admin.incremental_alter_configs([changed]).values():
        future.result(10)
    asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
    deadline = time.monotonic() + 10
    while admin.describe_configs([asked])[asked].result(10)[name].value != value:
        assert time.monotonic() < deadline, f"{topic} has another {name} than {value}"
        time.sleep(0.02)


def topics_of(broker: Broker, prefix: str) -> dict[str, int]:
    """The topics that begin with `prefix`, with their number of partitions."""
    known = broker.admin().list_topics(timeout=10).topics
    return {name: len(topic.partitions) for name, topic in known.items() if name.startswith(prefix)}


def delete_topics(broker: Broker, prefix: str) -> None:
    """Delete the topics that begin with `prefix` and wait until they are gone."""
    admin = broker.admin()
    names = list(topics_of(broker, prefix))
    if not names:
        return
    for future in admin.delete_topics(names).values():
        future.result(30)
    deadline = time.monotonic() + 10
    while topics_of(broker, prefix) and time.monotonic() < deadline:
        time.sleep(0.05)
