"""How many events are said to come too late before they are posted, held against what the engine makes of them."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue.rules import Rules
from models.engine.arrivals import Arrival
from models.engine.partition import Partition
from schemas.event import FEEDS
from schemas.partitioner import partition_of
from streams.diagnosis.before_posting import Place, count_late, limits_of
from streams.files.catalogue_file import rules_of
from streams.readback.state import in_step
from streams.settings import Settings
from streams.transport.records import Record
from support.builders import DAY_MS
from support.tries import tries
from support.troubled import FIRST_DAY, make_event

PARTITIONS: Final = 2
DAYS: Final = 60


class Posted(NamedTuple):
    """An event to post."""

    time_ms: int
    feed: int
    key: bytes
    number: int = 0
    """By which it is the same event when it is posted again; 0: it is not."""


@cache
def rules(feeds: tuple[str, ...]) -> Rules:
    """The default catalogue of a company with these feeds."""
    return rules_of(f"base: default\nmodel: off\nfeeds: [{', '.join(feeds)}]", Settings())


@st.composite
def histories(draw: st.DrawFn, feeds: tuple[int, ...]) -> list[Posted]:
    """Events of three customers, in the order of their times."""
    first = draw(st.integers(0, DAYS))
    times = st.integers(first * 24, (first + draw(st.integers(1, DAYS))) * 24)
    rows = draw(st.lists(st.tuples(times, st.sampled_from(feeds), st.integers(0, 2)), max_size=30))
    return sorted(Posted(FIRST_DAY * DAY_MS + hour * 3_600_000, feed, b"c%d" % who) for hour, feed, who in rows)


class Cluster:
    """The topics of a deployment, and one who reads them."""

    def __init__(self, declared: tuple[str, ...]) -> None:
        self.rules = rules(declared)
        self.logs: dict[Place, list[Posted]] = {(f, p): [] for f in range(len(FEEDS)) for p in range(PARTITIONS)}
        self.partitions = [Partition(self.rules, number=number) for number in range(PARTITIONS)]
        self._read = dict.fromkeys(self.logs, 0)

    def post(self, events: list[Posted]) -> None:
        for event in events:
            self.logs[event.feed, partition_of(event.key, PARTITIONS)].append(event)

    def read(self) -> int:
        """Take in what was not read before, in step; how many of it were too late."""
        late = 0
        for number, partition in enumerate(self.partitions):
            waiting = {
                FEEDS[feed]: [
                    Record(FEEDS[feed], None, None, offset, self.logs[feed, number][offset].time_ms)
                    for offset in range(self._read[feed, number], len(self.logs[feed, number]))
                ]
                for feed in range(len(FEEDS))
            }
            clocks = {
                FEEDS[feed]: max(event.time_ms for event in self.logs[feed, number][: self._read[feed, number]])
                for feed in range(len(FEEDS))
                if self._read[feed, number]
            }
            for record in in_step(waiting, clocks):
                feed = FEEDS.index(record.topic)
                event = self.logs[feed, number][record.offset]
                made = make_event(feed, event.key.decode(), event.time_ms, event.number or record.offset, 0)
                (fate,) = partition.observe([Arrival(feed, record.offset, made)])
                late += fate.outcome == "late"
                self._read[feed, number] += 1
        return late

    def said(self, events: list[Posted]) -> int:
        """How many are said to come too late, before they are posted."""
        decided = {n: p.watermark.boundary_ms for n, p in enumerate(self.partitions) if p.boundary >= 0}
        newest = {place: max(event.time_ms for event in log) for place, log in self.logs.items() if log}
        coming = {event.feed: event.time_ms for event in events}
        found = count_late(events, limits_of(self.rules.basis, decided, newest, coming, PARTITIONS), PARTITIONS)
        assert found is None or (found.of == len(events) and found.oldest_ms <= found.newest_ms)
        return 0 if found is None else found.count


@settings(max_examples=tries(60))
@given(st.data(), st.booleans())
def test_of_a_company_with_one_feed_exactly_those_are_late_that_were_said_to_be(
    data: st.DataObject,
    is_read_before: bool,  # noqa: FBT001 - drawn
) -> None:
    cluster = Cluster(("purchase",))
    there, new = data.draw(histories((0,))), data.draw(histories((0,)))
    cluster.post(there)
    before = cluster.read() if is_read_before else 0
    said = cluster.said(new)
    cluster.post(new)
    assert before == 0
    assert cluster.read() == said


@given(st.data(), st.sampled_from([FEEDS, FEEDS[:2], FEEDS[1:3]]), st.booleans())
def test_none_is_late_that_was_not_said_to_be(
    data: st.DataObject,
    declared: tuple[str, ...],
    is_read_before: bool,  # noqa: FBT001 - drawn
) -> None:
    cluster = Cluster(declared)
    there = data.draw(histories(tuple(range(len(FEEDS)))))
    new = data.draw(histories(tuple(range(len(FEEDS)))))
    cluster.post(there)
    before = cluster.read() if is_read_before else 0
    said = cluster.said(new)
    cluster.post(new)
    assert before == 0, "what is posted in the order of time makes nothing late"
    assert cluster.read() <= said


@settings(max_examples=tries(60))
@given(st.data(), st.sampled_from([FEEDS, FEEDS[:2]]))
def test_what_broke_off_is_posted_again_and_counts_once(data: st.DataObject, declared: tuple[str, ...]) -> None:
    """The brokers took a beginning of each topic's partition, and workers have decided on it."""
    cluster = Cluster(declared)
    drawn = data.draw(histories(tuple(range(len(declared)))))
    events = [event._replace(number=1_000 + place) for place, event in enumerate(drawn)]
    cluster.post(events)
    for place, log in cluster.logs.items():
        cluster.logs[place] = log[: data.draw(st.integers(0, len(log)))]
    cluster.read()
    cluster.post(events)
    cluster.read()
    counts = [of for partition in cluster.partitions for of in partition.ledger.counts]
    assert sum(of["applied"] + of["applied_late"] for of in counts) == len(events)


def test_the_newest_event_that_misses_is_told_with_what_it_misses() -> None:
    cluster = Cluster(("purchase",))
    start_ms = FIRST_DAY * DAY_MS
    cluster.post([Posted(start_ms + day * DAY_MS, 0, b"c1") for day in range(30)])
    newest = {(0, place_of_c1()): start_ms + 29 * DAY_MS}
    limits = limits_of(cluster.rules.basis, {}, newest, {}, PARTITIONS)
    (other, *_) = [key for key in (b"c2", b"c3", b"c4", b"c5") if partition_of(key, PARTITIONS) != place_of_c1()]
    new = [Posted(start_ms + day * DAY_MS, 0, key) for day in range(25) for key in (b"c1", other)]
    found = count_late(new, limits, PARTITIONS)
    assert found is not None
    assert str(found) == (
        f"21 of 50 events are too late, from 2024-10-04T00:00:00Z to 2024-10-24T00:00:00Z: because of the newer events "
        f"that lie there already, purchase events of partition {place_of_c1()} count from 2024-10-25T00:00:00Z on"
    )


def place_of_c1() -> int:
    return partition_of(b"c1", PARTITIONS)
