"""What running constants are quantiles of, in the whole deployment: the counts of all partitions at each boundary."""

from collections import Counter
from collections.abc import Mapping

from models.customers.sketch import Counts


class _Sum:
    """What partitions told at a boundary of one distribution, added up as it comes; `offset`: where the first lay."""

    __slots__ = ("counts", "offset", "partitions")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.partitions: set[int] = set()
        self.counts: Counter[int] = Counter()

    def add(self, partition: int, counts: Counts) -> None:
        """Add a partition; told again, after a crash, it says nothing new."""
        if partition not in self.partitions:
            self.partitions.add(partition)
            self.counts.update(dict(counts))


class DistributionCounts:
    """Sums by boundary and distribution: so memory does not grow with the partitions."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._sums: dict[int, dict[str, _Sum]] = {}
        self._first = -1
        """The first boundary that a version may be made as of."""

    def take(self, boundary: int, partition: int, told: Mapping[str, Counts], offset: int) -> None:
        """Note what a partition tells of a boundary."""
        if boundary < self._first:
            return
        for name, counts in told.items():
            of_name = self._sums.setdefault(boundary, {})
            if name not in of_name:
                of_name[name] = _Sum(offset)
            of_name[name].add(partition, counts)

    def as_of(self, boundary: int) -> dict[str, Counts]:
        """The sums of what every partition has told of a boundary; what some do not count is of no use."""
        return {
            name: tuple(sorted(one.counts.items()))
            for name, one in sorted(self._sums.get(boundary, {}).items())
            if len(one.partitions) == self._partitions and one.counts
        }

    def forget(self, boundary: int) -> None:
        """Forget boundaries before this one: no version is made as of them any more."""
        self._first = max(self._first, boundary)
        self._sums = {day: sums for day, sums in self._sums.items() if day >= boundary}

    def resume_at(self, end: int) -> int:
        """The offset of the first that is kept; `end` without any."""
        return min([end, *(one.offset for sums in self._sums.values() for one in sums.values())])
