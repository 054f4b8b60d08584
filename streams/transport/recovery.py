"""What happens between an assignment and the first frame: restore, hand over, seek, resume."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from mode import Service

from streams.kafka import librdkafka_config
from streams.transport.errors import StopWorkerError
from streams.transport.producer import FLUSH_TIMEOUT_S, flushed
from streams.transport.restore import Restored, restore

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp

T = TypeVar("T")


class FrameRecovery(Recovery):
    """Faust's recovery, with its reading of changelogs through the consumer replaced by a bulk restore.

    No record may be fetched before the final seek: resuming the flow clears the queues of the streams, and what was
    fetched earlier would be lost without a trace.
    """

    app: FrameApp

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unwatched: dict[int, int] = {}

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Nothing comes this way."""

    @Service.task
    async def _publish_stats(self) -> None:
        """Nothing to say: see Status."""

    @Service.task
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):  # type: ignore[arg-type] # an asyncio event does
                return
            self.signal_recovery_start.clear()
            try:
                await self._recover(self._generation_id)
            except (RebalanceAgain, IllegalStateError):
                self.log.info("rebalanced again while restoring")
            except ServiceStopped:
                return
            except StopWorkerError as exc:  # said once and plainly, as where frames are taken
                await self.app.fail(exc)
                return
            except Exception as exc:
                await self.app.fail(exc)
                raise

    async def _recover(self, generation: int) -> None:
        app, status = self.app, self.app.status
        app.consumer.stop_flow()
        app.flow_control.suspend()
        app.in_recovery = self.in_recovery = status.is_restoring = True
        started = time.monotonic()
        app.ledger.forget_uncommitted()
        partitions = {tp.partition for tp in self.active_tps}
        change = app.store.assign(partitions, generation)
        for partition in sorted(change.lost):
            app.owner.revoked(partition)
        status.assigned = frozenset(partitions)
        status.confirmed_at = started
        restored = await self._bulk(change.fresh)
        self._check_generation(generation)
        for partition, found in sorted(restored.items()):
            self._hand_over(partition, found, generation)
            self._unwatched[partition] = found.end
            await asyncio.sleep(0)
        # An epoch is claimed once the broker has it: before that another worker could restore and claim the same one.
        while not await self._unless_rebalanced(flushed(app.outputs, FLUSH_TIMEOUT_S)):
            self.log.warning("the broker has not taken our epochs yet")
        app.watch_for_stale(partitions, {p: end for p, end in self._unwatched.items() if p in partitions})
        self._unwatched = {}
        await self._unless_rebalanced(app.consumer.perform_seek())
        self._check_generation(generation)
        if restored:
            status.restores += 1
            status.restore_seconds = time.monotonic() - started
        await self._resume()

    async def _bulk(self, partitions: Iterable[int]) -> dict[int, Restored]:
        wanted = sorted(partitions)
        if not wanted:
            return {}
        stop = threading.Event()
        app = self.app
        started = time.monotonic()

        def progress(records: int) -> None:
            app.status.restored_records += records
            app.status.moved(records)

        connection, topic = librdkafka_config(app.settings), app.changelog.topic
        work = asyncio.create_task(
            asyncio.to_thread(restore, connection, topic, wanted, stop=stop, on_progress=progress)
        )
        try:
            restored = await self._unless_rebalanced(work)
        finally:
            stop.set()
        keys = sum(len(found.records) for found in restored.values())
        seconds = time.monotonic() - started
        self.log.info("restored %d keys of %d partitions in %.2f s", keys, len(wanted), seconds)
        return restored

    def _hand_over(self, partition: int, found: Restored, generation: int) -> None:
        app = self.app
        app.store.restore(partition, found.records, generation)
        app.changelog.begin(partition, found.highest_epoch())
        app.ledger.restart(partition)
        app.owner.restored(partition, found.records)
        for key in found.beaten:
            app.owner.rewrite(partition, key)
        app.status.rewrites += len(found.beaten)
        app.status.moved()

    async def _resume(self) -> None:
        app = self.app
        app.in_recovery = self.in_recovery = False
        assignment = app.consumer.assignment()
        app.consumer.resume_partitions({tp for tp in assignment if not self._is_changelog_tp(tp)})
        self.completed.set()
        app.flow_control.resume()
        app.consumer.resume_flow()
        await app._fetcher.maybe_start()  # noqa: SLF001 - as Faust's own recovery does
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        app.status.is_restoring = app.status.is_rebalancing = False
        app.status.moved()

    def _check_generation(self, generation: int) -> None:
        if self.app.consumer_generation_id != generation:
            raise RebalanceAgain

    async def _unless_rebalanced(self, work: Awaitable[T]) -> T:
        """The result of `work`, unless another rebalance or the end of the worker comes first; then it is cancelled."""
        task = asyncio.ensure_future(work)
        again = asyncio.ensure_future(self.signal_recovery_start.wait())
        stopped = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({task, again, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ServiceStopped if stopped.done() else RebalanceAgain
        finally:
            for future in (task, again, stopped):
                future.cancel()


class FrameTables(TableManager):
    """Faust's tables with our recovery, and without the second it sleeps before it starts."""

    app: FrameApp

    @property
    def recovery(self) -> FrameRecovery:
        """The one recovery service."""
        if self._recovery is None:
            self._recovery = FrameRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        assert isinstance(self._recovery, FrameRecovery)
        return self._recovery

    async def on_start(self) -> None:
        """Register the table and begin."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()
