"""A worker that has done nothing yet, for what it tells all the same."""

from __future__ import annotations

from models.partition import Partition
from streams.agents.tally import Tally


class Idle:
    """No partition, nothing counted."""

    def __init__(self) -> None:
        self.partitions: dict[int, Partition] = {}
        self.tally = Tally()
