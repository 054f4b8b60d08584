"""The broker of a test run, fresh topic prefixes, and the few admin calls tests need."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, NewTopic
from confluent_kafka.admin._config import ConfigResource

from kafka.cluster import Cluster
from kafka.process import is_running


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is."""

    bootstrap: str

    def admin(self) -> AdminClient:
        """An admin client of this broker."""
        return AdminClient({"bootstrap.servers": self.bootstrap})


RUN: Final = "PYTEST_XDIST_TESTRUNUID"
"""Names the run of those who test side by side."""


@contextmanager
def open_broker() -> Iterator[Broker]:
    """The broker CHURN_BOOTSTRAP names, else one of our own, shared by those who test side by side."""
    if named := os.environ.get("CHURN_BOOTSTRAP"):
        yield Broker(named)
    elif run := os.environ.get(RUN):
        with _shared(Path(tempfile.gettempdir()) / f"churn-tests-{run}") as bootstrap:
            yield Broker(bootstrap)
    else:
        with Cluster() as cluster:
            yield Broker(cluster.bootstrap)


@contextmanager
def _shared(folder: Path) -> Iterator[str]:
    """The address of one broker: whoever comes first starts it, and ends it when all others have left."""
    folder.mkdir(exist_ok=True)
    address, user = folder / "address", folder / f"{os.getpid()}.user"
    cluster = Cluster()
    with _alone_in(folder):
        user.touch()
        if not address.exists():
            address.write_text(cluster.start().bootstrap)
        bootstrap = address.read_text()
    try:
        yield bootstrap
    finally:
        user.unlink()
        if bootstrap == cluster.bootstrap:
            _end_when_unused(cluster, folder)


def _end_when_unused(cluster: Cluster, folder: Path) -> None:
    while True:
        with _alone_in(folder):
            if not any(is_running(int(user.stem), "") for user in folder.glob("*.user")):
                shutil.rmtree(folder)
                cluster.stop()
                return
        time.sleep(0.5)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fresh_prefix() -> str:
    """A topic prefix nobody has used."""
    return f"t{secrets.token_hex(4)}"


def create_topics(broker: Broker, partitions: Mapping[str, int], config: Mapping[str, str] | None = None) -> None:
    """Make topics (name to number of partitions) and wait until they are there."""
    topics = [NewTopic(name, count, 1, config=dict(config or {})) for name, count in partitions.items()]
    admin = broker.admin()  # kept by name: an admin client that is collected cancels its calls
    for future in admin.create_topics(topics).values():
        future.result(30)
    deadline = time.monotonic() + 10
    while not partitions.keys() <= admin.list_topics(timeout=10).topics.keys():  # the broker learns of them later
        assert time.monotonic() < deadline, f"{', '.join(partitions)}: not there"
        time.sleep(0.02)


def set_config(broker: Broker, topic: str, **values: str) -> None:
    """Set it and wait until the broker says so, too: it learns of it a moment later than the controller.

    `values`: by name, with underscores for dots.
    """
    wanted = {name.replace("_", "."): value for name, value in values.items()}
    entries = [ConfigEntry(*one, incremental_operation=AlterConfigOpType.SET) for one in wanted.items()]
    changed = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    admin = broker.admin()
    for future in admin.incremental_alter_configs([changed]).values():
        future.result(10)
    asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
    deadline = time.monotonic() + 10
    while True:
        told = admin.describe_configs([asked])[asked].result(10)
        if all(told[name].value == value for name, value in wanted.items()):
            return
        assert time.monotonic() < deadline, f"{topic} is not set to {wanted}"
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
