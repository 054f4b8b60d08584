"""State as a record for each key: the changelog is restored by reading all of it, the newest record of a key counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from faust.types import TP

from streams.kafka.connection import librdkafka_config
from streams.transport.changelog import Changelog
from streams.transport.offsets import Mark
from streams.transport.owner import RecordOwner
from streams.transport.producer import FLUSH_TIMEOUT_S, flushed
from streams.transport.restore import Restored, restore
from streams.transport.stale import StaleWatch

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp


class RecordState:
    """After a restore it looks out for records that an earlier owner still writes."""

    keeps_positions = False

    def __init__(self, changelog: Changelog, owner: RecordOwner) -> None:
        self.topic = changelog.topic
        self._changelog, self._owner = changelog, owner
        self._unwatched: dict[int, int] = {}
        self._watch: StaleWatch | None = None

    def attach(self, app: FrameApp) -> None:
        """Work for this application."""
        self._app = app

    def restore(
        self, partitions: Sequence[int], *, stop: threading.Event, on_progress: Callable[[int], None]
    ) -> Mapping[int, Restored]:
        """Read the changelog."""
        connection = librdkafka_config(self._app.settings)
        return restore(connection, self.topic, partitions, stop=stop, on_progress=on_progress)

    def hand_over(self, partition: int, found: Restored) -> None:
        """Give the records to the owner, and have it write again what an earlier owner's hides."""
        self._changelog.begin(partition, found.highest_epoch())
        self._owner.restored(partition, found.records)
        for key in found.beaten:
            self._owner.rewrite(partition, key)
        self._app.status.rewrites += len(found.beaten)
        self._unwatched[partition] = found.end

    async def settle(self, owned: Collection[int]) -> None:
        """An epoch is claimed once the broker has it: before that another worker could restore and claim the same."""
        while not await flushed(self._app.outputs, FLUSH_TIMEOUT_S):
            self._app.log.warning("the broker has not taken our epochs yet")
        if self._watch is None:
            loop = asyncio.get_running_loop()

            def on_stale(partition: int, key: bytes) -> None:
                loop.call_soon_threadsafe(self.rewrite, partition, key)

            self._watch = StaleWatch(librdkafka_config(self._app.settings), self._changelog, on_stale)
            self._watch.start()
        self._watch.watch(owned, {p: end for p, end in self._unwatched.items() if p in owned})
        self._unwatched = {}

    def rewrite(self, partition: int, key: bytes) -> None:
        """Have the owner write a key again, if the partition is ours now; a restore to come will find it by itself."""
        app = self._app
        if app.failure is None and app.status.is_ready and partition in app.store.partitions:
            self._owner.rewrite(partition, key)
            app.status.rewrites += 1

    def marks(self) -> Mapping[TP, Mark]:
        """None: reading goes on from what is committed."""
        return {}

    async def begin(self) -> None:
        """Nothing: the first frame may come."""

    def lost(self, partition: int) -> None:
        """Nothing: the watch is told whom it is for each time."""

    async def leave(self) -> None:
        """Nothing: everything is in the changelog already."""
