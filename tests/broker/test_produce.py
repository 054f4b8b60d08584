"""`produce` on a real broker: what is posted where, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import (
    NewPartitions,
)

from schemas.event import FEEDS
from schemas.partitioner import partition_of
from schemas.topics import topic_table
from streams.clock import now_ms
from support.broker import Broker, delete_topics, set_config
from support.builders import DAY_MS, HOUR_MS, NOON_MS, email, line, login, purchase, ticket
from support.exports import HEAD, shop, table
from support.exports_systems import SYSTEMS
from support.program import Outcome, run
from support.reading import read_topic
from support.recorded import totals_of
from support.workers import deploy, wait_for_lag_zero, workers

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
    set_config(broker, topic, retention_ms="86400000")
    file = tmp_path / "events.jsonl"
    file.write_bytes(line(login()))
    outcome = produce(broker, topics, str(file))
    assert outcome.code == 2
    assert topic in outcome.err
    assert "86400000" in outcome.err
    assert posted(broker, topics)["login"] == []


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
@pytest.mark.parametrize("command", ["produce", "dead-letters replay"])
def test_an_event_topic_that_is_compacted_is_refused(
    broker: Broker, topics: str, tmp_path: Path, policy: str, command: str
) -> None:
    """Of each customer only the last event would stay."""
    topic = f"{topics}.events.login"
    set_config(broker, topic, cleanup_policy=policy)
    file = tmp_path / "events.jsonl"
    file.write_bytes(line(purchase()))  # for another topic: those of a deployment are judged together
    arguments = [*command.split(), *([str(file)] if command == "produce" else [])]
    outcome = run(*arguments, bootstrap=broker.bootstrap, prefix=topics, partitions=str(PARTITIONS))
    assert outcome.code == 2
    assert f"cleanup.policy of topic {topic}: {policy}. Set it to delete" in outcome.err
    assert posted(broker, topics)["purchase"] == []


def test_all_customers_of_events_nobody_took_are_no_success(broker: Broker, topics: str, tmp_path: Path) -> None:
    file, states = tmp_path / "events.jsonl", tmp_path / "states.jsonl"
    file.write_bytes(line(purchase()))
    settings = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": str(PARTITIONS), "group": topics}
    assert produce(broker, topics, str(file)).code == 0
    outcome = run("customer", "--all", str(states), **settings)
    assert outcome.code == 1
    assert "no customer is known at" in outcome.err
    assert states.read_bytes() == b""


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


def written(file: Path, days: range) -> str:
    """A file of two customers' logins and purchases on some days."""
    made = [
        line(make(f"c{number}", NOON_MS + day * DAY_MS))
        for day in days
        for number in range(2)
        for make in (login, purchase)
    ]
    file.write_bytes(b"\n".join(made))
    return str(file)


def test_history_that_is_late_is_counted_before_and_posted_only_when_it_is_meant(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("base: default\nmodel: off\nfeeds: [purchase, login]\n")
    deployment = deploy(broker, prefix, tmp_path, partitions=2, catalogue=str(own))
    newer, older = written(tmp_path / "b.jsonl", range(40, 60)), written(tmp_path / "a.jsonl", range(60))
    assert run("produce", newer, **deployment.settings).code == 0

    unread = run("produce", older, **deployment.settings)
    assert unread.code == 2, unread.out
    assert "are too late, from 2026-" in unread.err
    assert "because of the newer events that lie there already" in unread.err
    with workers(deployment, "main") as (main,):
        main.start()
        wait_for_lag_zero(deployment, [main])
        refused = run("produce", older, **deployment.settings)
        assert refused.code == 2
        assert "of 240 events are too late" in refused.err
        assert "say --late" in refused.err
        assert len(read_topic(broker.bootstrap, f"{prefix}.events.login")) == 40, "nothing was posted"

        meant = run("produce", older, "--late", **deployment.settings)
        assert meant.code == 0, meant.err
        said = int(re.findall(r"warning: (\d+) of 240 events are too late", meant.err)[0])
        wait_for_lag_zero(deployment, [main])
        assert main.terminate() == 0
    doctor = run("doctor", **deployment.settings)
    assert f"warning late: {said} events came too late and count nowhere" in doctor.out
    assert "ok      dead letters: nothing lies in" in doctor.out
    mine = [run("customer", f"c{number}", "--json", **deployment.settings) for number in range(2)]
    assert sum(json.loads(one.out)["late_events"] for one in mine) == said
    assert all("too late, so counted nowhere" in one.err for one in mine)
    counts = totals_of(deployment)
    assert counts["late"] == said == len(read_topic(broker.bootstrap, f"{prefix}.late"))
    assert counts["applied_late"] + counts["applied"] + counts["duplicate"] + said == 80 + 240


def test_topics_whose_partitions_changed_are_refused(broker: Broker, topics: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(line(login(f"c{number}", NOON_MS + number)) for number in range(60)))
    assert produce(broker, topics, str(file)).code == 0
    admin = broker.admin()
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(f"{topics}.")]
    single = {spec.name for spec in topic_table(topics) if spec.partitions == 1}
    wider = [NewPartitions(name, PARTITIONS + 1) for name in names if name not in single]
    for future in admin.create_partitions(wider[:1]).values():
        future.result(10)
    one = produce(broker, topics, str(file))
    assert (one.code, one.out) == (2, "")
    assert f"{wider[0].topic}: 4 partitions, but CHURN_PARTITIONS is 3" in one.err.replace("\n", " ")
    for future in admin.create_partitions(wider[1:]).values():
        future.result(10)
    every = produce(broker, topics, str(file))
    assert "CHURN_PARTITIONS: 3, but all topics" in every.err
    settings = {"bootstrap": broker.bootstrap, "prefix": topics, "partitions": str(PARTITIONS + 1)}
    adapted = run("produce", str(file), **settings)
    assert adapted.code == 2
    assert f"{topics}.events.login: 4 partitions, but its oldest records were placed for 3" in adapted.err
    assert len(posted(broker, topics)["login"]) == 60
    assert "its oldest records were placed for 3" in run("doctor", **settings).out


def test_topics_that_another_partitioner_filled_are_refused(broker: Broker, topics: str, tmp_path: Path) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "partitioner": "consistent_random", "linger.ms": 5})
    for number in range(60):
        event = login(f"c{number}", NOON_MS + number)
        producer.produce(f"{topics}.events.login", line(event), event.customer_id.encode(), timestamp=event.time_ms)
    assert producer.flush(20) == 0
    file = tmp_path / "events.jsonl"
    file.write_bytes(line(purchase()))
    outcome = produce(broker, topics, str(file))
    assert outcome.code == 2
    assert "recent records lie on a partition that is not their key's" in outcome.err
    assert "partitioner=murmur2_random" in outcome.err
    assert posted(broker, topics)["purchase"] == []


def test_exports_of_other_systems_are_posted_and_every_line_is_accounted_for(
    broker: Broker, topics: str, tmp_path: Path
) -> None:
    rows = ("1,c1,2025-01-01 10:00,10.00,1", "2,guest,2025-01-02 10:00,10.00,1", "3,c2,soon,10.00,1")
    (tmp_path / "orders.csv").write_bytes(table(HEAD, *rows))
    (tmp_path / "shop.yaml").write_text(shop())
    (tmp_path / "tickets.json").write_bytes(next(one.content for one in SYSTEMS if one.name == "zendesk"))
    rejects = tmp_path / "bad.csv"
    files = (f"{tmp_path / 'orders.csv'}:{tmp_path / 'shop.yaml'}", f"{tmp_path / 'tickets.json'}:zendesk")
    outcome = produce(broker, topics, *files, "--rejects", str(rejects))
    assert outcome.code == 1
    assert "posted 4 events (1 purchase, 3 ticket)" in outcome.out
    assert "left out 1: customer id stands for nobody (guest 1)" in outcome.err
    assert rejects.read_bytes() == table(HEAD, rows[2])
    assert {feed: len(found) for feed, found in posted(broker, topics).items() if found} == {"purchase": 1, "ticket": 3}


def test_a_file_of_which_nothing_comes_is_no_success(broker: Broker, topics: str, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b'{"ticket": 1}\n')
    outcome = produce(broker, topics, str(tmp_path / "events.jsonl"), "--skip-bad")
    assert (outcome.code, "nothing came of this file" in outcome.err) == (1, True)
    assert "posted 0 events (none)" in outcome.out
