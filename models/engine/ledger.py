"""What became of every record of a partition, and how far each topic was read: counts that reconcile."""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec
from msgspec import Struct

from models.customers.arrays import Ints
from schemas.event import FEEDS

OUTCOMES: Final = ("applied", "applied_late", "duplicate", "late", "dead_lettered")
Outcome = Literal["applied", "applied_late", "duplicate", "late", "dead_lettered"]
TICKS: Final = len(FEEDS)
"""The tick topic's place beside the feeds in `covered`."""

REJECTIONS_IN_A_ROW: Final = 1_000
REJECTION_WINDOW: Final = 10_000
REJECTION_SHARE: Final = 0.05
"""Past these limits the source is broken, not a record: stopping keeps the dead-letter topic from taking it all."""


class DeadLetterLimitError(Exception):
    """Too much of the input is refused: the worker stops instead of pouring a broken source into the dead letters."""

    def __init__(self, in_a_row: int, of_last: int) -> None:
        super().__init__(
            f"{in_a_row} records refused in a row, {of_last} of the last {REJECTION_WINDOW}; limits are "
            f"{REJECTIONS_IN_A_ROW} in a row and {REJECTION_SHARE:.0%}"
        )
        self.in_a_row, self.of_last = in_a_row, of_last

    def __reduce__(self) -> tuple[type["DeadLetterLimitError"], tuple[int, int]]:
        return type(self), (self.in_a_row, self.of_last)


class Ledger(Struct):
    """Lists are by feed. `covered`: the greatest offset taken, ticks last, -1 for none."""

    covered: list[int] = msgspec.field(default_factory=lambda: [-1] * (TICKS + 1))
    counts: list[dict[str, int]] = msgspec.field(default_factory=lambda: [dict.fromkeys(OUTCOMES, 0) for _ in FEEDS])
    reasons: dict[str, int] = {}
    taken: int = 0
    rejected_in_a_row: int = 0
    rejected_at: list[int] = []

    def cover(self, feeds: Ints, offsets: Ints) -> None:
        """Note how far records were taken."""
        for feed in range(len(FEEDS)):
            own = offsets[feeds == feed]
            if len(own):
                self.covered[feed] = max(self.covered[feed], int(own.max()))

    def reject(self, reason: str, taken: int, *, is_limited: bool) -> None:
        """Note a refused record, the last of so many `taken`; raises DeadLetterLimitError past the limits."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if not is_limited:  # what passes knowingly is not held against what comes after
            self.rejected_in_a_row, self.rejected_at = 0, []
            return
        is_next = bool(self.rejected_at) and self.rejected_at[-1] == taken - 1
        self.rejected_in_a_row = self.rejected_in_a_row + 1 if is_next else 1
        horizon = taken - REJECTION_WINDOW
        self.rejected_at = [at for at in self.rejected_at if at > horizon]
        self.rejected_at.append(taken)
        too_many = taken >= REJECTION_WINDOW and len(self.rejected_at) > REJECTION_SHARE * REJECTION_WINDOW
        if self.rejected_in_a_row > REJECTIONS_IN_A_ROW or too_many:
            raise DeadLetterLimitError(self.rejected_in_a_row, len(self.rejected_at))


def total_counts(ledgers: Iterable[Ledger]) -> dict[str, dict[str, int]]:
    """Outcomes by feed, summed over partitions."""
    known = list(ledgers)
    return {
        feed: {outcome: sum(ledger.counts[place][outcome] for ledger in known) for outcome in OUTCOMES}
        for place, feed in enumerate(FEEDS)
    }
