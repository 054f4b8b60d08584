"""What is wrong with the surroundings is said once and clearly: thing, value, remedy; exit code 2; within 15 s."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from confluent_kafka import Producer
from msgspec import structs

from kafka.cluster import Cluster
from kafka.properties import Credentials
from models.engine.frozen import SNAPSHOT_FORMAT
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.clock import now_ms
from streams.transport.snapshots.records import MANIFEST_FORMAT, Key, to_key, to_value
from support.broker import Broker, create_topics, delete_topics, set_config
from support.program import Outcome, run
from support.snapshots import SnapshotOwner

COMMANDS = [("topics", "check"), ("doctor",), ("worker",)]
"""All that look at the surroundings say the same. They are run side by side: some wait."""


@pytest.fixture
def topics(broker: Broker, prefix: str) -> Iterator[str]:
    """A prefix whose topics are all there."""
    made = run("topics", "create", bootstrap=broker.bootstrap, prefix=prefix, partitions="2")
    assert made.code == 0, made.err
    yield prefix
    delete_topics(broker, prefix)


def assert_refused(outcome: Outcome, *words: str) -> None:
    """Exit code 2, in time, no traceback, and one message with all the words."""
    said = outcome.out + outcome.err
    assert outcome.code == 2, said
    assert outcome.seconds < 15, f"took {outcome.seconds:.1f} s"
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, said


def assert_all_refuse(*words: str, **settings: str) -> list[Outcome]:
    """Each of the commands refuses to work, with all the words."""
    with ThreadPoolExecutor(len(COMMANDS)) as threads:
        outcomes = list(threads.map(lambda command: run(*command, **settings), COMMANDS))
    for outcome in outcomes:
        assert_refused(outcome, *words)
    return outcomes


def test_missing_output_topic_is_named(broker: Broker, topics: str) -> None:
    delete_topics(broker, f"{topics}.stages")
    where = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": "2"}
    for outcome in assert_all_refuse(f"{topics}.stages", "missing", "churn-signals topics create", **where):
        assert f"{topics}.alerts:" not in outcome.err


def test_wrong_partition_count_is_named(broker: Broker, topics: str) -> None:
    name = f"{topics}.events.login"
    delete_topics(broker, name)
    create_topics(broker, {name: 3})
    where = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": "2"}
    assert_all_refuse(name, "3 partitions", "CHURN_PARTITIONS is 2", "Delete", **where)


def test_partition_setting_unlike_all_topics_is_named(broker: Broker, topics: str) -> None:
    outcome = run("topics", "check", bootstrap=broker.bootstrap, prefix=topics, partitions="4")
    assert_refused(outcome, "CHURN_PARTITIONS: 4", "have 2 partitions", "Set CHURN_PARTITIONS=2")


def test_history_older_than_the_retention_is_named(broker: Broker, topics: str) -> None:
    name = f"{topics}.events.purchase"
    set_config(broker, name, retention_ms="2419200000")
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(name, b"{}", key=b"c1", timestamp=852_076_800_000)  # 1 January 1997
    assert producer.flush(10) == 0
    where = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": "2"}
    says = (f"retention.ms of topic {name}", "2419200000 (28 days)", "1997-01-01", "Set retention.ms")
    assert_all_refuse(*says, **where)


def test_retention_within_a_day_and_the_lateness_bound_is_named(broker: Broker, topics: str) -> None:
    name = f"{topics}.events.login"
    set_config(broker, name, retention_ms=str(8 * 86_400_000))
    where = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": "2"}
    says = (f"retention.ms of topic {name}: 691200000 (8 days)", "CHURN_LATENESS_DAYS is 7", "above 691200000")
    for outcome in assert_all_refuse(*says, **where):
        assert f"{topics}.ticks" not in outcome.err


def test_changelog_that_is_not_compacted_is_named(broker: Broker, topics: str) -> None:
    name = f"{topics}.changelog"
    set_config(broker, name, cleanup_policy="delete")
    outcome = run("topics", "check", bootstrap=broker.bootstrap, prefix=topics, partitions="2")
    assert_refused(outcome, f"cleanup.policy of topic {name}: delete", "Set it to compact")


def test_wrong_setting_is_named(broker: Broker) -> None:
    wrong = ("CHURN_DISORDER_S", "'an hour'", "Allowed: a whole number from 0 to 86400")
    assert_all_refuse(*wrong, bootstrap=broker.bootstrap, disorder_s="an hour")
    unknown = ("CHURN_DISSORDER_S", "no setting of this name", "Did you mean CHURN_DISORDER_S?")
    assert_all_refuse(*unknown, bootstrap=broker.bootstrap, dissorder_s="3600")


def test_unreachable_broker_is_named() -> None:
    assert_all_refuse("CHURN_BOOTSTRAP", "127.0.0.1:1", "Is Kafka running there", bootstrap="127.0.0.1:1")


def test_wrong_password_is_named_but_not_shown(guarded: Cluster) -> None:
    wrong = login(guarded, "wr0ng-secret")
    for outcome in assert_all_refuse("CHURN_SASL_PASSWORD", "'app'", "Check name, password", **wrong):
        assert "wr0ng-secret" not in outcome.out + outcome.err


def test_right_password_over_tls_creates_and_checks_topics(guarded: Cluster) -> None:
    made = run("topics", "create", **login(guarded, "right"), partitions="2")
    assert made.code == 0, made.err
    assert run("doctor", **login(guarded, "right"), partitions="2").code == 0


def test_unknown_authority_is_named(guarded: Cluster) -> None:
    settings = login(guarded, "right")
    del settings["ssl_ca"]
    assert_refused(
        run("topics", "check", **settings), "CHURN_SSL_CA", "certificate verify failed", "Check CHURN_SSL_CA"
    )


def test_healthy_cluster_passes_every_check(broker: Broker, topics: str) -> None:
    settings = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": "2"}
    assert run("topics", "check", **settings).code == 0
    assert run("topics", "create", **settings).code == 0
    outcome = run("doctor", "--json", **settings)
    observations = json.loads(outcome.out)
    assert outcome.code == 0, outcome.out
    assert {line["subject"] for line in observations} == {
        *("versions", "disk", "broker", "topics", "retention", "permissions", "partitioner", "clock", "feeds"),
        *("state", "workers", "learner", "dispatcher"),
        *("late", "dead letters"),
    }
    assert {line["subject"] for line in observations if line["level"] != "ok"} == {
        "workers",
        "learner",
        "dispatcher",
    }  # none runs


def test_doctor_sees_a_wrong_partitioner_and_a_wrong_clock(broker: Broker, topics: str) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    ahead_ms = now_ms() + 1_800_000  # the broker itself refuses more than an hour
    for number in range(20):
        key = f"customer-{number}".encode()
        producer.produce(f"{topics}.events.login", b"{}", key=key, partition=0, timestamp=ahead_ms)
    assert producer.flush(10) == 0
    outcome = run("doctor", bootstrap=broker.bootstrap, prefix=topics, partitions="2")
    assert_refused(outcome, "PROBLEM partitioner", f"{topics}.events.login", "murmur2")
    assert_refused(outcome, "PROBLEM clock", "ahead of this machine's clock")


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    """A broker that wants TLS and a password."""
    with Cluster(security="SASL_SSL", users=[Credentials("app", "right")]) as cluster:
        yield cluster


def login(cluster: Cluster, password: str) -> dict[str, str]:
    return {
        "bootstrap": cluster.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_username": "app",
        "sasl_password": password,
        "ssl_ca": str(cluster.ca),
    }


@pytest.mark.parametrize("is_manifest", [False, True])
def test_state_that_another_program_wrote_is_named_by_whoever_reads_it(
    broker: Broker, topics: str, *, is_manifest: bool
) -> None:
    payload = msgspec.msgpack.encode([{"format": SNAPSHOT_FORMAT + 1}, []])
    owner = SnapshotOwner(broker.bootstrap, Topics(topics).changelog, "newer")
    owner.take_over([partition_of(b"c1", 2)])
    manifest = owner.write(
        len(payload).to_bytes(8, "big") + payload, partition_of(b"c1", 2), state_format=SNAPSHOT_FORMAT + 1
    )
    read = SNAPSHOT_FORMAT
    if is_manifest:
        other, read = structs.replace(manifest, format=MANIFEST_FORMAT + 1), MANIFEST_FORMAT
        owner.put(to_key(Key("manifest", *manifest.place)), to_value(other), partition_of(b"c1", 2))
    settings = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": "2", "erasure_salt": "pepper"}
    words = (f"format {read + 1}", f"this program reads {read}", "Start the program that wrote it", "CHURN_APP_VERSION")
    commands = (("customer", "c1"), ("customer", "--all", "-"), ("erase", "c1", "--by", "Ann", "--yes"), ("worker",))
    with ThreadPoolExecutor(2) as threads:
        doctor, *others = threads.map(lambda command: run(*command, **settings), (("doctor",), *commands))
    for outcome in others:
        assert_refused(outcome, *(word.removeprefix("format ") for word in words))
    assert_refused(doctor, *words)
    assert "ok      state" not in doctor.out
