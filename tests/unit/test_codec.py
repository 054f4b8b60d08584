"""The codec's border cases that are not one record each: keys, clocks, headers, ids, fingerprints."""

from __future__ import annotations

import msgspec
import pytest

from schemas.codec import MAX_AHEAD_MS, decode_event, decode_line, encode_event
from schemas.errors import RejectedError
from schemas.event import EMAIL, FEEDS, LOGIN, PURCHASE, TICKET
from schemas.limits import MAX_BYTES
from support.builders import NOON_MS, event, line, login, purchase

CLOUDEVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "com.example.login.v1",
    "time": "2026-01-15T12:00:00Z",
    "subject": "c1",
    "data": {},
}


def decode(value: bytes, *, feed: int = LOGIN, key: bytes = b"c1", now_ms: int = NOON_MS) -> object:
    return decode_event(feed, key, value, None, now_ms)


def reason_of(value: bytes, *, feed: int = LOGIN, key: bytes = b"c1", now_ms: int = NOON_MS) -> str:
    with pytest.raises(RejectedError) as caught:
        decode(value, feed=feed, key=key, now_ms=now_ms)
    return caught.value.reason


def test_five_minutes_ahead_is_accepted_and_a_millisecond_more_is_the_future() -> None:
    value = line(login(at_ms=NOON_MS))
    assert decode(value, now_ms=NOON_MS - MAX_AHEAD_MS) == login(at_ms=NOON_MS)
    assert reason_of(value, now_ms=NOON_MS - MAX_AHEAD_MS - 1) == "future"


def test_a_line_of_a_file_is_never_in_the_future() -> None:
    far = login(at_ms=NOON_MS * 2)
    assert decode_line(line(far)) == far


@pytest.mark.parametrize("feed", [PURCHASE, LOGIN, TICKET, EMAIL])
def test_a_line_says_its_feed(feed: int) -> None:
    of = event(FEEDS[feed], "Kunde-7", NOON_MS + 1)
    assert decode_line(line(of)) == of
    assert of.feed == feed


def test_line_may_be_a_cloudevent_of_any_type() -> None:
    event = decode_line(msgspec.json.encode(CLOUDEVENT))
    assert (event.feed, event.customer_id, event.time_ms) == (LOGIN, "c1", NOON_MS)
    ticket = CLOUDEVENT | {"type": "ticket", "data": {"ticket_id": "t", "action": "opened", "category": "other"}}
    assert decode_line(msgspec.json.encode(ticket)).feed == TICKET


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "not_json"),
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b'{"type":"refund"}', "missing_field"),
        (b'{"type":"refund","schema_version":1}', "unknown_type"),
        (b'{"type":1,"schema_version":1}', "wrong_type"),
        (b" " * (MAX_BYTES + 1) + b"{}", "too_large"),
        (msgspec.json.encode(CLOUDEVENT | {"type": "refund"}), "unknown_type"),
        (msgspec.json.encode({k: v for k, v in CLOUDEVENT.items() if k != "subject"}), "bad_customer_id"),
    ],
)
def test_bad_line_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(RejectedError) as caught:
        decode_line(content)
    assert caught.value.reason == reason


def test_first_fault_does_not_depend_on_the_order_of_fields() -> None:
    faulty = {"type": "login", "customer_id": "no good", "event_time": "never", "schema_version": 1, "source": 4}
    one_way = msgspec.json.encode(faulty)
    other_way = msgspec.json.encode(dict(reversed(faulty.items())))
    assert reason_of(one_way) == reason_of(other_way) == "bad_customer_id"


def test_missing_id_is_derived_from_feed_customer_time_and_content_only() -> None:
    plain = b'{"type":"login","customer_id":"c1","event_time":"2026-01-15T12:00:00Z","schema_version":1,%s"data":{}}'
    derived = decode_line(plain % b'"source":"a",')
    assert derived.id_derived
    assert len(derived.id) == 32
    assert derived.id == decode_line(plain % b'"source":"b","id":null,"unknown":[],').id
    others = (
        b'"source":"a",'.join(plain.replace(old, new).split(b"%s"))
        for old, new in [
            (b'"c1"', b'"c2"'),
            (b"12:00:00Z", b"12:00:01Z"),
            (b'"data":{}', b'"data":{"channel":"web"}'),
        ]
    )
    assert len({derived.id, *(decode_line(other).id for other in others)}) == 4


def test_fingerprint_is_of_the_meaning_not_of_the_spelling() -> None:
    one = purchase(amount=20.0)
    spelled = line(one).replace(b'"amount":20.0', b'"amount":2e1').replace(b"12:00:00Z", b"13:00:00+01:00")
    assert spelled != line(one)
    assert decode_line(spelled).fingerprint == one.fingerprint
    assert decode_line(spelled.replace(b'"test"', b'"elsewhere"')).fingerprint == one.fingerprint
    assert 0 <= one.fingerprint < 2**32


@pytest.mark.parametrize("change", [{"amount": 20.01}, {"at_ms": NOON_MS + 1}, {"items": 2}, {"channel": "web"}])
def test_same_id_with_other_content_has_another_fingerprint(change: dict[str, float]) -> None:
    assert purchase().fingerprint != event("purchase", **change).fingerprint  # type: ignore[arg-type]  # one table for both kinds of argument


def test_fingerprint_never_changes_between_versions() -> None:
    """Records hold fingerprints for days: computed differently, duplicates would be taken for conflicts."""
    assert [event(feed).fingerprint for feed in FEEDS] == [4208777048, 3296129783, 2901016635, 1542299357]


def test_canonical_form_leaves_out_what_is_not_said() -> None:
    assert encode_event(login(id="x")) == (
        b'{"id":"x","type":"login","customer_id":"c1","event_time":"2026-01-15T12:00:00Z",'
        b'"schema_version":1,"source":"test","data":{}}'
    )


def test_record_with_headers_of_no_concern_is_decoded_as_without() -> None:
    headers = [("traceparent", b"00-1-2-03"), ("content-type", b"application/json"), ("nothing", b"")]
    assert decode_event(LOGIN, b"c1", line(login()), headers, NOON_MS) == login()


def test_details_name_limits_and_never_repeat_the_data() -> None:
    value = line(purchase()).replace(b'"o-1"', b"12345").replace(b'"c1"', b'"secret-name"')
    with pytest.raises(RejectedError) as caught:
        decode(value, feed=PURCHASE)
    assert "12345" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_detail_of_a_closed_set_names_what_is_allowed() -> None:
    value = line(event("ticket", severity="high")).replace(b'"high"', b'"urgent"')
    with pytest.raises(RejectedError) as caught:
        decode(value, feed=TICKET)
    assert str(caught.value) == "unknown_value at data.severity: must be low or normal or high"
