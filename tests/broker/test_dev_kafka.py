"""The development broker: quick, honest about what is wrong, and it keeps its data."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from kafka.archive import archive_of, keep, reading
from kafka.cluster import Cluster, ClusterError
from kafka.jars import LOCK, JarError, differences, ensure_jars
from kafka.properties import Credentials
from support.broker import Broker, create_topics


def produce(broker: Broker, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 5})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(20) == 0


def read(broker: Broker, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[bytes] = []
    deadline = time.monotonic() + 20
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message.value() or b"")
    consumer.close()
    return found


def test_broker_is_ready_within_seconds_keeps_data_over_a_kill_and_leaves_nothing() -> None:
    ensure_jars()  # fetched by `make install`; not what is measured here
    started = time.monotonic()
    with Cluster() as cluster:
        took = time.monotonic() - started
        folder = cluster.folder
        broker = Broker(cluster.bootstrap)
        assert broker.admin().list_topics(timeout=5).brokers
        create_topics(broker, {"kept": 1})
        produce(broker, "kept", [b"1", b"2", b"3"])
        cluster.kill()
        cluster.restart()
        assert cluster.bootstrap == broker.bootstrap
        assert read(broker, "kept", 3) == [b"1", b"2", b"3"]
    print(f"ready in {took:.1f} s")
    assert took < 20  # about 2 s on a quiet machine
    assert not folder.exists()


def test_named_folder_keeps_data_over_a_clean_stop_and_has_one_broker_at_a_time(tmp_path: Path) -> None:
    with Cluster(tmp_path / "broker") as cluster:
        with pytest.raises(ClusterError, match=f"still running, pid {cluster.pid}"):
            Cluster(tmp_path / "broker").start()
        broker = Broker(cluster.bootstrap)
        create_topics(broker, {"kept": 1})
        produce(broker, "kept", [b"1"])
    with Cluster(tmp_path / "broker") as cluster:
        assert read(Broker(cluster.bootstrap), "kept", 1) == [b"1"]


def test_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ClusterError, match=f"port {port} on 127.0.0.1 is taken"):
            Cluster(port=port).start()


def test_broker_that_dies_says_why(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "broker", extra={"group.consumer.session.timeout.ms": "1"})
    with pytest.raises(ClusterError, match=r"group\.consumer"):
        cluster.start()


def test_changed_jar_is_fetched_again_and_wrong_checksum_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = LOCK.read_text().splitlines()[0]
    name = first.rpartition("/")[2]
    kept = ensure_jars()
    shutil.copytree(kept, cache / kept.name)
    libs = ensure_jars(cache)
    assert libs.parent == cache
    with (libs / name).open("ab") as jar:
        jar.write(b"x")
    assert [line.split(":")[0] for line in differences(libs)] == [name]
    assert differences(ensure_jars(cache)) == []

    wrong = tmp_path / "jars.lock"
    wrong.write_text(LOCK.read_text().replace(first.split()[0], "0" * 64))
    with pytest.raises(JarError, match=f"{name}: sha256 is .* the lock says 0000"):
        ensure_jars(cache, wrong)
    assert sorted(path.name for path in cache.glob("libs-*")) == [libs.name]


def test_broker_with_passwords_lets_its_users_in() -> None:
    """The same over TLS: `test_setup_failures`."""
    with Cluster(security="SASL_PLAINTEXT", users=[Credentials("app", "right")]) as cluster:
        config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": cluster.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "app",
            "sasl.password": "right",
        }
        assert AdminClient(config).list_topics(timeout=10).brokers


def test_classes_are_used_once_they_are_kept(tmp_path: Path) -> None:
    libs, written = tmp_path / "libs-1", tmp_path / "written"
    assert reading(libs) == ()
    assert not keep(written, libs), "this Java writes none"
    written.write_bytes(b"classes")
    assert keep(written, libs)
    assert reading(libs) == (f"-XX:SharedArchiveFile={archive_of(libs)}",)
    assert archive_of(libs).read_bytes() == b"classes"
    assert reading(tmp_path / "libs-2") == (), "they are of these jars alone"
