"""`uplift --live` and `precision --live` read the topics, and say what they say of the same records in files."""

from __future__ import annotations

from pathlib import Path

import msgspec
from confluent_kafka import Producer

from contract.test_precision_command import line_of
from schemas.instant import to_rfc3339
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.report.hits import HitReport
from streams.report.precision import PrecisionReport
from streams.report.uplift import UpliftReport
from support.broker import Broker
from support.builders import line
from support.experiments import counted
from support.histories import Size, history, write_history
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
    assert (nothing.code, "No trial of an experiment is over" in nothing.out) == (1, True)
    assert "no outcome of an experiment is on the topics: workers send one" in nothing.err
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


def test_hit_rates_of_the_topics_are_those_of_the_files_that_were_posted(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    where = {"bootstrap": broker.bootstrap, "prefix": prefix, "partitions": "3"}
    assert run("topics", "create", **where).code == 0
    events = history(Size(3_000, 250, 180), 2)
    file = write_history(events, tmp_path / "events.jsonl")
    assert run("produce", str(file), **where).code == 0
    refused: list[tuple[bytes, bytes]] = [(b"c1", b"no event"), (b"c00001", line(events[0]))]
    post(broker, Topics(prefix).event(events[0].feed), refused)
    asked = ("signals", "--horizon-days", "30", "--json", "--live")
    live, filed = run(*asked, **where), run(*asked[:-1], str(file))
    found = [msgspec.json.decode(one.out, type=HitReport) for one in (live, filed)]
    assert found[0].rates == found[1].rates
    assert "2 records refused, as a worker refuses them: 1 key_mismatch, 1 not_json" in live.err
    assert (found[0].made.files, found[0].made.bad_lines, found[0].made.events) == ((), 2, 3_000)
    told = to_rfc3339(events[2_000].time_ms)
    before = write_history([one for one in events if one.time_ms < events[2_000].time_ms], tmp_path / "before.jsonl")
    cut = run(*asked, **where, alerts_from=told)
    assert "events since " in cut.err
    known = run(*asked[:-1], str(before), "--until", told)
    rates = [msgspec.json.decode(one.out, type=HitReport).rates for one in (cut, known)]
    assert rates[0] == rates[1] != found[0].rates
    warned = run(*asked, "--until", to_rfc3339(events[-1].time_ms), **where, alerts_from=told)
    assert "who came back then may have been won" in warned.err
    for wrong in ((str(file), "--live"), (), ("--live", "--mapping", "shopify")):
        assert run("signals", *wrong, **where).code == 2
