"""`produce` on a real broker: what is posted where, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry
from confluent_kafka.admin._config import ConfigResource

from schemas.event import FEEDS
from schemas.partitioner import partition_of
from streams.clock import now_ms
from support.broker import Broker, delete_topics
from support.builders import DAY_MS, HOUR_MS, NOON_MS, email, line, login, purchase, ticket
from support.program import Outcome, run
from support.reading import read_topic

PARTITIONS = 3


@pytest.fixture
def topics(broker: Broker, prefix: str) -> Iterator[str]:
    made = run("topics", "create", bootstrap=broker.bootstrap, prefix=prefix, partitions=str(PARTITIONS))
    assert made.code == 0, made.err
    yield prefix
    delete_topics(broker, prefix)


def produce(broker: Broker, prefix: str, *arguments: str) -> Outcome:
    return run("produce", *arguments, bootstrap=broker.bootstrap, prefix=prefix, partitions=str(PARTITIONS))


def posted(broker: Broker, prefix: str) -> dict[str, list[Message]]:
    return {feed: read_topic(broker.bootstrap, f"{prefix}.events.{feed}") for feed in FEEDS}


def test_events_lie_on_javas_partition_with_key_value_and_event_time(
    broker: Broker, topics: str, tmp_path: Path
) -> None:
    events = [make(f"c{number}", NOON_MS + number) for number in range(25) for make in (purchase, login, ticket, email)]
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(line(event) for event in reversed(events)))
    outcome = produce(broker, topics, str(file))
    assert outcome.code == 0, outcome.err
    assert "posted 100 events (25 purchase, 25 login, 25 ticket, 25 email)" in outcome.out
    found = posted(broker, topics)
    for event in events:
        (message,) = [one for one in found[FEEDS[event.feed]] if one.value() == line(event)]
        assert message.key() == event.customer_id.encode()
        assert message.timestamp()[1] == event.time_ms
        assert message.partition() == partition_of(event.customer_id.encode(), PARTITIONS)
    for messages in found.values():
        for partition in range(PARTITIONS):
            times = [one.timestamp()[1] for one in messages if one.partition() == partition]
            assert times == sorted(times)


def test_bad_lines_are_told_and_the_good_ones_posted(broker: Broker, topics: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(line(login()) + b"\n{\n" + line(purchase()).replace(b'"items":1', b'"items":0'))
    outcome = produce(broker, topics, str(file))
    assert outcome.code == 1
    assert f"{file}:2: not_json" in outcome.err
    assert f"{file}:3: out_of_range at data.items" in outcome.err
    assert "posted 1 event (" in outcome.out
    assert produce(broker, topics, str(file), "--skip-bad").code == 0


def test_history_older_than_the_retention_is_refused(broker: Broker, topics: str, tmp_path: Path) -> None:
    topic = f"{topics}.events.login"
    entry = ConfigEntry("retention.ms", "86400000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin = broker.admin()
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(10)
    file = tmp_path / "events.jsonl"
    file.write_bytes(line(login()))
    outcome = produce(broker, topics, str(file))
    assert outcome.code == 2
    assert topic in outcome.err
    assert "86400000" in outcome.err
    assert posted(broker, topics)["login"] == []


def test_missing_topic_is_named(broker: Broker, prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(line(email()))
    outcome = produce(broker, prefix, str(file))
    assert outcome.code == 2
    assert f"{prefix}.events.email" in outcome.err
    assert "topics create" in outcome.err


def test_history_moved_to_now_ends_yesterday_and_says_by_how_much(broker: Broker, topics: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(line(login(at_ms=NOON_MS - 1000 * DAY_MS)) + b"\n" + line(purchase(at_ms=NOON_MS - 999 * DAY_MS)))
    today = now_ms() // DAY_MS
    outcome = produce(broker, topics, str(file), "--shift-to-now")
    assert outcome.code == 0, outcome.err
    days = today - 1 - (NOON_MS // DAY_MS - 999)
    assert f"replay --shift-by {days}" in outcome.err.replace("\n", " ")
    found = posted(broker, topics)
    assert [message.timestamp()[1] // DAY_MS for message in found["purchase"]] == [today - 1]
    assert [message.timestamp()[1] // DAY_MS for message in found["login"]] == [today - 2]


def test_speed_lets_history_pass_at_a_multiple_of_real_time(broker: Broker, topics: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(line(login(at_ms=NOON_MS + hour * HOUR_MS)) for hour in range(3)))
    outcome = produce(broker, topics, str(file), "--speed", "7200")
    assert outcome.code == 0, outcome.err
    seconds = float(outcome.out.partition(" s;")[0].rpartition(" ")[2])
    assert 0.9 < seconds < 10
