"""Waiting for what comes true by itself: until it does, until a worker leaves, or for so long at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.workers import Worker


def wait_until(
    is_so: Callable[[], bool],
    within_s: float,
    told: Callable[[], str] = lambda: "",
    *,
    running: Sequence[Worker] = (),
    every_s: float = 0.2,
) -> None:
    """Poll until `is_so`; fails when one of those `running` leaves, and when it is late: with `told` and their logs."""
    deadline = time.monotonic() + within_s
    while not is_so():
        for worker in running:
            worker.check()
        assert time.monotonic() < deadline, "\n".join(
            [f"not within {within_s:.0f} s: {told()}", *(worker.log_tail() for worker in running)]
        )
        time.sleep(every_s)


def wait_until_logged(worker: Worker, words: str, within_s: float) -> None:
    """Look at what it logged again and again, without a pause that would be seen in what comes next."""
    wait_until(lambda: words in worker.log(), within_s, lambda: f"{words!r} is logged", running=[worker], every_s=0.01)
