"""What the worker sends, as it is counted before any broker has answered."""

from __future__ import annotations

import asyncio

from streams.transport.producer import Outputs, flushed

NOWHERE = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}


def test_what_was_never_sent_has_arrived() -> None:
    outputs = Outputs(NOWHERE)
    assert outputs.has_arrived(outputs.mark())
    assert asyncio.run(flushed(outputs, 0.0))


def test_a_mark_waits_for_what_was_sent_before_it() -> None:
    outputs = Outputs(NOWHERE)
    before = outputs.mark()
    outputs.send("t", 0, b"k", b"v")
    after = outputs.mark()
    assert outputs.has_arrived(before)
    assert not outputs.has_arrived(after)


def test_marks_without_records_between_them_are_one() -> None:
    outputs = Outputs(NOWHERE)
    outputs.send("t", 0, b"k", b"v")
    assert len({outputs.mark() for _ in range(1_000)}) == 1


def test_what_was_held_back_is_sent_once_nobody_waits_any_more() -> None:
    outputs = Outputs(NOWHERE)
    outputs.send("t", 0, b"k", b"v")
    outputs.hold()
    outputs.send("t", 0, b"k", b"w")
    assert outputs._held == [("t", 0, b"k", b"w", None, 0)]
    assert not outputs.has_arrived(outputs.mark())
    assert not outputs._held


def test_a_flush_gives_up_in_time_and_holds_nothing_back_afterwards() -> None:
    outputs = Outputs(NOWHERE)
    outputs.send("t", 0, b"k", b"v")
    assert not asyncio.run(flushed(outputs, 0.3))
    outputs.send("t", 0, b"k", b"w")
    assert outputs._held is None
