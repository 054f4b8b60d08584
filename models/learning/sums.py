"""Counts that partitions tell as of each boundary, added up as they come: memory does not grow with the partitions."""

from collections import Counter

from models.customers.sketch import Counts


class Sum:
    """What partitions told at a boundary under one name; `offset`: where the first lay."""

    __slots__ = ("counts", "offset", "partitions")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.partitions: set[int] = set()
        self.counts: Counter[int] = Counter()


class PartitionSums:
    """By boundary and name."""

    def __init__(self) -> None:
        self._sums: dict[int, dict[str, Sum]] = {}
        self._first = -1

    def add(self, boundary: int, name: str, partition: int, counts: Counts, offset: int) -> None:
        """Add what a partition tells; told again, after a crash, it says nothing new."""
        if boundary < self._first:
            return
        of_name = self._sums.setdefault(boundary, {})
        found = of_name.get(name)
        if found is None:
            found = of_name[name] = Sum(offset)
        if partition not in found.partitions:
            found.partitions.add(partition)
            found.counts.update(dict(counts))

    def at(self, boundary: int) -> dict[str, Sum]:
        """What was told of a boundary, by name."""
        return self._sums.get(boundary, {})

    def forget(self, first: int) -> None:
        """Forget boundaries before this one; what is told of them later is of no use either."""
        self._first = max(self._first, first)
        self._sums = {day: sums for day, sums in self._sums.items() if day >= self._first}

    def resume_at(self, end: int) -> int:
        """The offset of the first that is kept; `end` without any."""
        return min([end, *(one.offset for sums in self._sums.values() for one in sums.values())])
