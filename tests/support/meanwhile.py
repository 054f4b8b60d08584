"""Work that goes on in a thread while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def meanwhile(work: Callable[[], object], *, every_s: float) -> Iterator[None]:
    """Do it again and again until the block ends; what it raises ends it, and is raised after a block that did not."""
    ending = threading.Event()
    failures: list[BaseException] = []

    def again_and_again() -> None:
        try:
            while not ending.wait(every_s):
                work()
        except BaseException as error:  # noqa: BLE001 - raised again where the test can see it
            failures.append(error)

    thread = threading.Thread(target=again_and_again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
    if failures:
        raise failures[0]
