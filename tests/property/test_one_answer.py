"""One answer: the program accepts what the JSON Schemas accept and nothing else, live, from a file and wrapped."""

from __future__ import annotations

import json
from base64 import b64encode
from copy import deepcopy
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_event, decode_line, encode_event
from schemas.errors import RejectedError
from schemas.event import FEEDS, Event
from schemas.event_time import EVENT_TIME_SCHEMA, LAST_MS
from schemas.export import json_schemas
from schemas.tick import decode_tick
from support.corpus import bad_cases, good_cases
from support.odd_values import ODD
from support.tries import tries

by_schema = pytest.importorskip("support.by_schema", reason="jsonschema is not installed")

SCHEMAS: Final = [json_schemas()[f"event.{feed}.v1"] for feed in FEEDS]
RECORDS: Final = [by_schema.from_schema(schema) for schema in SCHEMAS]
VALIDATORS: Final = [by_schema.validator_of(schema) for schema in SCHEMAS]
BY_KEY: Final = {"missing_key", "key_mismatch"}
"""Reasons that a file has no occasion for."""
feeds = st.integers(0, len(FEEDS) - 1)
often = settings(max_examples=tries(200), suppress_health_check=[HealthCheck.too_slow])


def by_worker(feed: int, record: Any, value: bytes, headers: list[tuple[str, bytes]] | None = None) -> Event | str:
    """The event, or the reason why it is refused."""
    customer = record.get("customer_id") if isinstance(record, dict) else None
    key = customer.encode(errors="replace") if customer and isinstance(customer, str) else b"c1"
    try:
        return decode_event(feed, key, value, headers, LAST_MS)
    except RejectedError as error:
        return error.reason


def by_replay(value: bytes) -> Event | str:
    try:
        return decode_line(value)
    except RejectedError as error:
        return error.reason


def written(record: Any, draw: Any) -> bytes:
    return json.dumps(record, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))).encode()


def check(feed: int, record: Any, value: bytes) -> None:
    """Hold the answers of the schema, the worker and a replay against each other."""
    answer = by_worker(feed, record, value)
    accepts = VALIDATORS[feed].is_valid(record) and by_schema.is_within_limits(value, record)
    assert isinstance(answer, Event) == accepts, (answer, list(VALIDATORS[feed].iter_errors(record)))
    if not isinstance(record, dict) or record.get("type") not in FEEDS or record["type"] == FEEDS[feed]:
        assert by_replay(value) == answer


@often
@given(feeds, st.data())
def test_what_a_schema_accepts_the_program_accepts(feed: int, data: st.DataObject) -> None:
    record = data.draw(RECORDS[feed])
    check(feed, record, written(record, data.draw))


@often
@given(feeds, st.data())
def test_a_damaged_record_gets_one_answer(feed: int, data: st.DataObject) -> None:
    record = data.draw(RECORDS[feed])
    for _ in range(data.draw(st.integers(1, 3))):
        is_inner = isinstance(record.get("data"), dict) and data.draw(st.booleans())
        holder = record["data"] if is_inner else record
        name = data.draw(st.sampled_from([*SCHEMAS[feed]["properties"], *holder, "note"]))
        if data.draw(st.booleans()):
            holder[name] = deepcopy(data.draw(st.sampled_from(ODD)))
        else:
            holder.pop(name, None)
    check(feed, record, written(record, data.draw))


def login_at(time: str) -> dict[str, Any]:
    return {"type": "login", "customer_id": "c1", "event_time": time, "schema_version": 1, "source": "s", "data": {}}


def one_of(words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words.split())


times = st.tuples(
    st.sampled_from([*map(str, range(1969, 2101)), *(["1970", "2099", "2100"] * 40)]),
    one_of("-01-01 -01-02 -12-30 -12-31 -02-28 -02-29 -04-31 -13-01 -00-10"),
    st.sampled_from("Tt _"),
    one_of("00:00:00 23:59:59 12:00:00 24:00:00 23:59:60 1:00:00"),
    st.just("") | one_of(". .0 .000 .9 .999999 .9999994 .9999995 .0000004 .0000005 .123456789"),
    st.just("") | one_of("Z z +00:00 -0000 +00:01 -23:59 +23:59 +24:00 +0100 +01 -12:60"),
).map("".join)


@often
@given(times)
def test_a_time_gets_one_answer(time: str) -> None:
    check(1, login_at(time), json.dumps(login_at(time)).encode())


@pytest.mark.parametrize("name", ["now", "idle", "schema_version", "note"])
def test_a_tick_gets_one_answer(name: str) -> None:
    validator = by_schema.validator_of(json_schemas()["tick.v1"])
    odd = [*ODD, {"login": 2.0}, {"login": -1}, {"login": 1.5, "email": 0}, {"refund": 1}, {"email": 2**63}]
    for record in [{"now": "2026-01-01T00:00:00Z", "idle": {}} | {name: one} for one in odd]:
        value = json.dumps(record).encode()
        try:
            decode_tick(value)
        except RejectedError:
            accepted = False
        else:
            accepted = True
        assert accepted == (validator.is_valid(record) and by_schema.is_within_limits(value, record)), record


def test_every_time_that_is_odd_and_accepted_is_written_anew_as_one_that_is_accepted() -> None:
    validator, kept = by_schema.validator_of({"type": "string", **EVENT_TIME_SCHEMA}), 0
    for time in filter(validator.is_valid, (one for one in ODD if isinstance(one, str))):
        event = decode_line(json.dumps(login_at(time)).encode())
        assert 0 <= event.time_ms <= LAST_MS
        assert decode_line(encode_event(event)) == event
        kept += 1
    assert kept >= 10


# -- wrapped

ENVELOPE: Final = {"customer_id": "subject", "event_time": "time", "schema_version": "schemaversion"}
STRUCTURED: Final = ("content-type", b"application/cloudevents+json")
SPARE: Final = ("partitionkey", "dataschema", "traceparent", "datacontenttype")


def as_cloudevent(record: dict[str, Any], data: Any) -> dict[str, Any]:
    """The same as attributes, with some that are null."""
    found = {ENVELOPE.get(name, name): content for name, content in record.items()} | {"specversion": "1.0"}
    return found | {name: None for name in data.draw(st.lists(st.sampled_from(SPARE), max_size=3)) if name not in found}


@often
@given(feeds, st.data())
def test_a_cloudevent_is_the_event_that_its_plain_record_is(feed: int, data: st.DataObject) -> None:
    record = data.draw(RECORDS[feed])
    record = {name: content for name, content in record.items() if name in SCHEMAS[feed]["properties"]}
    record["id"] = record.get("id") or "e-1"
    value = written(record, data.draw)
    plain = by_worker(feed, record, value)
    attributes = as_cloudevent(record, data)
    assert by_worker(feed, record, written(attributes, data.draw)) == plain
    assert by_worker(feed, record, written(attributes, data.draw), [STRUCTURED]) == plain
    body = attributes.pop("data")
    packed = attributes | {"data": None, "data_base64": b64encode(json.dumps(body).encode()).decode()}
    if max(map(len, packed["data_base64"].split())) <= 1024:
        assert by_worker(feed, record, written(packed, data.draw)) == plain
    headers = [(f"ce_{name}", _header(content)) for name, content in attributes.items() if content is not None]
    assert by_worker(feed, record, written(body, data.draw), headers) == plain
    nothing: Any = None
    assert by_worker(feed, record, written(body, data.draw), [*headers, ("ce_partitionkey", nothing)]) == plain


def _header(content: Any) -> bytes:
    return str(int(content) if isinstance(content, float) else content).encode()


# -- what no schema sees


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"source":"\\ud800"', {"not_json", "not_utf8"}),
        ('"source":"\\udc00\\ud800"', {"not_json", "not_utf8"}),
        ('"note":"\\ud800","source":"s"', {"not_json", "not_utf8"}),
        ('"\\ud800":1,"source":"s"', {"not_json", "not_utf8"}),
        ('"note":NaN,"source":"s"', {"not_json"}),
        ('"note":-Infinity,"source":"s"', {"not_json"}),
        ('"note":01,"source":"s"', {"not_json"}),
        ('"note":1.,"source":"s"', {"not_json"}),
        ('"note":' + "9" * 5_000 + ',"source":"s"', {None}),
        ('"note":1e' + "9" * 5_000 + ',"source":"s"', {None}),
        ('"source":' + "9" * 5_000, {"wrong_type", "bad_source"}),
        ('"source":1,"source":"s"', {None}),
        ('"source":"s","source":1', {"wrong_type"}),
        ('"source":"s\\u0000"', {None}),
    ],
)
def test_what_is_json_to_some_gets_one_answer(text: str, reason: set[str | None]) -> None:
    head = '{"type":"login","customer_id":"c1","event_time":"2026-01-01T00:00:00Z","schema_version":1,"data":{},'
    answers = []
    for padding in ("", " " * 2_000):  # short records take another way than long ones
        value = f"{head}{text}}}{padding}".encode()
        answers += [by_worker(1, {}, value), by_replay(value)]
        answers += [by_worker(1, {}, value[: -1 - len(padding)] + f',"items":{padding}2.0}}'.encode())]
    found = {None if isinstance(answer, Event) else answer for answer in answers}
    assert len(found) == 1
    assert found <= reason


@pytest.mark.parametrize("case", [*bad_cases(), *good_cases()], ids=lambda case: case.name)
def test_a_replay_refuses_what_a_worker_refuses(case: Any) -> None:
    if case.headers or case.value is None or case.value[:1] == b"\0":
        pytest.skip("a line of a file has no headers and no frame")
    live = by_worker(case.feed, {"customer_id": (case.key or b"c1").decode(errors="replace")}, case.value)
    if live in BY_KEY or live == "wrong_topic":
        return
    from_file = by_replay(case.value)
    if b'"subject"' in case.value or b"specversion" not in case.value:  # without one a CloudEvent is its key's
        assert from_file == live
