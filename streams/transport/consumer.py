"""Fetches records, aligns them, hands them to the agent as frames, commits what was taken."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from mode import Service

from streams.transport.alignment import Aligner, is_drained
from streams.transport.commit import commit_taken
from streams.transport.consumer_thread import FrameConsumerThread
from streams.transport.errors import TopicRestartedError
from streams.transport.frames import Frame, FrameSource, chunks, empty_frame, frame_of, spans_of
from streams.transport.offsets import Mark
from streams.transport.records import Record, with_clock

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp

SMALL_FETCH = 4_000
"""Records of one round below which the consumer lingers: at the live tail small frames are the cost.

From the beginning of a round to that of the next: a busy worker, whose rounds take longer anyway, waits for nothing.
"""

FETCH_WAIT_S, WORK_WAIT_S, HELD_WAIT_S = 1.0, 0.005, 0.1
"""How long one round waits for records: with nothing else to do; while work goes on that waits for none, as it may be
done at any moment; while records are held back, as they may wait for the news that a topic is empty."""


class FrameConsumer(driver.Consumer, FrameSource):
    """Faust's consumer, with frames instead of messages.

    Faust keeps the group, the assignment and the life cycle. Its bookkeeping of single offsets is replaced by the
    ledger, its drain loop by one that discards what was read before a seek, its commit by flush, then commit.
    """

    app: FrameApp
    _thread: FrameConsumerThread

    def on_init(self) -> None:
        """Called by mode at construction and at each restart."""
        super().on_init()
        self._aligners: dict[int, Aligner] = {}
        self._expected: dict[int, dict[str, int]] = {}
        self._next_fetched: dict[TP, int] = {}
        self._seeks = 0
        self._is_seek_due = False
        self._is_small = False
        self._round_at = 0.0
        self._served = -1
        self._work: Frame | None = None
        self._commit_lock = asyncio.Lock()

    def _new_consumer_thread(self) -> FrameConsumerThread:
        return FrameConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # Back-pressure is the stream's bounded queue, which blocks the drain loop; Faust's would pause one topic of five.
    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: see above."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Nothing: see above."""

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust only logs here; the watchdog acts."""

    def sources(self) -> list[TP]:
        """Assigned topic partitions that feed the agent, in the order of the topics."""
        assigned = self.assignment()
        partitions = sorted({tp.partition for tp in assigned})
        return [TP(t, p) for p in partitions for t in self.app.source_topics if TP(t, p) in assigned]

    # Seeking and fetching

    async def perform_seek(self) -> None:
        """Go back to what is committed, or to what the state says; everything fetched or held so far is forgotten."""
        async with self._commit_lock:  # a commit under way would note marks from before the seek
            self._seeks += 1
            sources = self.sources()
            others = self.assignment() - set(sources)
            known, fresh = self.app.state_log.marks(), self.app.settings.start
            marks, committed = await self._thread.seek_to_marks(sources, others, known, fresh)
            self._seeks += 1
            self._is_seek_due = False
            self.app.ledger.rewind(marks, committed)
            self._next_fetched = {tp: mark.offset for tp, mark in marks.items()}
            self._start_aligning(sources, marks)
            await self._count_lost(dict.fromkeys(marks, sys.maxsize))

    def _start_aligning(self, sources: Iterable[TP], marks: Mapping[TP, Mark]) -> None:
        self._aligners, self._expected = {}, {}
        for partition in {tp.partition for tp in sources}:
            own = [marks.get(TP(topic, partition)) for topic in self.app.source_topics]
            self._aligners[partition] = Aligner([mark.order_ms if mark else None for mark in own])
            self._expected[partition] = {
                topic: mark.offset for topic, mark in zip(self.app.source_topics, own, strict=True) if mark
            }

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetcher runs this until it is stopped."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                for frame in await self._next_frames():
                    if not self.is_current(frame):
                        break
                    await self.wait_first(self.callback(frame), self.suspend_flow.wait())
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    def is_current(self, frame: Frame) -> bool:
        """Whether a frame may be processed: not when it was read before the last seek or in an earlier generation."""
        return (
            self.flow_active and frame.session == self._seeks and frame.generation_id == self.app.consumer_generation_id
        )

    async def _next_frames(self) -> list[Frame]:
        if self._is_small and not self._partitions_behind():
            await self.sleep(max(0.0, self._round_at + self.app.settings.linger_ms / 1000 - time.monotonic()))
        self._round_at = time.monotonic()
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type] # anything with an awaitable wait() will do
        if self.should_stop:
            return []
        if self._is_seek_due and not await self._seek_again():
            return []
        session, generation, behind = self._seeks, self.app.consumer_generation_id, self._partitions_behind()
        is_queued = self._work is not None and not self._work.acked and self.is_current(self._work)
        is_at_work = is_queued or (bool(behind) and self.app.is_sending)
        fetched = await self._fetch(FETCH_WAIT_S if not behind else WORK_WAIT_S if is_at_work else 0.0)
        if session != self._seeks or not self.flow_active or self.should_stop:
            # Overtaken by a seek: what was handed out has moved the positions, so seek once more before the next fetch.
            self._is_seek_due = self._is_seek_due or bool(fetched)
            return []
        await self._check_continuity(fetched)
        self._is_small = self._hold(fetched) < SMALL_FETCH
        frames = [
            frame_of(partition, part, spans_of(part, self._expected[partition]), session=session, generation=generation)
            for partition, released in self._release()
            for part in chunks(released)
        ]
        if behind and not is_at_work:  # what arrives next waits for one piece of work at most, and for its outputs
            self._served = next((p for p in behind if p > self._served), behind[0])
            self._work = empty_frame(
                TP(self.app.source_topics[-1], self._served), session=session, generation=generation
            )
            frames.append(self._work)
        return frames

    def _partitions_behind(self) -> list[int]:
        """Partitions with work that waits for no record."""
        return [partition for partition in self._aligners if self.app.owner.is_behind(partition)]

    async def _seek_again(self) -> bool:
        try:
            await self.perform_seek()
        except KafkaError as exc:  # a rebalance began, or the broker is away: the next round tries again
            self.log.warning("could not seek: %s", type(exc).__name__)
            await self.sleep(0.2)
            return False
        return True

    async def _check_continuity(self, fetched: Mapping[TP, list[Any]]) -> None:
        """Count what retention took away before it was read; stop when a topic begins anew under the same name."""
        for tp, records in fetched.items():
            expected, first = self._next_fetched.get(tp, 0), records[0].offset
            if first < expected:
                raise TopicRestartedError(tp.topic, tp.partition, first, expected)
            if first > expected:  # or a hole that aborted transactions left
                await self._count_lost({tp: first})
            self._next_fetched[tp] = records[-1].offset + 1

    async def _count_lost(self, firsts: Mapping[TP, int]) -> None:
        """Count what was deleted before it was read. `firsts`: of some sources an offset before which nothing came."""
        for tp, earliest in (await self._thread.earliest_offsets(*firsts)).items() if firsts else ():
            lost = min(firsts[tp], earliest) - self._next_fetched[tp]
            if lost > 0:
                self._next_fetched[tp] += lost
                self.app.status.lost_offsets += lost
                self.log.error("%s/%d: %d records were deleted before they were read", tp.topic, tp.partition, lost)

    async def _fetch(self, wait_s: float) -> Mapping[TP, list[Any]]:
        # A set of our own: aiokafka takes an EMPTY set for "all partitions", and Faust's live one may become empty.
        active = set(self._active_sources())
        if not active:
            await self.sleep(0.02)
            return {}
        is_holding = any(a.held(t) for a in self._aligners.values() for t in range(len(self.app.source_topics)))
        fetched = await self._getmany(active, min(wait_s, HELD_WAIT_S) if is_holding else wait_s)
        return {tp: records for tp, records in (fetched or {}).items() if records and tp in active}

    def _active_sources(self) -> Iterable[TP]:
        for partition, aligner in self._aligners.items():
            paused = aligner.paused
            for index, topic in enumerate(self.app.source_topics):
                if index not in paused and topic in self._expected[partition]:
                    yield TP(topic, partition)

    # Aligning

    def _hold(self, fetched: Mapping[TP, list[Any]]) -> int:
        """Put fetched records to those held, with the running clock of their topic; returns how many."""
        count = 0
        for tp, records in fetched.items():
            index = self.app.source_index[tp.topic]
            aligner = self._aligners[tp.partition]
            aligner.add(index, with_clock(tp.topic, records, aligner.clock(index)))
            count += len(records)
        return count

    def _release(self) -> Iterable[tuple[int, list[Record]]]:
        for partition, aligner in self._aligners.items():
            drained = [is_drained(*self._thread.place(TP(topic, partition))) for topic in self.app.source_topics]
            if released := aligner.release(drained):
                yield partition, released

    def idle(self, partition: int) -> dict[str, int]:
        """Topics of which everything there is has been taken, with the offset up to which; empty while not current.

        What ends a transaction, and what was deleted, counts as read.
        """
        if partition not in self._aligners or not self.flow_active:
            return {}
        idle: dict[str, int] = {}
        for index, topic in enumerate(self.app.source_topics):
            position, end = self._thread.place(TP(topic, partition))
            if is_drained(position, end) and self._is_fetched_taken(partition, index):
                idle[topic] = max(self._expected[partition][topic], position or 0)
        return idle

    def lag(self) -> dict[TP, int | None]:
        """Of each source how many records are not taken yet; None where the broker has not said.

        What ends a transaction takes an offset and is no record: when all that was fetched is taken, only what lies
        behind the fetch position is left.
        """
        lags: dict[TP, int | None] = {}
        for partition in self._aligners:
            for index, topic in enumerate(self.app.source_topics):
                tp = TP(topic, partition)
                taken, (position, end) = self.app.ledger.taken(tp), self._thread.place(tp)
                if taken is None or end is None:
                    lags[tp] = None
                    continue
                reached = max(taken, position or 0) if self._is_fetched_taken(partition, index) else taken
                lags[tp] = max(0, end - reached)
        return lags

    def _is_fetched_taken(self, partition: int, index: int) -> bool:
        """Whether all that was fetched of a source is taken, and nothing of it is held; not where none is read."""
        topic = self.app.source_topics[index]
        expected, taken = self._expected[partition].get(topic), self.app.ledger.taken(TP(topic, partition))
        return expected is not None and expected == taken and not self._aligners[partition].held(index)

    # Acknowledging and committing

    def ack(self, message: Message) -> bool:
        """A frame is done with. One the stream dropped without processing it is not: it will be read again."""
        message.acked = True
        self._unacked_messages.discard(message)
        return isinstance(message, Frame) and message.is_taken

    async def commit(self, *_args: Any, **_options: Any) -> bool:
        """Commit what was taken."""
        async with self._commit_lock:
            return await commit_taken(self.app, self._thread.commit_marks)

    async def wait_empty(self) -> None:
        """Wait until no frame is being processed, then commit."""
        while self._unacked_messages and not self.should_stop and self.app.failure is None:
            await self.sleep(0.01)
        if self.app.failure is None:
            await self.commit()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit while the partitions are still ours; Faust would forget the acknowledgements first."""
        if revoked and not self.app.should_stop:
            self.stop_flow()
            self.app.flow_control.suspend()
            self.app.flow_control.clear()
            await self.wait_empty()
        await super().on_partitions_revoked(revoked)

    @Service.task
    async def _commit_handler(self) -> None:
        while not self.should_stop:
            await self.sleep(self.commit_interval)
            if not self.should_stop:
                await self.commit()
