"""`uplift --live` and `precision --live` read the topics, and say what they say of the same records in files."""

from __future__ import annotations

from pathlib import Path

import msgspec
from confluent_kafka import Producer

from contract.test_precision_command import line_of
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.report.precision import PrecisionReport
from streams.report.uplift import UpliftReport
from support.broker import Broker
from support.experiments import counted
from support.program import run
from unit.test_precision import Record, alert, held, said

OUTCOMES = counted((60, 90), (10, 30))
RECORDS: dict[str, list[Record]] = {
    "outcomes": [*OUTCOMES, *OUTCOMES[:5]],
    "alerts": [alert(number) for number in range(90)],
    "suppressed": [held(number) for number in range(90, 120)],
    "receipts": [said(number, "kept" if number % 3 else "false_alarm") for number in range(60)],
}


def post(broker: Broker, topic: str, values: list[tuple[bytes, bytes]]) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for key, value in values:
        producer.produce(topic, value, key, partition=partition_of(key, 3))
    assert producer.flush(30) == 0


def customer_of(one: Record) -> bytes:
    return str(getattr(one, "customer_id", "") or getattr(getattr(one, "alert", None), "customer_id", "")).encode()


def test_topics_say_what_files_say_and_what_is_not_ours_is_named(broker: Broker, prefix: str, tmp_path: Path) -> None:
    where = {"bootstrap": broker.bootstrap, "prefix": prefix, "partitions": "3"}
    missing = run("uplift", "--live", **where)
    assert (missing.code, f"topic {prefix}.outcomes: missing" in missing.err) == (2, True)
    assert run("topics", "create", **where).code == 0
    nothing = run("uplift", "--live", **where)
    assert (nothing.code, "No trial of an experiment is over" in nothing.out) == (0, True)
    files = []
    for name, records in RECORDS.items():
        topic = getattr(Topics(prefix), name)
        post(broker, topic, [(customer_of(one), line_of(one)) for one in records])
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_bytes(b"\n".join(map(line_of, records)))
    live = msgspec.json.decode(run("uplift", "--live", "--json", **where).out, type=UpliftReport)
    filed = msgspec.json.decode(run("uplift", str(files[0]), "--json").out, type=UpliftReport)
    assert live.uplift == filed.uplift
    assert (live.uplift.trials, live.uplift.repeated, live.made.files) == (120, 5, ())
    told = msgspec.json.decode(run("precision", "--live", "--json", **where).out, type=PrecisionReport)
    read = msgspec.json.decode(run("precision", *map(str, files), "--json").out, type=PrecisionReport)
    assert (told.signals, told.says) == (read.signals, read.says)
    assert sum(one.answered for one in told.signals) == 60
    post(broker, Topics(prefix).outcomes, [(b"c1", b'{"hello": "world"}')])
    for command in ("uplift", "precision"):
        refused = run(command, "--live", **where)
        assert (refused.code, refused.out) == (2, "")
        assert f"topic {prefix}.outcomes: a record is not ours" in refused.err
