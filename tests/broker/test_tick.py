"""`tick` on a real broker."""

from __future__ import annotations

from pathlib import Path

from schemas.instant import to_rfc3339
from schemas.partitioner import partition_of
from schemas.tick import decode_tick
from streams.clock import now_ms
from support.broker import Broker
from support.builders import NOON_MS, line, login
from support.program import run
from support.reading import read_topic


def test_every_partition_gets_the_time_and_the_end_of_every_feed(broker: Broker, prefix: str, tmp_path: Path) -> None:
    where = {"bootstrap": broker.bootstrap, "prefix": prefix, "partitions": "3"}
    assert run("topics", "create", **where).code == 0
    customers = [f"c{number}" for number in range(10)]
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(line(login(customer)) for customer in customers))
    assert run("produce", str(file), **where).code == 0
    outcome = run("tick", "--at", to_rfc3339(NOON_MS), **where)
    assert outcome.code == 0, outcome.err
    messages = read_topic(broker.bootstrap, f"{prefix}.ticks")[1::2]  # behind those of `produce`
    assert [message.partition() for message in messages] == [0, 1, 2]
    for message in messages:
        tick = decode_tick(message.value())
        count = sum(partition_of(customer.encode(), 3) == message.partition() for customer in customers)
        assert tick.now_ms == NOON_MS
        assert tick.idle == {"purchase": 0, "login": count, "ticket": 0, "email": 0}


def test_time_without_offset_is_wrong_usage(broker: Broker, prefix: str) -> None:
    outcome = run("tick", "--at", "2026-03-01", bootstrap=broker.bootstrap, prefix=prefix)
    assert outcome.code == 2
    assert "RFC 3339" in outcome.err


def test_a_time_that_has_not_come_is_refused_and_nothing_is_posted(broker: Broker, prefix: str) -> None:
    where = {"bootstrap": broker.bootstrap, "prefix": prefix, "partitions": "1"}
    assert run("topics", "create", **where).code == 0
    outcome = run("tick", "--at", to_rfc3339(now_ms() + 600_000), **where)
    assert (outcome.code, outcome.out) == (2, "")
    assert "has not come yet" in outcome.err
    assert "replay --until" in outcome.err
    assert read_topic(broker.bootstrap, f"{prefix}.ticks") == []


def test_missing_topic_is_named(broker: Broker, prefix: str) -> None:
    outcome = run("tick", bootstrap=broker.bootstrap, prefix=prefix)
    assert outcome.code == 2
    assert f"{prefix}.ticks" in outcome.err
