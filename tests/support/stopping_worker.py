"""The worker as it is, but it pauses itself (SIGSTOP) once, at a place that matters: only SIGCONT wakes it up.

python stopping_worker.py PLACE FILE     FILE is made when it stops, and where it is there already nobody stops
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal, get_args

from streams.__main__ import main
from streams.agents import customers, publishing
from streams.transport import producer
from streams.transport.snapshots import ownership

Place = Literal["sending", "sent", "judged", "noted", "claiming"]
"""In the middle of a frame's outputs, some in the producer's queue; with all of them there; between a boundary and its
record in the changelog; between that and its outputs; between a restore and its claim."""

PLACES: Final = get_args(Place)
SENT_BEFORE: Final = 2_000
"""Open alerts told before it stops: in the middle of the history."""
FRAMES_BEFORE: Final = 3
BEGUN_BEFORE: Final = 2
"""Frames that passed boundaries: of a backlog a frame holds many."""


def program(place: Place, file: Path) -> tuple[str, ...]:
    """The command that starts it."""
    return sys.executable, __file__, place, str(file)


class Stop:
    """Stops the process at the call of a number."""

    def __init__(self, file: Path, after: int) -> None:
        self._file, self._left = file, after

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0 and not self._file.exists():
            self._file.touch()
            os.kill(os.getpid(), signal.SIGSTOP)


def arrange(place: str, file: Path) -> None:
    """Have the process stop there."""
    if place == "sending":
        _around(producer.Outputs, "send", after=Stop(file, SENT_BEFORE))
    elif place == "sent":
        _around(publishing.Publisher, "send", after=Stop(file, FRAMES_BEFORE))
    elif place == "judged":
        _around_async(before=Stop(file, BEGUN_BEFORE))
    elif place == "noted":
        _around_async(after=Stop(file, BEGUN_BEFORE))
    elif place == "claiming":
        _around(ownership, "_claim", before=Stop(file, 1))


def _nothing() -> None: ...


def _around(
    owner: Any, name: str, *, before: Callable[[], None] = _nothing, after: Callable[[], None] = _nothing
) -> None:
    call = getattr(owner, name)

    @wraps(call)
    def stopping(*args: Any, **options: Any) -> Any:
        before()
        result = call(*args, **options)
        after()
        return result

    setattr(owner, name, stopping)


def _around_async(*, before: Callable[[], None] = _nothing, after: Callable[[], None] = _nothing) -> None:
    call = customers.Customers._write_down

    async def stopping(agent: customers.Customers, own: Any) -> None:
        before()
        await call(agent, own)
        after()

    customers.Customers._write_down = stopping  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    arrange(sys.argv[1], Path(sys.argv[2]))
    main(["worker"])
