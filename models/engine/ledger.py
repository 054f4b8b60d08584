"""What became of every record of a partition, and how far each topic was read: counts that reconcile."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Literal

import msgspec
from msgspec import Struct

from models.customers.arrays import Ints
from schemas.event import FEEDS

OUTCOMES: Final = ("applied", "applied_late", "duplicate", "late", "dead_lettered", "erased", "moved")
Outcome = Literal["applied", "applied_late", "duplicate", "late", "dead_lettered", "erased", "moved"]
TICKS: Final = len(FEEDS)
COMMANDS: Final = TICKS + 1
MOVED: Final = COMMANDS + 1
"""The places beside the feeds in `covered`: ticks, commands, and what partitions send each other."""

REJECTIONS_IN_A_ROW: Final = 1_000
REJECTION_WINDOW: Final = 10_000
REJECTION_SHARE: Final = 0.05
"""Past these limits the source is broken, not a record: stopping keeps the dead-letter topic from taking it all."""

MISPLACED: Final = "wrong_partition"
"""Why a record is refused that lies where its key does not belong: its producer uses another partitioner."""
MISPLACED_SHARE: Final = 0.5
"""Such a record is whole, and posted again it is mended: one wrong producer among others must not stop everybody. Where
most records are misplaced it is not one producer: the number of partitions is wrong, or nobody uses murmur2."""


class DeadLetterLimitError(Exception):
    """Too much of the input is refused: the worker stops instead of pouring a broken source into the dead letters."""

    def __init__(self, in_a_row: int, of_last: int, *, is_misplaced: bool = False) -> None:
        super().__init__(
            f"{of_last} of the last {REJECTION_WINDOW} records lie on a partition that is not their key's; the limit "
            f"is {MISPLACED_SHARE:.0%}"
            if is_misplaced
            else f"{in_a_row} records refused in a row, {of_last} of the last {REJECTION_WINDOW}; limits are "
            f"{REJECTIONS_IN_A_ROW} in a row and {REJECTION_SHARE:.0%}"
        )
        self.in_a_row, self.of_last, self.is_misplaced = in_a_row, of_last, is_misplaced

    def __reduce__(self) -> tuple[Callable[..., "DeadLetterLimitError"], tuple[int, int]]:
        return partial(type(self), is_misplaced=self.is_misplaced), (self.in_a_row, self.of_last)


class Ledger(Struct):
    """Lists are by feed. `covered`: the greatest offset taken, behind the feeds of the other places; -1 for none.

    The limits go by the numbers of records, not by time: `misplaced_at` by that of all that were taken, `refused_at` by
    that of those which lie where they belong. `passed_until`: the offset below which an earlier life took everything
    in, so that somebody let pass what was beyond a limit there.
    """

    covered: list[int] = msgspec.field(default_factory=lambda: [-1] * (MOVED + 1))
    counts: list[dict[str, int]] = msgspec.field(default_factory=lambda: [dict.fromkeys(OUTCOMES, 0) for _ in FEEDS])
    commands: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    """Outcomes of commands."""
    moved: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    """Outcomes of what partitions send each other."""
    reasons: dict[str, int] = {}
    taken: int = 0
    refused_in_a_row: int = 0
    refused_at: list[int] = []
    misplaced_at: list[int] = []
    passed_until: list[int] = msgspec.field(default_factory=lambda: [0] * len(FEEDS))

    def cover(self, feeds: Ints, offsets: Ints) -> None:
        """Note how far records were taken."""
        for feed in range(len(FEEDS)):
            own = offsets[feeds == feed]
            if len(own):
                self.covered[feed] = max(self.covered[feed], int(own.max()))

    def was_passed(self, offsets: Iterable[int]) -> None:
        """An earlier life took in what lies below these offsets, by feed."""
        self.passed_until = [max(pair) for pair in zip(self.passed_until, offsets, strict=True)]

    def set_aside(self, outcome: Outcome, reason: str | None, feed: int, offset: int, *, is_limited: bool) -> None:
        """Note a record that holds no event. Raises DeadLetterLimitError past the limits."""
        self.taken += 1
        self.counts[feed][outcome] += 1
        if outcome == "dead_lettered":
            self.reject(str(reason), self.taken, feed, offset, is_limited=is_limited)

    def reject(self, reason: str, taken: int, feed: int, offset: int, *, is_limited: bool) -> None:
        """Note a refused record, the last of so many `taken`. Raises DeadLetterLimitError past the limits.

        Where an earlier life went on, a limit is reached without a stop, and begins anew.
        """
        misplaced = self.reasons.get(MISPLACED, 0)
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        error = self._misplaced(taken) if reason == MISPLACED else self._refused(taken - misplaced)
        if error is not None and is_limited and offset >= self.passed_until[feed]:
            raise error
        if error is not None or not is_limited:  # what passes knowingly is not held against what comes after
            self.refused_in_a_row, self.refused_at, self.misplaced_at = 0, [], []

    def _refused(self, placed: int) -> DeadLetterLimitError | None:
        """The last of so many records that lie where they belong was refused."""
        is_next = bool(self.refused_at) and self.refused_at[-1] == placed - 1
        self.refused_in_a_row = self.refused_in_a_row + 1 if is_next else 1
        is_too_many = _is_too_many(self.refused_at, placed, REJECTION_SHARE)
        if is_too_many or self.refused_in_a_row > REJECTIONS_IN_A_ROW:
            return DeadLetterLimitError(self.refused_in_a_row, len(self.refused_at))
        return None

    def _misplaced(self, taken: int) -> DeadLetterLimitError | None:
        """The last of so many records lies on a wrong partition."""
        if _is_too_many(self.misplaced_at, taken, MISPLACED_SHARE):
            return DeadLetterLimitError(0, len(self.misplaced_at), is_misplaced=True)
        return None


def _is_too_many(places: list[int], place: int, share: float) -> bool:
    """Add a place, forget those that are no longer in the window; whether more than a share of the window is left."""
    places.append(place)
    del places[: bisect_right(places, place - REJECTION_WINDOW)]
    return place >= REJECTION_WINDOW and len(places) > share * REJECTION_WINDOW


def total_counts(ledgers: Iterable[Ledger]) -> dict[str, dict[str, int]]:
    """Outcomes by feed, of commands, and of what partitions send each other, summed over partitions."""
    known = [(*ledger.counts, ledger.commands, ledger.moved) for ledger in ledgers]
    return {
        name: {outcome: sum(counts[place][outcome] for counts in known) for outcome in OUTCOMES}
        for place, name in enumerate((*FEEDS, "command", "moved"))
    }
