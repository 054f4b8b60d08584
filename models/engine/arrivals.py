"""What comes to a partition and what becomes of it; and the boundaries that are passed on the way."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from models.customers.arrays import Ints
from models.engine.ledger import Outcome
from schemas.command import Command
from schemas.errors import RejectedError
from schemas.event import Event
from schemas.moved import Moved
from schemas.tick import Tick


class Unheard(NamedTuple):
    """What stands for a refused record that speaks of somebody who is erased: nothing of it is kept."""


class Arrival(NamedTuple):
    """A record as it was read: the topic's place (see the ledger), its offset, and what it says."""

    feed: int
    offset: int
    content: Event | Tick | Command | Moved | RejectedError | Unheard


class Fate(NamedTuple):
    """What became of a record. `is_again`: a redelivery, which changes nothing and is not counted.

    `boundary`: of a late event, the boundary that it missed.
    """

    outcome: Outcome
    is_again: bool = False
    reason: str | None = None
    boundary: int = -1


class Passed(NamedTuple):
    """A boundary that was passed: where in the topics (`covered`), and the version of the model that judges it.

    `catalogue`: the hash of the one that does, empty where it is not known.
    """

    boundary: int
    covered: tuple[int, ...]
    version: str | None
    catalogue: str = ""


APPLIED: Final = Fate("applied")
APPLIED_LATE: Final = Fate("applied_late")
DUPLICATE: Final = Fate("duplicate")
CONFLICT: Final = Fate("dead_lettered", reason="id_conflict")
ERASED: Final = Fate("erased")
AWAY: Final = Fate("moved")
AGAIN: Final = Fate("applied", is_again=True)


class Expected:
    """Boundaries that were passed before a restart, until they were passed again at the same place."""

    def __init__(self, passed: Iterable[Passed] = ()) -> None:
        self._passed = list(passed)
        self._beyond: set[int] = set()
        """Topics of which a record behind the next boundary was seen: all before it was read."""

    def __bool__(self) -> bool:
        return bool(self._passed)

    def lies_beyond(self, feed: int, offset: int) -> bool:
        """Whether a record was read behind the next boundary."""
        is_beyond = bool(self._passed) and offset > self._passed[0].covered[feed]
        if is_beyond:
            self._beyond.add(feed)
        return is_beyond

    def until_reached(self, feeds: Ints, offsets: Ints, covered: Sequence[int]) -> int:
        """How many records of these come until everything before the next boundary is taken; all, if it is not."""
        lacking = [feed for feed in range(len(covered)) if self._lacks(feed, covered)]
        ends = [((feeds == feed) & (offsets >= self._passed[0].covered[feed])).nonzero()[0][:1] for feed in lacking]
        return max([1, *[int(end[0]) + 1 if len(end) else len(feeds) for end in ends]])

    def _lacks(self, feed: int, covered: Sequence[int]) -> bool:
        return covered[feed] < self._passed[0].covered[feed] and feed not in self._beyond

    def take_reached(self, covered: Sequence[int]) -> int | None:
        """The next boundary, once everything before it was taken; it is expected no more."""
        if not self._passed or any(self._lacks(feed, covered) for feed in range(len(covered))):
            return None
        self._beyond.clear()
        return self._passed.pop(0).boundary
