"""Whatever arrives becomes an event or a RejectedError, and what we write we read."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_event, decode_line, encode_event, new_event
from schemas.envelope import ENVELOPES, has_legal_names
from schemas.errors import REASONS, RejectedError
from schemas.event import (
    FEEDS,
    MAX_AMOUNT,
    MAX_ITEMS,
    Email,
    EmailAction,
    Event,
    EventData,
    Login,
    Purchase,
    Severity,
    Ticket,
    TicketAction,
    TicketCategory,
)
from schemas.explain import explain, parse_object
from support.corpus import good_cases, poison, poison_kinds

NOW_MS = 1_800_000_000_000
OUTCOMES = {"accepted", *REASONS}

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
channels = st.none() | texts
data: dict[int, st.SearchStrategy[EventData]] = {
    0: st.builds(
        Purchase,
        order_id=texts,
        amount=st.floats(0, MAX_AMOUNT),
        currency=st.from_regex("[A-Z]{3}", fullmatch=True),
        items=st.integers(1, MAX_ITEMS),
        channel=channels,
        category=channels,
    ),
    1: st.builds(Login, channel=channels),
    2: st.builds(
        Ticket,
        ticket_id=texts,
        action=st.sampled_from(get_args(TicketAction)),
        category=st.sampled_from(get_args(TicketCategory)),
        channel=channels,
        severity=st.none() | st.sampled_from(get_args(Severity)),
    ),
    3: st.builds(
        Email, action=st.sampled_from(get_args(EmailAction)), campaign_id=channels, machine_open=st.booleans()
    ),
}
customers = st.from_regex("[A-Za-z0-9_.@-]{1,64}", fullmatch=True)


@st.composite
def events(draw: st.DrawFn) -> Event:
    feed = draw(st.integers(0, 3))
    return new_event(
        feed,
        draw(customers),
        draw(st.integers(0, NOW_MS)),
        draw(data[feed]),
        source=draw(texts),
        id=draw(st.none() | texts),
    )


@given(events())
def test_event_survives_a_round_trip(event: Event) -> None:
    written = encode_event(event)
    assert decode_event(event.feed, event.customer_id.encode(), written, None, NOW_MS) == event
    assert decode_line(written) == event
    assert encode_event(decode_line(written)) == written


def outcome(feed: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]] | None) -> str:
    try:
        decode_event(feed, key, value, headers, NOW_MS)
    except RejectedError as rejected:
        return rejected.reason
    return "accepted"


headers = st.none() | st.lists(
    st.tuples(
        st.sampled_from(["content-type", "ce_specversion", "ce_type", "ce_id", "ce_source", "ce_time", "x"]),
        st.sampled_from([b"application/cloudevents+json", b"application/json", b"1.0", b"login", b"", b"\xff"]),
    ),
    max_size=7,
)


@given(st.integers(0, 3), st.none() | st.binary(max_size=5), st.none() | st.binary(max_size=300), headers)
def test_any_bytes_become_an_event_or_a_rejection(
    feed: int, key: bytes | None, value: bytes | None, some: list[tuple[str, bytes]] | None
) -> None:
    assert outcome(feed, key, value, some) in OUTCOMES


GOOD = good_cases()


@given(st.sampled_from(GOOD), st.data())
def test_any_damage_to_a_good_record_becomes_an_event_or_a_rejection(case: Any, some: st.DataObject) -> None:
    at = some.draw(st.integers(0, len(case.value) - 1))
    length = some.draw(st.integers(0, 3))
    instead = some.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"{", b"}", b"1", b"\\", b"null"]))
    damaged = case.value[:at] + instead + case.value[at + length :]
    assert outcome(case.feed, case.key, damaged, case.headers) in OUTCOMES


NUMBERS = [0, 1, 2, -1, 1.0, 0.5, 1e308, 10**30, 10**400]
WORDS = ["", "x", "x" * 65, "login", "opened", "billing", "high", "€UR", "eur", "a b", "a\n"]
TIMES = ["2026-01-01T00:00:00", "2026-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]
OTHERS: list[Any] = [None, True, False, [], {}]

odd: st.SearchStrategy[Any] = st.sampled_from([*NUMBERS, *WORDS, *TIMES, *OTHERS])


@given(st.integers(0, 3), st.data())
def test_second_look_finds_a_fault_exactly_where_the_decoder_did(feed: int, some: st.DataObject) -> None:
    whole = json.loads(encode_event(some.draw(events().filter(lambda event: event.feed == feed))))
    for _ in range(some.draw(st.integers(1, 3))):
        holder = whole
        if isinstance(whole.get("data"), dict) and some.draw(st.booleans()):
            holder = whole["data"]
        name = some.draw(st.sampled_from([*holder, "action", "machine_open", "severity", "channel", "id"]))
        if some.draw(st.booleans()):
            holder[name] = some.draw(odd)
        else:
            holder.pop(name, None)
    value = json.dumps(whole).encode()
    try:
        accepted = has_legal_names(msgspec.json.decode(value, type=ENVELOPES[feed]))
    except msgspec.ValidationError:
        accepted = False
    assert accepted == (explain(feed, parse_object(value), {}) is None)


@given(st.integers(0, 3), customers, st.integers(0, 10_000))
def test_poison_is_always_refused_for_its_reason(feed: int, customer: str, index: int) -> None:
    bad = poison(feed, customer, index)
    assert outcome(feed, bad.key, bad.value, bad.headers) == bad.reason
    assert poison_kinds(feed) >= 30


def test_the_feeds_are_those_the_strategies_cover() -> None:
    assert len(FEEDS) == len(data)
