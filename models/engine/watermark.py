"""The watermark of a partition: how far event time has come, and which boundaries that closes."""

from models.config import Basis
from schemas.event import FEEDS


class Watermark:
    """The least clock over the declared feeds, less the bound on disorder B.

    A feed's clock (`highs`) is the highest event time seen, or a tick's time; it never falls, so neither does the
    watermark.
    `boundary` is the last midnight that was passed: events before it are late.
    """

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self.highs = [-1] * len(FEEDS)
        self.boundary = -1
        self.boundary_ms = -1
        self.next_turn_ms = 0
        """No clock before this instant can bring the next boundary."""

    def resume(self, highs: list[int], boundary: int) -> None:
        """Go on from a snapshot."""
        self.highs = highs
        self.pass_boundary(boundary)

    @property
    def value_ms(self) -> int | None:
        """Event time up to which everything has been seen; None until each declared feed showed an event or a tick."""
        least = min([self.highs[feed] for feed in self._basis.feeds])
        return None if least < 0 else least - self._basis.disorder_ms

    @property
    def reached(self) -> int:
        """The newest boundary that the watermark has reached, passed or not; -1 for none."""
        value = self.value_ms
        return -1 if value is None else self._basis.calendar.day_of(value)

    def pass_boundary(self, boundary: int) -> None:
        """Everybody is judged as of this boundary, now or soon: events before it are late from now on."""
        self.boundary = boundary
        if boundary >= 0:
            self.boundary_ms = self._basis.calendar.start_of(boundary)
            self.next_turn_ms = self._basis.calendar.start_of(boundary + 1) + self._basis.disorder_ms

    def is_settled(self, feed: int, day: int, time_ms: int = -1) -> bool:
        """Whether no event of an earlier day can still come in a feed: its clock, or `time_ms`, is B past midnight."""
        clock_ms = max(self.highs[feed], time_ms)
        return clock_ms >= self._basis.calendar.start_of(day) + self._basis.disorder_ms
