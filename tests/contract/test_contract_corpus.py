"""The corpus: good examples are accepted for ever, bad ones are refused for the right reason, for any customer."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from schemas.codec import decode_event, decode_line, encode_event
from schemas.errors import REASONS, RejectedError
from schemas.event import FEEDS
from support.corpus import BadCase, GoodCase, bad_cases, good_cases, poison, poison_kinds

NOW_MS = 1_767_400_000_000
BY_WORKER = {"wrong_partition", "id_conflict", "bad_tick"}

GOOD = good_cases()
BAD = bad_cases()


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_record_becomes_the_event_it_says(case: GoodCase) -> None:
    event = decode_event(case.feed, case.key, case.value, case.headers, NOW_MS)
    expected = case.event
    found = {
        "id": None if event.id_derived else event.id,
        "customer_id": event.customer_id,
        "time_ms": event.time_ms,
        "source": event.source,
        "data": msgspec.to_builtins(event.data),
    }
    assert found == expected
    assert event.feed == case.feed


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_record_survives_a_round_trip_through_the_canonical_form(case: GoodCase) -> None:
    event = decode_event(case.feed, case.key, case.value, case.headers, NOW_MS)
    written = encode_event(event)
    assert decode_event(case.feed, case.key, written, None, NOW_MS) == event
    assert decode_line(written) == event
    assert encode_event(decode_line(written)) == written


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_record_is_refused_with_reason_and_field(case: BadCase) -> None:
    with pytest.raises(RejectedError) as caught:
        decode_event(case.feed, case.key, case.value, case.headers, NOW_MS)
    assert (case.reason, case.field) == (caught.value.reason, caught.value.field), str(caught.value)
    assert caught.value.detail
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own object
    assert (copied.reason, copied.detail, copied.field) == (case.reason, caught.value.detail, case.field)


def test_corpus_has_forty_kinds_and_every_reason_the_codec_gives() -> None:
    assert len({case.name for case in BAD}) == len(BAD) >= 40
    assert {case.reason for case in BAD} == set(REASONS) - BY_WORKER


@pytest.mark.parametrize("feed", range(len(FEEDS)), ids=FEEDS)
def test_poison_is_refused_for_its_reason_for_any_customer(feed: int) -> None:
    assert poison_kinds(feed) >= 30
    for index in range(poison_kinds(feed) + 5):
        bad = poison(feed, "Some.body@x-9", index)
        with pytest.raises(RejectedError) as caught:
            decode_event(feed, bad.key, bad.value, bad.headers, NOW_MS)
        assert bad.reason == caught.value.reason, (index, str(caught.value))
