"""The risks of the whole base: what every partition gave at each boundary, added up for the versions that follow."""

from models.scoring.ranks import BUCKETS, Counts


class Base:
    """Counts of the last boundaries, by boundary and partition, with where they were read.

    A boundary counts once every partition has reviewed it; then those of the `days` up to it are the base: the interval
    at which every customer gets a new risk.
    """

    def __init__(self, partitions: int, days: int) -> None:
        self._partitions, self._days = partitions, days
        self._given: dict[int, dict[int, tuple[int, Counts]]] = {}
        self._reviewed: dict[int, int] = {}
        """By partition the newest boundary that it has reviewed."""

    def take(self, boundary: int, partition: int, counts: Counts, offset: int) -> None:
        """Note what a partition gave at a boundary; told again, after a crash, it is the same."""
        self._reviewed[partition] = max(boundary, self._reviewed.get(partition, -1))
        if counts:
            self._given.setdefault(boundary, {})[partition] = offset, counts

    @property
    def reviewed(self) -> int:
        """The newest boundary that every partition has reviewed; -1 while one has told nothing."""
        return min(self._reviewed.values()) if len(self._reviewed) == self._partitions else -1

    def as_of(self, boundary: int) -> list[int]:
        """Customers by bucket over the last days up to a boundary; empty when nobody got a risk."""
        given = [self._given[day] for day in range(boundary - self._days + 1, boundary + 1) if day in self._given]
        sums = [0] * BUCKETS
        for of_partition in given:
            for _, counts in of_partition.values():
                for bucket, count in counts:
                    sums[bucket] += count
        return sums if given else []

    def forget(self, boundary: int) -> None:
        """Forget what no version as of this boundary, or a later one, asks for."""
        self._given = {day: given for day, given in self._given.items() if day > boundary - self._days}

    def resume_at(self, end: int) -> int:
        """The offset of the first that is kept; `end` without any."""
        return min([end, *(offset for given in self._given.values() for offset, _ in given.values())])
