"""What the edge of the engine says to the events of a file: the contract's bounds again, once moved, and the clock."""

from __future__ import annotations

from schemas.codec import MAX_AHEAD_MS, check_ahead
from schemas.event_time import check_instant
from schemas.instant import to_rfc3339
from schemas.topics import DAY_MS
from streams.text.wording import counted


class Edge:
    """Refuses what a worker refuses at `now_ms`; without one it counts what a worker would refuse at `clock_ms`."""

    def __init__(self, now_ms: int | None, clock_ms: int, shift_days: int = 0) -> None:
        self._now_ms, self._clock_ms, self._shift_ms = now_ms, clock_ms, shift_days * DAY_MS
        self._ahead, self._last_ms = 0, 0

    def check(self, time_ms: int) -> None:
        """Raise RejectedError for the time of an event, before it is moved."""
        moved_ms = time_ms + self._shift_ms
        check_instant(moved_ms)
        if self._now_ms is not None:
            check_ahead(moved_ms, self._now_ms)
        elif moved_ms > self._clock_ms + MAX_AHEAD_MS:
            self._ahead += 1
            self._last_ms = max(self._last_ms, moved_ms)

    def sentences(self) -> list[str]:
        """A sentence if a worker would refuse some of these now."""
        sentence = (
            f"warning: {counted(self._ahead, 'event')} ahead of this machine's clock, the last at "
            f"{to_rfc3339(self._last_ms)}: a worker refuses them until then, and here they count. Say --now T to "
            "refuse what a worker refuses at T."
        )
        return [sentence] if self._ahead else []
