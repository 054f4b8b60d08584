from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.transport.alignment import PAUSE_ABOVE, RESUME_BELOW, Aligner, is_drained
from streams.transport.records import Record

TOPICS = 5
Log = list[list[int]]
"""Of each topic the timestamps of its records, in the order of the log."""

logs = st.lists(st.lists(st.integers(0, 12), max_size=25), min_size=TOPICS, max_size=TOPICS)


def records_of(topic: int, timestamps: Sequence[int], clock: int = -1) -> list[Record]:
    records = []
    for offset, timestamp in enumerate(timestamps):
        clock = max(clock, timestamp)
        records.append(Record(f"t{topic}", b"k", b"v", offset, timestamp, (), clock))
    return records


def merged(log: Log) -> list[tuple[str, int]]:
    """The order everything must come in, computed with the whole log at hand."""
    everything = [(r.order_ms, topic, r.offset) for topic in range(TOPICS) for r in records_of(topic, log[topic])]
    return [(f"t{topic}", offset) for _, topic, offset in sorted(everything)]


class Reader:
    """Fetches a log piece by piece and collects what the aligner releases."""

    def __init__(self, log: Log) -> None:
        self.log = [records_of(topic, timestamps) for topic, timestamps in enumerate(log)]
        self.position = [0] * TOPICS
        self.highwater: list[int | None] = [None] * TOPICS
        self.aligner = Aligner([None] * TOPICS)
        self.released: list[Record] = []

    def fetch(self, topic: int, count: int) -> None:
        start = self.position[topic]
        piece = self.log[topic][start : start + count]
        self.aligner.add(topic, piece)
        self.position[topic] += len(piece)
        self.highwater[topic] = len(self.log[topic])

    def release(self) -> None:
        drained = [is_drained(*place) for place in zip(self.position, self.highwater, strict=True)]
        self.released += self.aligner.release(drained)

    def finish(self, count: int = 7) -> None:
        while any(p < len(log) for p, log in zip(self.position, self.log, strict=True)) or None in self.highwater:
            for topic in range(TOPICS):
                self.fetch(topic, count)
                self.release()
        self.release()

    @property
    def order(self) -> list[tuple[str, int]]:
        return [(record.topic, record.offset) for record in self.released]


@given(logs, st.lists(st.tuples(st.integers(0, TOPICS - 1), st.integers(0, 9), st.booleans()), max_size=60))
def test_any_fetch_pattern_gives_the_same_order(log: Log, fetches: list[tuple[int, int, bool]]) -> None:
    reader = Reader(log)
    for topic, count, is_released in fetches:
        reader.fetch(topic, count)
        if is_released:
            reader.release()
    reader.finish()
    assert reader.order == merged(log)


@given(logs, st.lists(st.tuples(st.integers(0, TOPICS - 1), st.integers(1, 9)), max_size=60))
def test_what_is_released_is_always_a_beginning_of_the_merged_order(log: Log, fetches: list[tuple[int, int]]) -> None:
    reader, expected = Reader(log), merged(log)
    for topic, count in fetches:
        reader.fetch(topic, count)
        reader.release()
        assert reader.order == expected[: len(reader.order)]


@given(logs, st.integers(0, 40))
def test_a_restart_with_the_committed_clocks_continues_the_same_order(log: Log, taken: int) -> None:
    expected = merged(log)
    first, rest = expected[:taken], expected[taken:]
    reader = Reader(log)
    for topic in range(TOPICS):
        own = [offset for name, offset in first if name == f"t{topic}"]
        reader.position[topic] = len(own)
    clocks = [reader.log[t][p - 1].order_ms if p else None for t, p in enumerate(reader.position)]
    reader.aligner = Aligner(clocks)
    reader.finish(3)
    assert reader.order == rest


def test_a_topic_of_which_nothing_is_known_yet_holds_back_all_others() -> None:
    reader = Reader([[1, 2], [1], [], [], []])
    reader.fetch(0, 9)
    reader.release()
    assert reader.order == []


def test_a_topic_whose_clock_stands_still_moves_on() -> None:
    """A bulk import may give a whole topic one timestamp: it must neither stall itself nor be paused."""
    count = PAUSE_ABOVE + 10
    reader = Reader([[5] * (count + 1), [6], [5], [], []])
    for topic in range(1, TOPICS):
        reader.fetch(topic, 1)
    reader.fetch(0, count)
    reader.release()
    assert len(reader.released) == count
    assert reader.aligner.held(0) == 0
    assert not reader.aligner.paused


def test_a_topic_far_ahead_is_paused_until_half_of_it_has_gone() -> None:
    ahead = list(range(PAUSE_ABOVE + 1))
    aligner = Aligner([None, None])
    aligner.add(0, records_of(0, ahead))
    aligner.release([False, False])
    assert aligner.paused == {0}
    aligner.add(1, records_of(1, [PAUSE_ABOVE - RESUME_BELOW]))
    aligner.release([False, False])
    assert aligner.held(0) == RESUME_BELOW
    assert aligner.paused == {0}
    aligner.add(1, records_of(1, [PAUSE_ABOVE]))
    aligner.release([False, False])
    assert not aligner.paused


@pytest.mark.parametrize(("position", "highwater", "expected"), [(3, 3, True), (2, 3, False), (None, 3, False)])
def test_drained_means_read_to_a_known_end(position: int | None, highwater: int | None, expected: bool) -> None:  # noqa: FBT001 - a case
    assert is_drained(position, highwater) is expected
