"""The application's own work: hand frames to the owner, rewrite what lies stale, end for a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import faust

from streams.kafka import librdkafka_config
from streams.settings import Settings
from streams.transport.changelog import Changelog
from streams.transport.frames import Frame, FrameSource
from streams.transport.offsets import Ledger
from streams.transport.owner import Owner
from streams.transport.producer import BACKLOG_RECORDS, Outputs
from streams.transport.stale import StaleWatch
from streams.transport.status import Status
from streams.transport.store import PartitionStore


class FrameApp(faust.App):
    """A Faust application with its ledger, its store and its owner; `app.py` ties it to the driver."""

    settings: Settings
    owner: Owner
    outputs: Outputs
    changelog: Changelog
    source_topics: tuple[str, ...]
    source_index: Mapping[str, int]
    consumer: FrameSource

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ledger = Ledger()
        self.store = PartitionStore()
        self.status = Status()
        self.failure: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._stale_watch: StaleWatch | None = None

    def idle(self, partition: int) -> dict[str, int]:
        """Event topics of which everything there is has been taken: topic -> next offset to take. For ticks."""
        idle = self.consumer.idle(partition)
        return {topic: offset for topic, offset in idle.items() if topic != self.source_topics[-1]}

    async def fail(self, reason: BaseException) -> None:
        """End the worker for this reason (the first one counts); nothing further is taken or committed."""
        if self.failure is None:
            self.failure = reason
            self.log.error("worker stops: %s: %s", type(reason).__name__, reason)
            self.on_failure()

    def watch_for_stale(self, owned: Iterable[int], restored: Mapping[int, int]) -> None:
        """After a restore, look out for records that an earlier owner still writes."""
        if self._stale_watch is None:
            loop = asyncio.get_running_loop()

            def on_stale(partition: int, key: bytes) -> None:
                loop.call_soon_threadsafe(self.rewrite, partition, key)

            self._stale_watch = StaleWatch(librdkafka_config(self.settings), self.changelog, on_stale)
            self._stale_watch.start()
        self._stale_watch.watch(owned, restored)

    def rewrite(self, partition: int, key: bytes) -> None:
        """Have the owner write a key again, if the partition is ours now; a restore to come will find it by itself."""
        if self.failure is None and self.status.is_ready and partition in self.store.partitions:
            self.owner.rewrite(partition, key)
            self.status.rewrites += 1

    def _create_directories(self) -> None:
        """Nothing: state is in memory and in Kafka; Faust would leave an empty folder where the worker was started."""

    async def take(self, frame: Frame) -> None:
        """Hand a frame to the owner, unless it was read before a seek; such a frame will be read again."""
        while len(self.outputs) > BACKLOG_RECORDS and self.consumer.is_current(frame) and self.failure is None:
            self.outputs.poll()
            await asyncio.sleep(0.01)
        if self.failure is not None or not self.consumer.is_current(frame):
            return
        partition = frame.partition
        self.ledger.check(partition, frame.spans)
        sequence = self.ledger.next_sequence(partition)
        self.owner.take(partition, sequence, frame.records)
        self.ledger.take(partition, sequence, frame.spans)
        frame.is_taken = True
        self.status.owe_commit()
        self.outputs.poll()
        self.status.frames += 1
        self.status.records += len(frame.records)
        self.status.moved()

    def on_rebalance_start(self) -> None:
        """Called by the consumer's thread as soon as the group moves."""
        self.status.is_rebalancing = True
        self.status.rebalances += 1
        super().on_rebalance_start()
