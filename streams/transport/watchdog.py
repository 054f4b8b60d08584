"""Ends a worker that is alive but stuck: exit code 70, so that whatever runs it starts it again."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from streams.errors import EXIT_NOTHING_MOVED
from streams.transport.status import Status

STUCK: Final = EXIT_NOTHING_MOVED
"""Exit code: stopped because nothing moved."""

LOOK_EVERY_S: Final = 1.0

SLEPT_S: Final = 5.0
"""A look that comes so much later was not kept back by the worker: the machine, or the process, stood still, and has
the whole limit again to find its broker and its group."""

log = logging.getLogger(__name__)


def is_owed(status: Status) -> bool:
    """Whether anything has to move: without lag, outside a restore, with no work that waits, nothing has to."""
    return status.is_restoring or status.is_rebalancing or status.is_behind or status.total_lag() > 0


def is_stuck(status: Status, now: float, limit_s: float, idle_at: float = 0.0) -> bool:
    """Whether nothing moved, or nothing could be committed, for the limit; or the event loop itself stands still.

    `now` is monotonic seconds; `idle_at`: when nothing was owed last. Idle is not stuck, nor is what comes after it.
    """
    if now - status.looked_at > limit_s:
        return True
    since = status.uncommitted_since
    if since is not None and now - since > limit_s and not status.is_restoring:
        return True  # everything was taken, so there is no lag, but nothing of it becomes durable
    return is_owed(status) and now - max(status.moved_at, idle_at) > limit_s


class Watchdog(threading.Thread):
    """Looks at the status once a second from a thread of its own: a stuck event loop could not look at itself."""

    def __init__(self, status: Status, limit_s: float, end: Callable[[int], None] = os._exit) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._status, self._limit_s, self._end = status, limit_s, end
        self._stopped = threading.Event()

    def run(self) -> None:
        """Until stopped, or until it ends the process."""
        awake_since = looked_at = idle_at = time.monotonic()
        while not self._stopped.wait(LOOK_EVERY_S):
            now = time.monotonic()
            if now - looked_at > LOOK_EVERY_S + SLEPT_S:
                log.warning(
                    "this process stood still for %.0f s, as after a suspend: nothing could move", now - looked_at
                )
                awake_since = now
            looked_at = now
            if not is_owed(self._status):
                idle_at = now
            if now - awake_since > self._limit_s and is_stuck(self._status, now, self._limit_s, idle_at):
                log.critical("nothing moved for %g s, lag %d: exit %d", self._limit_s, self._status.total_lag(), STUCK)
                self._end(STUCK)
                return

    def stop(self) -> None:
        """No more looking: the worker is leaving by itself."""
        self._stopped.set()
