"""The watermark of a partition: how far event time has come, and which boundaries that closes."""

from models.config import Basis
from models.partition_record import State


class Watermark:
    """The least clock over the declared feeds, less the bound on disorder B.

    A feed's clock is the highest event time seen, or a tick's time; it never falls, so neither does the watermark.
    Clocks and the last boundary passed live in the partition record.
    """

    def __init__(self, state: State, basis: Basis) -> None:
        self._state, self._basis = state, basis
        self.boundary_ms = -1
        self._next_turn_ms = 0
        self.pass_boundary(state.boundary)

    @property
    def value_ms(self) -> int | None:
        """Event time up to which everything has been seen; None until each declared feed has shown an event."""
        least = min(self._state.highs[feed] for feed in self._basis.feeds)
        return None if least < 0 else least - self._basis.disorder_ms

    def raise_clock(self, feed: int, time_ms: int) -> bool:
        """Whether this raised the feed's clock."""
        highs = self._state.highs
        if time_ms <= highs[feed]:
            return False
        highs[feed] = time_ms
        return True

    def boundary_reached(self, time_ms: int) -> int | None:
        """The newest boundary that the watermark has reached, unless it was passed; a clock was raised to `time_ms`."""
        if time_ms < self._next_turn_ms:
            return None
        value = self.value_ms
        target = -1 if value is None else self._basis.calendar.day_of(value)
        return target if target > self._state.boundary else None

    def pass_boundary(self, boundary: int) -> None:
        """Everybody due is reviewed as of this boundary, now or soon: events before it are late from now on."""
        self._state.boundary = boundary
        if boundary >= 0:
            self.boundary_ms = self._basis.calendar.start_of(boundary)
            self._next_turn_ms = self._basis.calendar.start_of(boundary + 1) + self._basis.disorder_ms

    def is_settled(self, feed: int, day: int, time_ms: int = -1) -> bool:
        """Whether no event of an earlier day can still come in a feed: its clock, or `time_ms`, is B past midnight."""
        clock_ms = max(self._state.highs[feed], time_ms)
        return clock_ms >= self._basis.calendar.start_of(day) + self._basis.disorder_ms
