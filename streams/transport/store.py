"""Which partitions are in memory and still ours to believe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What an assignment means for the store."""

    lost: frozenset[int]
    fresh: frozenset[int]


class PartitionStore:
    """The records of each owned partition: the owner's own dict, and the group generation in which it was last ours.

    Memory is believed over a rebalance only if the generation is exactly the next one: then nobody else can have owned
    the partition in between. A member that expired comes back two generations later and restores.
    """

    def __init__(self) -> None:
        self._records: dict[int, dict[bytes, bytes]] = {}
        self._generation: dict[int, int] = {}

    def assign(self, partitions: Iterable[int], generation: int) -> Change:
        """Keep what may be kept; `fresh` must be restored, `lost` belongs to somebody else now."""
        wanted = frozenset(partitions)
        kept = {p for p in wanted if p in self._records and self._generation[p] == generation - 1}
        lost = frozenset(self._records) - wanted
        for partition in frozenset(self._records) - kept:
            del self._records[partition], self._generation[partition]
        self._generation.update(dict.fromkeys(kept, generation))
        return Change(lost, wanted - kept)

    def restore(self, partition: int, records: dict[bytes, bytes], generation: int) -> None:
        """A partition's records as read from the changelog."""
        self._records[partition] = records
        self._generation[partition] = generation

    @property
    def partitions(self) -> frozenset[int]:
        """Partitions in memory."""
        return frozenset(self._records)

    def size(self, partition: int) -> int:
        """Keys of a partition."""
        return len(self._records.get(partition, ()))
