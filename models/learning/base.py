"""The risks of the whole base: what every partition gave at each boundary, added up for the version that follows."""

from models.scoring.ranks import BUCKETS, Counts


class Base:
    """Counts of the boundaries that no version carries yet, by boundary and partition, with where they were read."""

    def __init__(self) -> None:
        self._told: dict[int, dict[int, tuple[int, Counts]]] = {}

    def take(self, boundary: int, partition: int, counts: Counts, offset: int) -> None:
        """Note what a partition gave at a boundary; told again, after a crash, it is the same."""
        if counts:
            self._told.setdefault(boundary, {})[partition] = offset, counts

    def until(self, boundary: int) -> list[int]:
        """Customers by bucket, of everything noted up to a boundary; it is forgotten. Empty when nothing was noted."""
        told = [self._told.pop(day) for day in sorted(self._told) if day <= boundary]
        sums = [0] * BUCKETS
        for of_partition in told:
            for _, counts in of_partition.values():
                for bucket, count in counts:
                    sums[bucket] += count
        return sums if told else []

    def resume_at(self, end: int) -> int:
        """The offset of the first that is noted; `end` without any."""
        offsets = [offset for told in self._told.values() for offset, _ in told.values()]
        return min(offsets, default=end)
