"""Who is erased stays so when everything is begun anew, and what was taken away is not sent again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from models.engine.ledger import COMMANDS
from schemas.command import Command, encode_command
from schemas.dead_letter import Origin, late_headers, origin_key
from schemas.erasure import erased_name
from schemas.example import LabelV1, LessonV1, SnapshotV1, encode_lesson, lesson_key
from schemas.topics import Topics
from streams.files.catalogue_file import load_rules
from streams.readback.state import read_partitions
from streams.settings import load_settings
from streams.transport.published import Published, own_outputs, read_published, shared_outputs
from streams.transport.snapshots.sender import epoch_header
from support.arrivals import Arrival, merged
from support.broker import Broker, create_topics
from support.builders import DAY_MS, email, login, purchase, ticket
from support.posting import post
from support.program import environment, run
from support.reading import read_topic
from support.snapshots import NEVER
from support.workers import RULES_ONLY, Deployment, deploy, wait_for_lag_zero, workers

FIRST_MS = 20_000 * DAY_MS


def test_what_was_taken_away_counts_as_sent(broker: Broker, prefix: str) -> None:
    topics = Topics(prefix)
    create_topics(broker, dict.fromkeys((*own_outputs(topics), *shared_outputs(topics)), 1), {"retention.ms": "-1"})
    producer = Producer({"bootstrap.servers": broker.bootstrap})

    def put(topic: str, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]] | None = None) -> None:
        producer.produce(topic, value, key, 0, headers=[*(headers or [epoch_header(1)])])

    labels = (LabelV1(0, "2026-01-02T00:00:00Z", is_true=True),)
    lesson = LessonV1("c1", "q", (SnapshotV1("2026-01-01T00:00:00Z", b"\0\0\0\0", None, labels),))
    payload, origin = encode_lesson(lesson), Origin(topics.event(1), 0, 41, 1_000)
    for revision in (1, 2):
        of = {"alert_id": "a1", "revision": revision, "status": "firing"}
        put(topics.alerts, f"a1/{revision}".encode(), msgspec.json.encode(of))
    for revision in (1, 2):
        put(topics.alerts, f"a1/{revision}".encode(), None)
    put(topics.stages, b"s1", None)
    put(topics.receipts, b"r1", None)
    put(topics.examples, lesson_key(lesson, payload), None)
    put(topics.late, origin_key(origin), None)
    late = late_headers(Origin(topics.event(1), 0, 42, 1), event_time_ms=1, boundary_ms=2, key=b"c1", headers=[])
    put(topics.late, origin_key(Origin(topics.event(1), 0, 42, 1)), b"{}", late)
    assert producer.flush(20) == 0
    connection = {"bootstrap.servers": broker.bootstrap}
    found: Published = read_published(connection, topics, {0: {}}, epochs={}, stop=NEVER)[0]
    assert (found.has_alert("a1", 2), found.has_alert("a1", 3), found.left_open) == (True, False, {})
    assert found.has_stage("s1")
    assert found.has_record(b"r1", b"whatever it said")
    assert found.has_lesson(payload)
    assert [found.has_late(topics.event(1), offset) for offset in (41, 42, 43)] == [True, True, False]
    assert found.unreadable == 0


def lives_on(deployment: Deployment) -> None:
    with workers(deployment, f"main-{deployment.version}") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0


@pytest.mark.slow
def test_who_is_erased_does_not_come_back_when_everything_is_begun_anew(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    more = {"catalogue": RULES_ONLY, "erasure_salt": "pepper"}
    deployment = deploy(broker, prefix, tmp_path, partitions=1, **more)
    events = [purchase(f"c{n}", FIRST_MS + n, currency="USD", id=f"p{n}") for n in range(9)]
    events += [login(f"c{n % 2}", FIRST_MS + n * DAY_MS, id=f"l{n}") for n in range(1, 6)]
    events += [purchase("c0", FIRST_MS + 5 * DAY_MS, currency="USD", id="p")]
    events += [email("c0", FIRST_MS + 5 * DAY_MS, id="e"), ticket("c0", FIRST_MS + 5 * DAY_MS, id="t")]
    said = Command("k", "erase", "c1", FIRST_MS + 60_000, "Ann")
    post(deployment, [*merged(events), Arrival(COMMANDS, b"c1", encode_command(said), said.at_ms)])
    lives_on(deployment)
    (news,) = read_topic(broker.bootstrap, deployment.topics.erased)
    assert news.key() == erased_name("pepper", "c1").encode()
    again = replace(deployment, more=more | {"app_version": "2"})
    assert run("topics", "create", **again.settings).code == 0
    lives_on(again)
    settings = load_settings(environment(again.settings))
    (partition,) = read_partitions(settings, load_rules(settings)).values()
    assert "c1" not in partition.customers.roster.ids
    assert [of["erased"] for of in partition.ledger.counts] == [1, 3, 0, 0]
    assert [of["applied"] for of in partition.ledger.counts] == [9, 2, 1, 1]
    other = replace(deployment, more=more | {"app_version": "3", "erasure_salt": "salt"})
    assert run("topics", "create", **other.settings).code == 0
    with workers(other, "main-3") as (main,):
        main.start()
        assert main.process.wait(30) == 2
        assert "CHURN_ERASURE_SALT: another than the customers" in main.log()
