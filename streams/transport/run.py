"""Runs the worker until a signal or a failure, and says with which exit code it ended."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import uvloop

from streams.errors import EXIT_PROBLEM
from streams.transport.contact import Contact
from streams.transport.frame_app import FrameApp
from streams.transport.watchdog import STUCK, Watchdog

LEAVE_WITHIN_S: Final = 8.0
"""Hard limit of a shutdown, below the ten seconds an orchestrator waits; a hard exit costs a replay, nothing else."""

SAVE_WITHIN_S: Final = 4.0
"""Half of it for what makes the next start quicker, the rest for leaving."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


def run_worker(app: FrameApp, last_word: Callable[[int], None] = lambda _: None) -> int:
    """Run until SIGTERM or SIGINT (0), a failure (its exit code, or 1), or until nothing moves (70).

    `last_word` is called with the exit code when everything is over; a signal ends it. Must be called from the main
    thread; the process should end soon after it returns, and is ended if it does not.
    """
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # the consumer's thread makes its own loop by the policy
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    limit = _Limit()
    watchdog = Watchdog(app.status, app.settings.watchdog_s)
    watchdog.start()
    try:
        code = loop.run_until_complete(_serve(app, limit))
    finally:
        watchdog.stop()
    limit.cancel()
    app.status.exit_code = limit.code = code
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit(code))
    last_word(code)
    limit.start()
    return code


class _Limit:
    """Ends the process when a shutdown takes too long: 70 while it is under way, its own code once it is done."""

    def __init__(self) -> None:
        self.code = STUCK
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """The shutdown begins now."""
        self._timer = threading.Timer(LEAVE_WITHIN_S, self._end)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """It came to its end."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        if self.code == STUCK:
            log.critical("shutdown took longer than %g s: exit %d", LEAVE_WITHIN_S, self.code)
        os._exit(self.code)


async def _serve(app: FrameApp, limit: _Limit) -> int:
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    app.on_failure = ending.set
    stopped_by: list[signal.Signals] = []

    def leave(number: signal.Signals) -> None:
        stopped_by.append(number)
        ending.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, leave, number)
    starting = asyncio.create_task(app.start())
    observing = asyncio.create_task(_observe(app, ending))
    starting.add_done_callback(lambda task: ending.set() if task.cancelled() or task.exception() else None)
    await ending.wait()
    app.status.is_leaving = True
    limit.start()
    reason = _reason(app, starting)
    observing.cancel()
    if reason is None:
        await _save(app)
    try:
        await app.stop()
    except Exception:  # the process ends anyway, and its exit code is what counts
        log.exception("while stopping")
        reason = reason or _reason(app, starting) or RuntimeError("could not stop cleanly")
    reason = reason or _reason(app, starting)
    await _cancel_rest()
    if stopped_by and reason is None:
        log.info("stopped by %s", stopped_by[0].name)
    return 0 if reason is None else int(getattr(reason, "exit_code", EXIT_PROBLEM))


async def _save(app: FrameApp) -> None:
    """A signal ends us: nothing further is taken, and the state may save the next start some work."""
    app.consumer.stop_flow()
    app.flow_control.suspend()
    try:
        await asyncio.wait_for(app.state_log.leave(), SAVE_WITHIN_S)
    except Exception as exc:  # noqa: BLE001 # it saves time and nothing else
        log.info("not saved: %s: %s", type(exc).__name__, exc)


async def _cancel_rest() -> None:
    """Faust leaves a few tasks waiting for events that will not come."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def _observe(app: FrameApp, ending: asyncio.Event) -> None:
    """Once a second: what is the lag, is the loop alive, has a service crashed."""
    contact = Contact(app.settings.bootstrap)
    while True:
        app.status.looked_at = time.monotonic()
        contact.look(app.status, app.status.looked_at)
        if app.status.is_ready:
            app.status.lag = app.consumer.lag()
            app.status.is_behind = any(map(app.owner.is_behind, app.store.partitions))
        if app.crashed:
            ending.set()
        await asyncio.sleep(1.0)


def _reason(app: FrameApp, starting: asyncio.Task[None]) -> BaseException | None:
    if app.failure is not None:
        return app.failure
    if app.crash_reason is not None:
        return app.crash_reason
    if starting.done() and not starting.cancelled():
        return starting.exception()
    return None
