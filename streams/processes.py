"""Work in processes beside this one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from streams.memory import collect_seldom

_CONTEXT: Final = get_context("spawn")
"""A fresh interpreter a process: a copy of this one would take its threads' locks along without the threads."""

_count: Synchronized[int] | None = None


@contextmanager
def processes(count: int, counter: Synchronized[int] | None = None) -> Iterator[ProcessPoolExecutor]:
    """So many processes to give work to; whoever leaves early waits for nothing. They may `count_on` the counter."""
    pool = ProcessPoolExecutor(count, _CONTEXT, _begin, (counter,))
    try:
        yield pool
    except BaseException:
        # Not by the futures, as `map` would: the pool fails when a process ends for which a cancelled one waits.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown()


def new_counter() -> Synchronized[int]:
    """A number that processes raise and this one reads."""
    return _CONTEXT.Value("q", 0)


def count_on(number: int) -> None:
    """In a process that was given a counter: how far its work has come."""
    if _count is not None:
        _count.value = number


def _begin(counter: Synchronized[int] | None) -> None:
    global _count  # noqa: PLW0603 - set once, when the process begins
    _count = counter
    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # it ends without a word: the program itself says why
