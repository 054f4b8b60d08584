"""The order of digests: whatever order the partitions' records lie in, they are given out boundary by boundary.

A boundary is complete once every partition has judged everybody as of it. A revision belongs to the boundary at which
it was decided, and one that was announced ahead of its day to the boundary behind that day.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import NamedTuple

from models.alerts.partitions import place_of_alert
from models.calendar import Calendar
from schemas.alert import AlertV1
from schemas.erasure import ErasureV1
from schemas.instant import from_rfc3339
from schemas.reviewed import ReviewedV1, Told


class WaitingRevision(NamedTuple):
    """A revision that waits for its boundary, and the offset it was read at."""

    offset: int
    alert: AlertV1


class Resume(NamedTuple):
    """Where to go on: the boundary done last, the offset to read from, how far partitions were at that offset.

    `owners` are all who have a digest: what an earlier program kept names none.
    `judged_by`: the catalogues named for boundaries behind that; `catalogue`: the one in force.
    """

    done: int
    offset: int
    reached: Mapping[int, int]
    owners: tuple[str, ...] = ()
    judged_by: Mapping[int, tuple[str, ...]] = {}
    catalogue: str = ""


BEGINNING = Resume(-1, 0, {})


class Backlog:
    """Holds revisions until their boundary is complete."""

    def __init__(self, partitions: int, calendar: Calendar, at: Resume = BEGINNING) -> None:
        self._partitions, self._calendar = partitions, calendar
        self.done = at.done
        """The boundary that was given out last, -1 for none."""
        self.is_erased = False
        """Whether somebody is erased as of the boundary that was given out last."""
        self.catalogue = at.catalogue
        """By which all partitions judged the last boundary that was given out and of which they agreed."""
        self._judged_by = {boundary: {*names} for boundary, names in at.judged_by.items()}
        self.end = at.offset
        """The offset behind the last record that was taken."""
        self._before = dict(at.reached)
        self._markers: list[tuple[int, int, int]] = []
        self._reached = dict(at.reached)
        self._waiting: dict[int, dict[tuple[str, int], WaitingRevision]] = {}
        """By boundary, then by alert and revision."""
        self._first: int | None = None
        self._erased: dict[int, int] = {}
        """Boundaries at which somebody is erased, each with the offset at which that was read."""

    def take(self, entry: Told, offset: int) -> None:
        """Note a record read at an offset. Raises ValueError for one of another deployment."""
        self.end = max(self.end, offset + 1)
        if isinstance(entry, ReviewedV1):
            self._go_on(entry, offset)
            return
        if isinstance(entry, ErasureV1):
            if (day := self._calendar.day_of_text(entry.at)) > self.done:  # else it was told a second time
                self._erased.setdefault(day, offset)
            return
        waiting = self._waiting.setdefault(self._boundary_of(entry), {})
        waiting.setdefault((entry.alert_id, entry.revision), WaitingRevision(offset, entry))

    def _boundary_of(self, alert: AlertV1) -> int:
        """The boundary that a revision belongs to, as far as partitions are by now: none that may be done already."""
        passed = self._reached.get(place_of_alert(alert, self._partitions), -1)
        return max(passed + 1, self._calendar.day_of(from_rfc3339(alert.observed_at) - 1) + 1)

    def _go_on(self, reviewed: ReviewedV1, offset: int) -> None:
        number, boundary = reviewed.partition, self._calendar.day_of_text(reviewed.boundary)
        if not 0 <= number < self._partitions:
            raise ValueError(f"partition {number} of {self._partitions}")
        if boundary > self.done and reviewed.catalogue:
            self._judged_by.setdefault(boundary, set()).add(reviewed.catalogue)
        if boundary > self._reached.get(number, -1):
            self._markers.append((offset, number, boundary))
            self._first = boundary if self._first is None else min(self._first, boundary)
            self._reached[number] = boundary

    @property
    def complete(self) -> int:
        """The boundary that every partition has reached; -1 while one has told nothing."""
        return min(self._reached.values()) if len(self._reached) == self._partitions else -1

    def due(self) -> range:
        """The boundaries that are complete and were not given out."""
        first = self.done + 1 if self.done >= 0 or self._first is None else self._first
        return range(first, self.complete + 1)

    def give_out(self, boundary: int) -> list[AlertV1]:
        """Take out what belongs to a boundary or an earlier one, in the order of alerts and their revisions."""
        found: dict[tuple[str, int], WaitingRevision] = {}
        for at in [at for at in self._waiting if at <= boundary]:
            found |= self._waiting.pop(at)
        self.done = boundary
        before = len(self._erased)
        self._erased = {at: offset for at, offset in self._erased.items() if at > boundary}
        self.is_erased = len(self._erased) < before
        named = [self._judged_by.pop(at) for at in sorted(self._judged_by) if at <= boundary]
        if named and len(named[-1]) == 1:
            (self.catalogue,) = named[-1]
        return [one.alert for _, one in sorted(found.items(), key=itemgetter(0))]

    def resume(self) -> Resume:
        """From where everything that was not given out is read again as it was read now."""
        offsets = (one.offset for waiting in self._waiting.values() for one in waiting.values())
        offset = min([self.end, *self._erased.values(), *offsets])
        passed = sum(1 for at, _, _ in self._markers if at < offset)
        for _, number, boundary in self._markers[:passed]:
            self._before[number] = boundary
        del self._markers[:passed]
        judged_by = {at: tuple(sorted(names)) for at, names in self._judged_by.items()}
        return Resume(self.done, offset, dict(self._before), judged_by=judged_by, catalogue=self.catalogue)
