"""Records of customers: what is read without unpacking them, and those of older versions."""

from __future__ import annotations

import json
import random
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from models.bounds import FAR, FOREVER
from models.customer import NEVER, Customer, Outline
from models.customer_record import (
    RECORD_VERSION,
    UnknownRecordVersionError,
    by_header,
    decode_customer,
    decode_outline,
    encode_customer,
    peek,
)
from models.oracle import Oracle
from models.partition import Partition
from models.partition_record import PARTITION_KEY

from models.catalogue.catalogue import without_model
from support.one_partition import PATTERNS, differences, logs_of, oracle, run
from support.troubled import default_rules, rich_history
from support.version_1 import WorkerOfVersion1, as_version_1

WRITTEN_BY_VERSION_1 = Path(__file__).parents[1] / "data/records/version-1.jsonl"
"""A line each: the record, and what it held."""
BOUNDS = {"fresh", "quiet", "deaf", "hears"}


def as_told(value: object) -> Any:
    """In the types of JSON."""
    return json.loads(msgspec.json.encode(value))


@cache
def records() -> tuple[bytes, ...]:
    """What the engine leaves of a rich history."""
    truth = Oracle(default_rules(), 1)
    for event in sorted(rich_history(5, customers=8, days=90), key=lambda event: (event.time_ms, event.feed)):
        truth.take(event)
    truth.finish()
    return tuple(packed for key, packed in truth.partitions[0].records.items() if key != PARTITION_KEY)


@pytest.mark.parametrize("line", WRITTEN_BY_VERSION_1.read_text().splitlines())
def test_records_that_version_1_wrote_are_read(line: str) -> None:
    kept = json.loads(line)
    packed, old = b64decode(kept["packed"]), kept["fields"]
    customer = decode_customer(packed)
    assert packed[0] == 1
    assert {name: as_told(getattr(customer, name)) for name in old if name not in BOUNDS} == {
        name: value for name, value in old.items() if name not in BOUNDS
    }
    assert customer.fresh == {feed: day for feed, day in enumerate(old["fresh"]) if day < NEVER}
    assert [FOREVER if day >= NEVER else min(FAR, max(0, day - old["reviewed"])) for day in old["quiet"]] == [
        *customer.quiet
    ]
    assert [min(FAR, max(0, day - old["reviewed"])) for day in old["deaf"]] == [*customer.deaf]
    assert [number & 15 for number in old["hears"]] == [*customer.hears]
    days_after = [(number >> 4) - old["reviewed"] for number in old["hears"]]
    assert [min(FAR, max(0, days)) for days in days_after] == [*customer.hears_after]
    header = peek(packed)
    assert (header.due, header.stage) == (old["due"], old["stage"] or "none")
    assert header.has_outbox == bool(old["outbox"] or old["verdicts"])
    assert header.has_alerts == bool(old["episodes"] or old["announced"])
    waits_or_is_scored = header.has_outbox or header.has_alerts or bool(old["pending"] or old["risks"])
    assert header.is_plain is not waits_or_is_scored


def test_they_are_written_in_the_present_version() -> None:
    for line in WRITTEN_BY_VERSION_1.read_text().splitlines():
        customer = decode_customer(b64decode(json.loads(line)["packed"]))
        again = encode_customer(customer, 7)
        assert again[0] == RECORD_VERSION
        assert decode_customer(again) == customer


@pytest.mark.parametrize("chance", range(3))
def test_a_worker_that_takes_over_records_of_version_1_goes_on_as_if_nothing_had_happened(chance: int) -> None:
    rules, events = without_model(default_rules()), rich_history(chance, customers=6, days=120)
    end_ms = max(event.time_ms for event in events) + 90 * 86_400_000
    found = run(
        rules, logs_of(events), PATTERNS["mixed"], random.Random(chance), crashes=8, life=WorkerOfVersion1,
        until_ms=end_ms,
    )  # fmt: skip
    assert {packed[0] for key, packed in found.records.items() if key != PARTITION_KEY} == {1}
    assert differences(found, oracle(rules, events, end_ms)) == []


def test_the_outline_says_what_the_whole_record_says() -> None:
    assert any(decode_customer(packed).episodes for packed in records())
    for packed in (*records(), *map(as_version_1, records())):
        customer, outline = decode_customer(packed), decode_outline(packed)
        for name in Outline.__struct_fields__:
            assert getattr(outline, name) == getattr(customer, name)


def test_keys_are_grouped_by_what_peek_says_of_their_records() -> None:
    packed = {b"%d" % number: record for number, record in enumerate((*records(), *map(as_version_1, records())))}
    grouped = by_header(packed.items())
    assert sorted(key for _, keys in grouped for key in keys) == sorted(packed)
    assert all(peek(packed[key]) == header for header, keys in grouped for key in keys)


@pytest.mark.parametrize("version", [0, RECORD_VERSION + 1])
def test_a_record_of_a_later_version_is_refused_by_name(version: int) -> None:
    packed = bytes((version,)) + encode_customer(Customer(), 1)[1:]
    for read in (decode_customer, decode_outline, peek, lambda packed: by_header([(b"c", packed)])):
        with pytest.raises(UnknownRecordVersionError, match=f"record format {version} is not known"):
            read(packed)


def test_a_restored_partition_stands_as_the_one_that_wrote_the_records() -> None:
    events = rich_history(3, customers=6, days=80)
    truth = Oracle(default_rules(), 1)
    for event in sorted(events, key=lambda event: (event.time_ms, event.feed)):
        truth.take(event)
    truth.finish()
    before = truth.partitions[0]
    after = Partition(before.engine, dict(before.records))
    assert [output.ref for output in after.unsent() if output.kind != "progress"]
    due = {}
    while found := after.schedule.take(NEVER - 1, 1):
        due[found[1][0]] = found[0]
    headers = {key: peek(packed) for key, packed in before.records.items() if key != PARTITION_KEY}
    assert due == {key: header.due for key, header in headers.items() if header.due < NEVER}
