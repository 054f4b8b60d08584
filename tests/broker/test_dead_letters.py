"""`dead-letters` on a real broker: every byte is shown, and originals go back as they were."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka import Producer

from schemas.dead_letter import Headers, Origin, dead_letter_headers, kept_part, kept_value, origin_key
from schemas.event import LOGIN
from schemas.partitioner import partition_of
from support.broker import Broker, delete_topics
from support.builders import NOON_MS, line, login
from support.corpus import poison, poison_kinds
from support.program import run
from support.reading import read_topic

PARTITIONS = 2


@pytest.fixture
def where(broker: Broker, prefix: str) -> Iterator[dict[str, str]]:
    settings = {"bootstrap": broker.bootstrap, "prefix": prefix, "partitions": str(PARTITIONS)}
    assert run("topics", "create", **settings).code == 0
    yield settings
    delete_topics(broker, prefix)


def set_aside(
    where: dict[str, str], records: Sequence[tuple[bytes | None, bytes | None, Headers, str]], topic: str | None = None
) -> None:
    producer = Producer({"bootstrap.servers": where["bootstrap"], "linger.ms": 5})
    for offset, (key, value, headers, reason) in enumerate(records):
        origin = Origin(topic or f"{where['prefix']}.events.login", 0, offset, NOON_MS + offset)
        written = dead_letter_headers(
            origin, stage="codec", reason=reason, error="why", key=key, value=value, headers=headers
        )
        producer.produce(
            f"{where['prefix']}.dead-letters", kept_value(value), origin_key(origin), partition=0, headers=[*written]
        )
    assert producer.flush(30) == 0


def shown(where: dict[str, str], *arguments: str) -> list[dict[str, object]]:
    outcome = run("dead-letters", "list", "--json", "--limit", "0", *arguments, **where)
    assert outcome.code == 0, outcome.err
    return [json.loads(row) for row in outcome.out.splitlines()]


def content(row: dict[str, object], name: str) -> bytes | None:
    if f"{name}_base64" in row:
        return b64decode(str(row[f"{name}_base64"]))
    return None if row[name] is None else str(row[name]).encode()


def test_every_byte_of_every_kind_of_poison_is_shown(where: dict[str, str]) -> None:
    bad = [poison(LOGIN, "c1", index) for index in range(poison_kinds(LOGIN))]
    set_aside(where, [(one.key, one.value, one.headers, one.reason) for one in bad])
    rows = shown(where)
    assert len(rows) == len(bad)
    for row, one in zip(rows, bad, strict=True):
        assert row["reason"] == one.reason
        assert content(row, "key") == one.key
        assert content(row, "value") == kept_part(one.value)
        assert row["size"] == len(one.value or b"")
    (chosen,) = {one["reason"] for one in shown(where, "--reason", "too_deep")}
    assert chosen == "too_deep"
    table = run("dead-letters", "list", "--limit", "3", **where)
    assert f"3 of {len(bad)} records" in table.out


def test_replay_says_what_would_become_of_records_and_posts_the_good_ones_as_they_were(where: dict[str, str]) -> None:
    good = login(at_ms=NOON_MS)
    headers: Headers = [("traceparent", b"00-\xff"), ("empty", b"")]
    records = [
        (b"c1", line(good), headers, "future"),
        (b"c1", b"{", [], "not_json"),
        (b"c1", b"x" * 70_000, [], "too_large"),
    ]
    set_aside(where, records)
    dry = run("dead-letters", "replay", "--dry-run", **where)
    assert "3 records: 1 would be applied" in dry.out
    assert "0 would now be too late" in dry.out
    assert "1 would be refused again (1 not_json)" in dry.out
    assert "1 cannot be posted again" in dry.out
    topic = f"{where['prefix']}.events.login"
    assert read_topic(where["bootstrap"], topic) == []
    unsure = run("dead-letters", "replay", **where)
    assert unsure.code != 0
    assert read_topic(where["bootstrap"], topic) == []
    outcome = run("dead-letters", "replay", "--yes", **where)
    assert outcome.code == 1, outcome.err  # two could not be posted
    assert "posted 1 record again" in outcome.out
    (message,) = read_topic(where["bootstrap"], topic)
    assert (message.key(), message.value(), message.headers()) == (b"c1", line(good), headers)
    assert message.timestamp()[1] == NOON_MS
    assert message.partition() == partition_of(b"c1", PARTITIONS)
    assert run("dead-letters", "replay", "--yes", "--reason", "future", **where).code == 0


def test_foreign_record_on_the_topic_is_named(where: dict[str, str]) -> None:
    producer = Producer({"bootstrap.servers": where["bootstrap"], "linger.ms": 5})
    producer.produce(f"{where['prefix']}.dead-letters", b"hello", b"k", partition=1)
    assert producer.flush(30) == 0
    outcome = run("dead-letters", "list", **where)
    assert outcome.code == 2
    assert "partition 1 offset 0" in outcome.err
