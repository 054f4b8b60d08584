"""The ledger of offsets, the store of partitions, the merging of a changelog, the watchdog's judgement."""

from __future__ import annotations

import pickle

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.transport.errors import LostFrameError, StopWorkerError, TopicRestartedError
from streams.transport.frames import chunks, spans_of
from streams.transport.offsets import Mark, OffsetTracker
from streams.transport.records import Record, Span
from streams.transport.restore import Restored
from streams.transport.status import Status
from streams.transport.store import PartitionStore
from streams.transport.watchdog import is_stuck

A = TP("a", 0)


def ledger_at(offset: int) -> OffsetTracker:
    ledger = OffsetTracker()
    ledger.rewind({A: Mark(offset, None)}, [A])
    return ledger


def test_a_taken_frame_is_pending_until_committed() -> None:
    ledger = ledger_at(10)
    assert not ledger.pending().marks
    ledger.take(0, 1, [Span("a", 10, 14, 99)])
    batch = ledger.pending()
    assert dict(batch.marks) == {A: Mark(15, 99)}
    assert dict(batch.sequences) == {0: 1}
    ledger.take(0, 2, [Span("a", 15, 15, 100)])
    ledger.commit(batch)
    assert dict(ledger.pending().marks) == {A: Mark(16, 100)}


def test_a_frame_without_records_is_pending_by_its_number_alone() -> None:
    ledger = ledger_at(10)
    ledger.take(0, 1, [])
    batch = ledger.pending()
    assert (dict(batch.marks), dict(batch.sequences)) == ({}, {0: 1})
    assert ledger.commit(batch) == {0: 1}
    assert not ledger.pending().sequences


def test_a_frame_taken_before_a_seek_keeps_its_number_and_loses_its_marks() -> None:
    ledger = ledger_at(10)
    ledger.take(0, 1, [Span("a", 10, 14, 99)])
    ledger.rewind({A: Mark(10, None)}, [A])
    batch = ledger.pending()
    assert (dict(batch.marks), dict(batch.sequences)) == ({}, {0: 1})
    assert ledger.next_sequence(0) == 2


def test_a_frame_behind_a_hole_is_refused() -> None:
    ledger = ledger_at(10)
    with pytest.raises(LostFrameError) as caught:
        ledger.check(0, [Span("a", 11, 14, 99)])
    assert (caught.value.first, caught.value.expected) == (11, 10)


def test_a_redelivered_frame_is_accepted_and_moves_nothing_back() -> None:
    ledger = ledger_at(10)
    ledger.take(0, 1, [Span("a", 10, 19, 99)])
    ledger.check(0, [Span("a", 12, 14, 98)])
    ledger.take(0, 2, [Span("a", 12, 14, 98)])
    assert ledger.taken(A) == 20


def test_a_first_position_never_committed_is_committed_at_once() -> None:
    """Else a group that begins at the latest would skip what is posted while it is down."""
    ledger = OffsetTracker()
    ledger.rewind({A: Mark(7, None)}, [])
    assert dict(ledger.pending().marks) == {A: Mark(7, None)}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=60), st.integers(1, 7))
def test_frames_cover_every_record_once_and_without_holes(steps: list[tuple[int, int]], size: int) -> None:
    next_offset, records = dict.fromkeys("abcd", 0), []
    for topic, gap in steps:
        name = "abcd"[topic]
        offset = next_offset[name] + gap - 1
        records.append(Record(name, None, None, offset, 0))
        next_offset[name] = offset + 1
    expected = dict.fromkeys("abcd", 0)
    ledger = OffsetTracker()
    ledger.rewind({TP(name, 0): Mark(0, None) for name in "abcd"}, [])
    seen: list[Record] = []
    for part in chunks(records, size):
        spans = spans_of(part, expected)
        ledger.check(0, spans)
        ledger.take(0, 1, spans)
        seen += part
    assert seen == records
    assert all(ledger.taken(TP(name, 0)) == offset for name, offset in next_offset.items())


def test_memory_is_kept_over_exactly_one_generation() -> None:
    store = PartitionStore()
    assert store.assign([0, 1], 4).fresh == {0, 1}
    store.restore(0, 4)
    store.restore(1, 4)
    change = store.assign([0, 2], 5)
    assert change.lost == {1}
    assert change.fresh == {2}
    assert store.partitions == {0}
    assert store.assign([0], 7).fresh == {0}, "somebody else may have owned it in generation 6"


def value(epoch: int, text: bytes = b"") -> bytes:
    return bytes([1]) + epoch.to_bytes(4, "big") + text


def test_the_highest_epoch_wins_over_a_later_record() -> None:
    found = Restored()
    found.put(b"k", value(2, b"new"))
    found.put(b"k", value(1, b"of a paused worker"))
    assert found.records[b"k"] == value(2, b"new")
    assert found.highest_epoch() == value(2)[1:5]
    assert found.beaten == {b"k"}, "the last record of the log is not the one to keep: it must be written again"
    found.put(b"k", value(2, b"again"))
    assert not found.beaten


def test_among_equal_epochs_the_later_record_wins() -> None:
    found = Restored()
    found.put(b"k", value(2, b"old"))
    found.put(b"k", value(2, b"new"))
    assert found.records[b"k"] == value(2, b"new")


def test_a_deleted_key_is_not_raised_by_an_earlier_epoch() -> None:
    found = Restored()
    found.put(b"k", value(1))
    found.delete(b"k", value(2)[1:5])
    found.put(b"k", value(1))
    assert not found.records
    found.put(b"k", value(3))
    assert found.records[b"k"] == value(3)


def test_a_paused_worker_deletes_nothing_of_a_higher_epoch() -> None:
    found = Restored()
    found.put(b"k", value(2))
    found.delete(b"k", value(1)[1:5])
    assert b"k" in found.records


def status_of(lag: int, *, is_busy: bool = False, is_behind: bool = False) -> Status:
    return Status(
        is_restoring=is_busy, is_rebalancing=False, is_behind=is_behind, moved_at=0, looked_at=100, lag={A: lag}
    )


@pytest.mark.parametrize(
    ("status", "now", "expected"),
    [
        (status_of(0), 100.0, False),
        (status_of(5), 59.0, False),
        (status_of(5), 61.0, True),
        (status_of(0, is_busy=True), 61.0, True),
        (status_of(0, is_behind=True), 61.0, True),
        (status_of(0), 161.0, True),
    ],
    ids=[
        "idle",
        "not yet",
        "lag and no progress",
        "restore stands still",
        "reviews stand still",
        "the event loop hangs",
    ],
)
def test_stuck_is_when_something_is_owed_and_nothing_moves(status: Status, now: float, expected: bool) -> None:  # noqa: FBT001 - a case
    assert is_stuck(status, now, 60) is expected


def test_what_comes_after_a_long_quiet_has_all_of_the_limit() -> None:
    status = status_of(5)
    assert not is_stuck(status, 90, 60, idle_at=89)
    assert is_stuck(status, 150, 60, idle_at=89)


def test_a_long_step_that_goes_on_is_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    status = status_of(5)
    status.uncommitted_since = 100.0
    monkeypatch.setattr("streams.transport.status.time.monotonic", lambda: 161.0)
    assert is_stuck(status, 161, 60)
    status.worked()
    assert not is_stuck(status, 220, 60)
    assert is_stuck(status, 222, 60)


def test_errors_survive_pickle() -> None:
    stop: StopWorkerError = pickle.loads(pickle.dumps(StopWorkerError("why", 3)))  # noqa: S301 - our own bytes
    assert (str(stop), stop.exit_code) == ("why", 3)
    for error in (LostFrameError("a", 0, 2, 1), TopicRestartedError("a", 0, 2, 1)):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
        assert str(copy) == str(error)
