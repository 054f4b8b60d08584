"""In which order `produce` posts what a file holds."""

from __future__ import annotations

from schemas.event import FEEDS, PURCHASE, TICKET
from streams.cli.produce import posting_order
from streams.files.history import HistoryEvent


def posted(*feeds: int) -> list[HistoryEvent]:
    return [HistoryEvent(time_ms, feed, time_ms, b"c1", b"{}") for time_ms, feed in enumerate(feeds)]


def test_feeds_that_are_not_declared_are_posted_before_the_clock_can_pass_them() -> None:
    events = posted(PURCHASE, TICKET, PURCHASE, TICKET)
    assert posting_order(events, [PURCHASE]) == [[events[1], events[3]], [events[0], events[2]]]


def test_declared_feeds_are_posted_in_step() -> None:
    events = posted(PURCHASE, TICKET, PURCHASE)
    assert posting_order(events, range(len(FEEDS))) == [events]
