"""One record as the owner of a partition sees it, whatever client fetched it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record of an input topic.

    `order_ms` is the greatest record timestamp of its topic and partition up to this record: its place in the merged
    order. It is recorded beside the committed offset, so a restart continues with the same clock.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    offset: int
    timestamp_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()
    order_ms: int = 0


class Span(msgspec.Struct, frozen=True, gc=False):
    """What a frame covers of one topic: offsets from `first` up to `last`, both included.

    `first` follows the last offset handed out before, so holes in the log (cut by retention, or markers of
    transactions) belong to the span after them. `order_ms` is the clock of the topic at `last`.
    """

    topic: str
    first: int
    last: int
    order_ms: int


def with_clock(topic: str, fetched: Iterable[Any], clock: int) -> list[Record]:
    """Records of a topic as aiokafka fetched them, in the order of the log; `clock`: that of the record before."""
    records = []
    for r in fetched:
        timestamp = r.timestamp
        clock = max(clock, timestamp)
        records.append(Record(topic, r.key, r.value, r.offset, timestamp, r.headers, clock))
    return records
