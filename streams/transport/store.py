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
    """Of each owned partition the group generation in which it was last ours.

    Memory is believed over a rebalance only if the generation is exactly the next one: then nobody else can have owned
    the partition in between. A member that expired comes back two generations later and restores.
    """

    def __init__(self) -> None:
        self._generation: dict[int, int] = {}

    def assign(self, partitions: Iterable[int], generation: int) -> Change:
        """Keep what may be kept; `fresh` must be restored, `lost` belongs to somebody else now."""
        wanted = frozenset(partitions)
        kept = {p for p in wanted if self._generation.get(p) == generation - 1}
        lost = frozenset(self._generation) - wanted
        self._generation = dict.fromkeys(kept, generation)
        return Change(lost, wanted - kept)

    def restore(self, partition: int, generation: int) -> None:
        """A partition is in memory as it was kept."""
        self._generation[partition] = generation

    @property
    def partitions(self) -> frozenset[int]:
        """Partitions in memory."""
        return frozenset(self._generation)
