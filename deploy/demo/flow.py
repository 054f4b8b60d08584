"""Posts the events, watches the worker take them, ends with the tick of the last midnight."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from demo.errors import DemoError
from demo.show import Show
from demo.worker import Worker
from schemas.instant import from_rfc3339
from streams.background import Background
from streams.board.board import Board
from streams.board.figures import total
from streams.board.watcher import Watcher
from streams.cli.produce import post
from streams.files.history import HistoryEvent
from streams.kafka.ticks import post_ticks
from streams.settings import Settings

LOOK_EVERY_S = 0.5
STUCK_AFTER_S = 90.0
"""No progress at all for so long means that none will come."""


@dataclass(frozen=True, slots=True)
class FlowResult:
    """How it went: the board at the last midnight, and the time from the first event posted to the last processed."""

    board: Board
    seconds: float


class _Posting(Background):
    """Posts in a thread of its own, so that the board can be watched meanwhile."""

    def __init__(self, settings: Settings, events: list[HistoryEvent]) -> None:
        super().__init__("posting")
        self.posted = 0
        self._settings, self._events = settings, events
        self._error: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Whether everything is acknowledged; raises what went wrong."""
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            post(self._settings, self._events, progress=self._counted)
        except Exception as error:  # noqa: BLE001 - raised again where it is looked at
            self._error = error

    def _counted(self, events: Iterable[HistoryEvent]) -> Iterator[HistoryEvent]:
        for event in events:
            if self._stop.is_set():
                return
            yield event
            self.posted += 1


def let_it_flow(
    settings: Settings,
    events: list[HistoryEvent],
    worker: Worker,
    watcher: Watcher,
    show: Show,
    *,
    tick_ms: int,
    until: str,
) -> FlowResult:
    """Post, wait until all is processed, tick, wait until `until` is reviewed. Raises DemoError when nothing moves."""
    begun = time.monotonic()
    with _Posting(settings, events) as posting:
        for board, processed in _looks(worker, watcher):
            show.progress(posting.posted, processed, len(events), board)
            if posting.is_over and processed >= len(events) and board.lag == 0:
                break
    seconds = time.monotonic() - begun
    post_ticks(settings, tick_ms)
    for board, processed in _looks(worker, watcher):
        show.progress(len(events), processed, len(events), board)
        if board.boundary is not None and from_rfc3339(board.boundary) >= from_rfc3339(until):
            return FlowResult(board, seconds)
    raise AssertionError("looks never end")


def _looks(worker: Worker, watcher: Watcher) -> Iterator[tuple[Board, int]]:
    """A board and the number of events processed, again and again."""
    known, moved_at = None, time.monotonic()
    while True:
        worker.check()
        board = watcher.look()
        processed = int(total(watcher.newest, "churn_recorded_events") or 0)
        if (seen := (processed, board.boundary)) != known:
            known, moved_at = seen, time.monotonic()
        if time.monotonic() - moved_at > STUCK_AFTER_S:
            raise DemoError("worker", f"nothing moved for {STUCK_AFTER_S:.0f} s", worker.log_tail())
        yield board, processed
        time.sleep(LOOK_EVERY_S)
