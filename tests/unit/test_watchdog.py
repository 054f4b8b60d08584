"""The watchdog ends a process in which nothing moves, not one that stood still with its machine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from streams.transport import watchdog
from streams.transport.status import Status
from streams.transport.watchdog import STUCK, Watchdog


def stuck() -> Status:
    status = Status()
    status.is_restoring = True
    status.moved_at = status.looked_at = 0.0
    return status


def ended(monkeypatch: pytest.MonkeyPatch, times: Iterator[float]) -> list[int]:
    """What it ends the process with, by these looks at the clock; it is stopped when they are over."""
    codes: list[int] = []
    dog = Watchdog(stuck(), 60.0, codes.append)

    def clock() -> float:
        now = next(times, None)
        if now is None:
            dog.stop()
            return 0.0
        return now

    monkeypatch.setattr(watchdog, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr("streams.transport.watchdog.time.monotonic", clock)
    dog.run()
    return codes


def test_a_process_in_which_nothing_moves_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, (float(second) for second in count(1_000))) == [STUCK]


def test_after_a_suspend_the_whole_limit_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = range(1_000, 1_030), range(5_000, 5_059)
    assert ended(monkeypatch, map(float, [*before, *after])) == []
    assert ended(monkeypatch, map(float, [*before, *after, *range(5_059, 5_065)])) == [STUCK]
