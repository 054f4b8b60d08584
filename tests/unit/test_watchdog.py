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


def ended(monkeypatch: pytest.MonkeyPatch, times: Iterator[float], owed_from: float = 0.0) -> list[int]:
    """What it ends the process with, by these looks at the clock; it is stopped when they are over.

    `owed_from`: the event loop is well, but nothing moves, and from this look on something has to.
    """
    codes: list[int] = []
    status = stuck()
    dog = Watchdog(status, 60.0, codes.append)

    def clock() -> float:
        now = next(times, None)
        if owed_from and now is not None:
            status.is_restoring, status.is_rebalancing, status.looked_at = now >= owed_from, False, now
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


def test_what_is_owed_after_a_long_quiet_has_the_whole_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, map(float, range(1_000, 1_250)), owed_from=1_200.0) == []
    assert ended(monkeypatch, map(float, range(1_000, 1_270)), owed_from=1_200.0) == [STUCK]
