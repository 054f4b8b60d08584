"""What happens between an assignment and the first frame: restore, hand over, seek, resume."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from mode import Service

from streams.transport.errors import StopWorkerError

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp

T = TypeVar("T")


class FrameRecovery(Recovery):
    """Faust's recovery, with its reading of changelogs through the consumer replaced by a bulk restore.

    No record may be fetched before the final seek: resuming the flow clears the queues of the streams, and what was
    fetched earlier would be lost without a trace.
    """

    app: FrameApp

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
        if not app.state_log.keeps_positions:
            app.ledger.forget_uncommitted()
        partitions = {tp.partition for tp in self.active_tps}
        change = app.store.assign(partitions, generation)
        for partition in sorted(change.lost):
            app.owner.revoked(partition)
            app.state_log.lost(partition)
        status.assigned = frozenset(partitions)
        status.confirmed_at = started
        restored = await self._bulk(change.fresh)
        self._check_generation(generation)
        for partition, found in sorted(restored.items()):
            app.store.restore(partition, generation)
            app.ledger.restart(partition)
            app.state_log.hand_over(partition, found)
            status.moved()
            await asyncio.sleep(0)
        await self._unless_rebalanced(app.state_log.settle(partitions))
        await self._unless_rebalanced(app.consumer.perform_seek())
        self._check_generation(generation)
        await self._unless_rebalanced(app.state_log.begin())
        self._check_generation(generation)
        if restored:
            status.restores += 1
            status.restore_seconds = time.monotonic() - started
        await self._resume()

    async def _bulk(self, partitions: Iterable[int]) -> Mapping[int, Any]:
        wanted = sorted(partitions)
        if not wanted:
            return {}
        stop = threading.Event()
        app = self.app
        started = time.monotonic()

        def progress(records: int) -> None:
            app.status.restored_records += records
            app.status.moved(records)

        work = asyncio.create_task(asyncio.to_thread(app.state_log.restore, wanted, stop=stop, on_progress=progress))
        try:
            restored = await self._unless_rebalanced(work)
        finally:
            stop.set()
        self.log.info("restored %d partitions in %.2f s", len(wanted), time.monotonic() - started)
        return restored

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
