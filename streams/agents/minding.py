"""What goes on beside the frames: snapshots when they are due, counts for the metrics, and whether all is ours."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import KafkaException

from streams.agents.customers import Customers
from streams.agents.keeping import CustomerState
from streams.agents.owned import OwnedPartition
from streams.agents.restoring import made_anew, topic_ids
from streams.errors import EXIT_SETUP
from streams.kafka.log_reader import RestoreStoppedError
from streams.transport.errors import DeliveryError, StopWorkerError
from streams.transport.snapshots.log import OwnershipLostError

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp
    from streams.transport.recovery import FrameTables

REREAD_S: Final = 10.0
"""What a restart may take to read again, at the speed at which it was read: above that a snapshot is due."""

SAVE_SHARE: Final = 4.0
"""A partition works at least so many times as long as its last snapshot took, before the next for this reason."""

LIVE_RECORDS: Final = 2_000
"""A partition with fewer records to take is at the live tail: a second or two of a busy one."""

TURN_S: Final = 0.25
LOOK_EVERY_S: Final = 10.0

TOPICS_EVERY_S: Final = 2.0
"""How long what a topic made anew holds may be taken for what the old one held."""

RIVAL_FOR_S: Final = 10.0
"""How long another worker's claim may stand while we think a partition ours: a rebalance is over by then."""

AGAIN_WITHIN_S: Final = 300.0
"""Who claims what we took over anew within so long is no worker that was paused."""

log = logging.getLogger("churn")


def due(owned: Iterable[OwnedPartition], is_live: Callable[[int], bool]) -> OwnedPartition | None:
    """The partition whose snapshot is due: after a midnight at the live tail, or as too much would be read again.

    At once where somebody was erased whom the snapshots that are kept still know.
    """
    everybody = list(owned)
    free = [own for own in everybody if not (own.is_busy or own.held or own.is_lost or own.is_doubtful)]
    for own in free:
        if own.unforgotten and not own.partition.is_behind:
            return own
        if own.saved_boundary < own.partition.boundary and not own.partition.is_behind and is_live(own.number):
            return own
    if sum(own.cost_s for own in everybody) > REREAD_S:
        dear = [own for own in free if own.cost_s > SAVE_SHARE * own.save_s]
        return max(dear, key=lambda own: own.cost_s, default=None)
    return None


class Minder:
    """Runs for the life of a worker."""

    def __init__(self, app: FrameApp, customers: Customers, state: CustomerState) -> None:
        self._app, self._customers, self._state = app, customers, state
        self._looked_at = self._topics_at = time.monotonic()
        self._rival: tuple[OwnedPartition, float] | None = None
        self._retaken: dict[int, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(TURN_S)
            self._customers.breathe()
            if not self._app.status.is_ready or self._app.failure is not None:
                continue
            try:
                await self._turn()
            except OwnershipLostError as error:
                await self._meet_rival(error)
            except (DeliveryError, KafkaException) as error:
                log.warning("a snapshot could not be written, the next attempt follows: %s", error)
            except RestoreStoppedError:
                return

    async def _turn(self) -> None:
        now = time.monotonic()
        for own in self._customers.owned.values():
            self._customers.count(own)
        self._note_ended()
        self._forget_published()
        await self._sweep()
        chosen = due(self._customers.owned.values(), self._is_live)
        if chosen is not None:
            await self._state.save(chosen.number)
        doubtful = [own for own in self._customers.owned.values() if own.is_doubtful]
        if doubtful or now - self._looked_at > LOOK_EVERY_S:
            self._looked_at = now
            await self._state.log.look()
            for own in doubtful:
                own.is_doubtful = False
            await self._state.correct_open(self._customers.owned.keys())
            self._rival = None
        if now - self._topics_at > TOPICS_EVERY_S:
            self._topics_at = now
            await self._look_for_topics()

    def _note_ended(self) -> None:
        """Look which topics were read to where they ended at the restart: nothing of them is waited for any more."""
        for own in self._customers.owned.values():
            if own.expected and not own.is_busy:
                read_to = self._app.consumer.idle(own.number)
                ends = zip(self._app.source_topics, own.until, strict=False)
                ended = {feed for feed, (topic, end) in enumerate(ends) if read_to.get(topic, -1) >= end}
                own.is_stirred = own.is_stirred or not ended <= own.ended
                own.ended |= ended

    async def _sweep(self) -> None:
        """Sweep after who was erased in one of the partitions, once it is at the live tail and all is read again."""
        for own in self._customers.owned.values():
            partition, is_calm = own.partition, own.published is None and own.is_calm
            is_due = partition.customers.erased.unswept and own.swept_boundary < partition.boundary
            if is_due and is_calm and self._is_live(own.number):
                await self._state.sweep(own.number)
                return

    def _is_live(self, number: int) -> bool:
        lag = self._lag(number)
        return lag is not None and lag < LIVE_RECORDS

    def _lag(self, number: int) -> int | None:
        """Records of a partition that were not taken yet, None while that is not known."""
        lags = [lag for tp, lag in self._app.consumer.lag().items() if tp.partition == number]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if lags and len(known) == len(lags) else None

    def _forget_published(self) -> None:
        """Once everything was read again of which something had been published."""
        for own in self._customers.owned.values():
            is_through = own.is_read_again or self._lag(own.number) == 0
            if own.published is not None and not own.expected and own.is_calm and is_through:
                self._customers.settle(own)
                self._looked_at = 0.0  # what others left behind among the open alerts is put right now

    async def _look_for_topics(self) -> None:
        try:
            now = await asyncio.to_thread(topic_ids, self._state.admin, self._state.source.inputs)
        except KafkaException:
            return  # deleted and not made again yet, or the broker is away: the next look tells
        reason = made_anew(self._state.ids, now, "this worker")
        if reason is not None:
            await self._app.fail(reason)

    async def _meet_rival(self, error: OwnershipLostError) -> None:
        """Another worker claims what we own. After a rebalance that passes, else we take it over anew.

        So did one that was paused before its claim and whose partition became ours meanwhile. If it happens again soon,
        there are two of us.
        """
        own = self._customers.owned.get(error.partition)
        if own is None:
            return
        own.is_lost = True
        if self._rival is None or self._rival[0] is not own:
            log.warning("%s: waiting for the group to say whose it is", error)
            self._rival = own, time.monotonic()
        elif time.monotonic() - self._rival[1] < RIVAL_FOR_S:
            await asyncio.sleep(1.0)
        elif time.monotonic() - self._retaken.get(own.number, -AGAIN_WITHIN_S) > AGAIN_WITHIN_S:
            log.warning("%s, but the group gives it to us: it is taken over anew", error)
            self._retaken[own.number], self._rival = time.monotonic(), None
            cast("FrameTables", self._app.tables).recovery.signal_recovery_start.set()
        else:
            await self._app.fail(
                StopWorkerError(
                    f"{error}, and the group still gives it to us. Two groups work on the same topics, or two workers "
                    "have one CHURN_INSTANCE_ID: give each deployment a CHURN_PREFIX and each worker a name of its own",
                    EXIT_SETUP,
                )
            )
        self._looked_at = 0.0  # look again at the next turn
