"""What partitions tell each other: when it is from, and under which key it lies."""

from __future__ import annotations

import pytest

from models.engine.ledger import COMMANDS
from models.engine.partition import Partition
from schemas.event import FEEDS
from schemas.moved import (
    AnnouncedV1,
    ForgetV1,
    HistoryV1,
    MarkV1,
    Moved,
    MovedEventV1,
    MovedOrigin,
    WithdrawnV1,
    decode_moved,
    encode_moved,
    moved_key,
)
from streams.agents.publishing import time_of
from support.builders import DAY_MS, HOUR_MS, login
from support.troubled import default_rules

B = 20_010
FROM = MovedOrigin(0, 1, 7)
ANNOUNCED = AnnouncedV1(1, 0, "a", "c", B)
RECORDS: dict[str, Moved] = {
    "announced": ANNOUNCED,
    "mark": MarkV1(1, 0, B),
    "event": MovedEventV1(1, FROM, "c", B, ("a",), login("a", B * DAY_MS + HOUR_MS)),
    "history": HistoryV1(1, FROM, "c", B, ("a",)),
    "forget": ForgetV1(1, "a", "erased:c", B),
    "withdrawn": WithdrawnV1(1, "a", B),
}


def sender(now_ms: int) -> Partition:
    partition = Partition(default_rules(), partitions=2)
    partition.lift(now_ms, range(len(FEEDS)))
    return partition


@pytest.mark.parametrize(
    ("now_ms", "expected_ms"),
    [
        ((B + 3) * DAY_MS, (B - 1) * DAY_MS),  # said late: the day before its boundary
        ((B - 1) * DAY_MS + HOUR_MS, (B - 1) * DAY_MS),
        ((B - 9) * DAY_MS + HOUR_MS, (B - 9) * DAY_MS + HOUR_MS),  # said ahead: no later than what was read by then
        (-1, 1),  # nothing was read: 0 would be the time of sending
    ],
)
def test_an_announcement_lies_in_the_day_before_its_boundary(now_ms: int, expected_ms: int) -> None:
    assert time_of(ANNOUNCED, sender(now_ms)) == expected_ms


def test_what_is_moved_lies_at_the_time_it_speaks_of() -> None:
    partition = sender((B - 5) * DAY_MS)
    times_ms = {name: time_of(record, partition) for name, record in RECORDS.items() if name != "announced"}
    assert times_ms == {
        "mark": B * DAY_MS,
        "event": B * DAY_MS + HOUR_MS,
        "history": B * DAY_MS,
        "forget": B * DAY_MS,
        "withdrawn": B * DAY_MS,
    }


def test_no_record_lies_under_the_key_of_another() -> None:
    assert len({moved_key(record, 1, 1) for record in RECORDS.values()}) == len(RECORDS)
    others: list[Moved] = [
        MarkV1(1, 0, B + 1),
        MarkV1(1, 1, B),
        MovedEventV1(1, MovedOrigin(0, COMMANDS, 7), "c", B, ("a",), login()),
    ]
    assert not {moved_key(record, 1, 1) for record in RECORDS.values()} & {moved_key(one, 1, 1) for one in others}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS.keys())
def test_what_a_later_life_sends_again_takes_nothing_away(record: Moved) -> None:
    assert len({moved_key(record, version, epoch) for version in (1, 2) for epoch in (1, 2)}) == 4


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS.keys())
def test_records_are_read_as_they_were_written(record: Moved) -> None:
    assert decode_moved(encode_moved(record)) == record
