"""Where the state of partitions survives a crash, as the recovery asks for it: restore, hand over, go on from there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from faust.types import TP

from streams.transport.offsets import Mark


class StateLog(Protocol):
    """What was kept of partitions. The steps of a recovery, in the order in which they come."""

    topic: str
    """The topic whose partitions the assignor keeps with those of the inputs."""

    keeps_positions: bool
    """Whether reading goes on from where memory is, not from what is committed."""

    def attach(self, app: Any) -> None:  # the application imports this module
        """The application it works for; called once, before anything else."""

    def restore(
        self, partitions: Sequence[int], *, stop: threading.Event, on_progress: Callable[[int], None]
    ) -> Mapping[int, Any]:
        """Read partitions. Called in a thread, and may take long; nothing of ours changes yet."""

    def hand_over(self, partition: int, found: Any) -> None:
        """A restored partition is ours from here on. On the event loop."""

    async def settle(self, owned: Collection[int]) -> None:
        """All of them were handed over; returns once others can see that. May be cancelled by a rebalance."""

    def marks(self) -> Mapping[TP, Mark]:
        """Where reading goes on, as far as that is not what the group has committed."""

    async def begin(self) -> None:
        """The positions are known, nothing was read yet. May be cancelled by a rebalance."""

    def lost(self, partition: int) -> None:
        """A partition is another worker's."""

    async def leave(self) -> None:
        """The worker ends on purpose, nothing further is taken: what can be saved within some seconds."""
