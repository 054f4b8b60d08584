"""When early alerts are fired: at the event that begins them, or once no event of an earlier day can come any more."""

from collections.abc import Callable
from typing import Final

from models.engine.ledger import TICKS
from models.engine.review import Message, Review
from models.engine.watermark import Watermark

NOTHING: Final[list[Message]] = []
EVER: Final = 1 << 40
"""A day behind all others."""


class EarlyFiring:
    """The early signals of a partition by the feed that announces them, and the customers who wait for its clock."""

    def __init__(self, review: Review, watermark: Watermark, settle: Callable[[int], None]) -> None:
        """`settle`: called with a row first, so that what is fired follows from all events of the customer."""
        self._review, self._watermark, self._settle = review, watermark, settle
        feeds = review.rules.basis.feeds
        self._alerts = [
            [of for of in review.alerts if of.signal.announced_feed == feed and feed in feeds] for feed in range(TICKS)
        ]
        self.waiting: dict[tuple[int, int], dict[int, None]] = {}
        """Rows by (feed, day)."""
        self.until = EVER
        """The first day of which another catalogue will decide: until it does, nothing of it is fired."""

    def has_signals(self, feed: int) -> bool:
        """Whether a signal is announced by the events of a feed."""
        return bool(self._alerts[feed])

    def hear(self, feed: int, row: int, day: int) -> list[Message]:
        """An event came that can begin an alert. Within the bound of disorder one of an earlier day can still come."""
        if not self._alerts[feed] and day < self.until:
            return NOTHING
        if day < self.until and self._watermark.is_settled(feed, day):
            return self._fire(feed, row, day)
        self.waiting.setdefault((feed, day), {})[row] = None
        return NOTHING

    def release(self, feed: int, time_ms: int) -> list[Message]:
        """Fire what had to wait for the feed's clock."""
        if not self.waiting:
            return NOTHING
        waiting = [at for at in self.waiting if at[0] == feed and at[1] < self.until]
        ripe = sorted(at for at in waiting if self._watermark.is_settled(*at, time_ms))
        return [message for at in ripe for row in self.waiting.pop(at) for message in self._fire(feed, row, at[1])]

    def _fire(self, feed: int, row: int, day: int) -> list[Message]:
        aliases, roster = self._review.customers.aliases, self._review.customers.roster
        if aliases.quiet and aliases.is_quiet(roster.id_of(row), day):  # what comes of others is not all here
            return NOTHING
        self._settle(row)
        return self._review.fire_early(self._alerts[feed], row, day)
