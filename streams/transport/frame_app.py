"""The application's own work: hand frames to the owner, end for a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import faust

from streams.settings import Settings
from streams.transport.frames import Frame, FrameSource
from streams.transport.offsets import OffsetTracker
from streams.transport.owner import Owner
from streams.transport.producer import BACKLOG_RECORDS, Outputs
from streams.transport.state import StateLog
from streams.transport.status import Status
from streams.transport.store import PartitionStore

CALM_RECORDS: Final = 2_000
"""Outputs that wait to be sent and are no reason to put off a midnight's work: some tens of milliseconds."""


class FrameApp(faust.App):
    """A Faust application with its ledger, its store and its owner; `app.py` ties it to the driver."""

    settings: Settings
    owner: Owner
    outputs: Outputs
    state_log: StateLog
    source_topics: tuple[str, ...]
    source_index: Mapping[str, int]
    consumer: FrameSource

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ledger = OffsetTracker()
        self.store = PartitionStore()
        self.status = Status()
        self.failure: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None

    def idle(self, partition: int) -> dict[str, int]:
        """Event topics of which everything there is has been taken: topic -> the offset up to which. For ticks."""
        idle = self.consumer.idle(partition)
        return {topic: offset for topic, offset in idle.items() if topic != self.source_topics[-1]}

    @property
    def is_sending(self) -> bool:
        """Whether so much waits to be sent that what is decided now would stand behind it for long."""
        self.outputs.poll()
        return len(self.outputs) > CALM_RECORDS

    async def fail(self, reason: BaseException) -> None:
        """End the worker for this reason (the first one counts); nothing further is taken or committed."""
        if self.failure is None:
            self.failure = reason
            self.log.error("worker stops: %s: %s", type(reason).__name__, reason)
            self.on_failure()

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
        await self.owner.take(partition, sequence, frame.records)
        if not self.consumer.is_current(frame):
            return  # it was overtaken while the owner waited for the broker, and comes again
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
