"""What running constants are quantiles of, in the whole deployment: the counts of all partitions at each boundary."""

from collections.abc import Mapping

from models.customers.sketch import Counts
from models.learning.sums import PartitionSums


class DistributionCounts:
    """Sums by boundary and distribution."""

    def __init__(self, partitions: int) -> None:
        self._partitions, self._sums = partitions, PartitionSums()

    def take(self, boundary: int, partition: int, told: Mapping[str, Counts], offset: int) -> None:
        """Note what a partition tells of a boundary."""
        for name, counts in told.items():
            self._sums.add(boundary, name, partition, counts, offset)

    def as_of(self, boundary: int) -> dict[str, Counts]:
        """The sums of what every partition has told of a boundary; what some do not count is of no use."""
        return {
            name: tuple(sorted(one.counts.items()))
            for name, one in sorted(self._sums.at(boundary).items())
            if len(one.partitions) == self._partitions and one.counts
        }

    def forget(self, boundary: int) -> None:
        """Forget boundaries before this one: no version is made as of them any more."""
        self._sums.forget(boundary)

    def resume_at(self, end: int) -> int:
        """The offset of the first that is kept; `end` without any."""
        return self._sums.resume_at(end)
