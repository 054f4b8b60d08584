"""The thread that talks to the group and fetches: aiokafka, with our own commit and our own start positions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.transport.offsets import Mark

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp

LOST_MEMBERSHIP = (
    CommitFailedError, IllegalGenerationError, IllegalStateError, RebalanceInProgressError, UnknownMemberIdError,
)  # fmt: skip
"""A commit refused like this is not repeated: the partitions are assigned anew, and read from what is committed."""

FETCH_MAX_WAIT_MS: Final = 50
"""How long the broker holds back an answer without records.

aiokafka asks a broker one question at a time and, once records were not taken within 200 ms, asks without their
partitions: all these then wait behind the few that have nothing to say. Measured: with Faust's 1500 ms every alert of a
busy worker came up to 2 s late.
"""


class FrameConsumerThread(driver.AIOKafkaConsumerThread):
    """Everything here runs on the thread's own loop, except where it says otherwise."""

    app: FrameApp
    _noted: Any = None

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust ties this to its own transactions; what a producer aborted must not be counted whoever wrote it.
        _replace(consumer, "_isolation_level", "read_committed")
        _replace(consumer, "_fetch_max_wait_ms", FETCH_MAX_WAIT_MS)  # Faust has 1500
        return consumer

    async def on_thread_stop(self) -> None:
        """Leave the group. A join under way, for which aiokafka waits, is broken off.

        It may last a session and a rebalance timeout, as when a member was killed just before.
        """
        coordinator = getattr(self._consumer, "_coordinator", None)
        if coordinator is not None:
            coordinator._coordination_task.cancel()  # noqa: SLF001 - aiokafka has no other way
            await asyncio.wait({coordinator._coordination_task})  # noqa: SLF001 - as above
        await super().on_thread_stop()

    async def seek_to_marks(
        self,
        sources: Iterable[TP],
        others: Iterable[TP],
        known: Mapping[TP, Mark],
        fresh: Literal["earliest", "latest"],
    ) -> tuple[dict[TP, Mark], set[TP]]:
        """Seek every source to where it is known to stand, else to what is committed, else to `fresh`; pause `others`.

        Returns where each source now stands, and which of them were committed. Callable from any loop. Faust's own
        `seek_to_committed` leaves partitions without a commit where a discarded fetch left them.
        """
        found: tuple[dict[TP, Mark], set[TP]]
        found = await self.call_thread(self._seek_to_marks, list(sources), list(others), dict(known), fresh)
        return found

    async def _seek_to_marks(
        self, sources: list[TP], others: list[TP], known: Mapping[TP, Mark], fresh: str
    ) -> tuple[dict[TP, Mark], set[TP]]:
        consumer = self._ensure_consumer()
        self._note_heartbeats(consumer._coordinator)  # noqa: SLF001 - aiokafka tells nobody of them
        consumer.pause(*[TopicPartition(*tp) for tp in others])
        wanted = [TopicPartition(*tp) for tp in sources]
        found = await consumer._coordinator.fetch_committed_offsets(wanted)  # noqa: SLF001 - one request, not one each
        kept = {TP(*tp): Mark(at.offset, _clock_from(at.metadata)) for tp, at in found.items() if at.offset >= 0}
        marks = {tp: known.get(tp) or kept[tp] for tp in sources if tp in known or tp in kept}
        for tp, mark in marks.items():
            consumer.seek(TopicPartition(*tp), mark.offset)
        new = [tp for tp in wanted if TP(*tp) not in marks]
        if new:
            await (consumer.seek_to_end(*new) if fresh == "latest" else consumer.seek_to_beginning(*new))
            for tp in new:
                marks[TP(*tp)] = Mark(await consumer.position(tp), None)
        return marks, {tp for tp, mark in marks.items() if kept.get(tp) == mark}

    def _note_heartbeats(self, coordinator: Any) -> None:
        """From now on, note when the group confirmed this member: as of the sending of what it answered."""
        if coordinator is self._noted:
            return
        self._noted = coordinator
        beat, status = coordinator._do_heartbeat, self.app.status  # noqa: SLF001 - as above

        async def noted() -> bool:
            sent_at = time.monotonic()
            is_confirmed = bool(await beat())
            if is_confirmed:
                status.confirmed_at = sent_at
            return is_confirmed

        coordinator._do_heartbeat = noted  # noqa: SLF001 - as above

    async def commit_marks(self, marks: Mapping[TP, Mark]) -> bool:
        """Commit; False when the group moved on meanwhile or the broker is away. Callable from any loop."""
        return bool(await self.call_thread(self._commit_marks, marks))

    async def _commit_marks(self, marks: Mapping[TP, Mark]) -> bool:
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        offsets = {
            TopicPartition(*tp): OffsetAndMetadata(mark.offset, "" if mark.order_ms is None else str(mark.order_ms))
            for tp, mark in marks.items()
            if tp in assigned
        }
        if not offsets:
            return False
        try:
            await consumer.commit(offsets)
        except LOST_MEMBERSHIP as exc:
            self.log.warning("commit refused, the group has moved on: %s", type(exc).__name__)
            return False
        except KafkaError as exc:
            if not exc.retriable:
                raise
            self.log.warning("commit postponed: %s", type(exc).__name__)
            return False
        return True

    def place(self, tp: TP) -> tuple[int | None, int | None]:
        """Position and end of a source, None where not known yet. Callable from any thread: two plain reads.

        The end is that of committed data: an open transaction's records are not there yet.
        """
        subscription = self._ensure_consumer()._subscription.subscription  # noqa: SLF001 - aiokafka has no reader
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None, None
        state = assignment.state_value(TopicPartition(*tp))
        end = state.lso
        known = end if end is not None and end >= 0 else None  # -1 stands in answers of a broker that cannot say yet
        return state._position, known  # noqa: SLF001 - `position` asserts that there is one


def _replace(consumer: Any, name: str, value: object) -> None:
    """Set what Faust lets nobody set and aiokafka reads when it starts; raises AttributeError where it has no such."""
    getattr(consumer, name)
    setattr(consumer, name, value)


def _clock_from(metadata: str) -> int | None:
    try:
        return int(metadata)
    except ValueError:
        return None
