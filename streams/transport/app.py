"""The Faust application: one agent over the co-partitioned input topics, fed with frames."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import faust
from faust.streams import Stream
from faust.types import TP, StreamT
from mode import CrashingSupervisor

from schemas.topics import Topics
from streams.kafka import faust_brokers, faust_credentials, librdkafka_config
from streams.settings import Settings
from streams.transport.changelog import Changelog
from streams.transport.consumer import FrameConsumer
from streams.transport.driver import FrameTransport
from streams.transport.errors import StopWorkerError
from streams.transport.frames import Frame
from streams.transport.offsets import Ledger, Mark
from streams.transport.owner import Owner
from streams.transport.producer import BACKLOG_RECORDS, FLUSH_TIMEOUT_S, Outputs, flushed
from streams.transport.recovery import FrameTables
from streams.transport.stale import StaleWatch
from streams.transport.status import Status
from streams.transport.store import PartitionStore

QUEUED_FRAMES = 16
"""Frames between the consumer and the agent; when they are full, fetching waits."""

FETCH_BYTES = 256 << 10
"""Most bytes fetched of one topic partition at a time: small enough that all topics of a backlog come along in step."""


class FrameApp(faust.App):
    """A Faust application with its ledger, its store and its owner."""

    settings: Settings
    owner: Owner
    outputs: Outputs
    changelog: Changelog
    source_topics: tuple[str, ...]
    source_index: Mapping[str, int]
    consumer: FrameConsumer

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

    async def take(self, frame: Frame) -> None:
        """Hand a frame to the owner, unless it was read before a seek; such a frame will be read again."""
        while len(self.outputs) > BACKLOG_RECORDS and self.consumer.is_current(frame) and self.failure is None:
            self.outputs.poll()
            await self.consumer.sleep(0.01)
        if self.failure is not None or not self.consumer.is_current(frame):
            return
        partition = frame.partition
        self.ledger.check(partition, frame.spans)
        sequence = self.ledger.next_sequence(partition)
        self.owner.take(partition, sequence, frame.records)
        self.ledger.take(partition, sequence, frame.spans)
        frame.is_taken = True
        self.outputs.poll()
        self.status.frames += 1
        self.status.records += len(frame.records)
        self.status.moved()

    async def commit_taken(self, commit: Callable[[Mapping[TP, Mark]], Awaitable[bool]]) -> bool:
        """Flush, then commit, then tell the owner. A broker that is away postpones it; a failed delivery is the end."""
        batch = self.ledger.pending()
        if not batch.marks or self.failure is not None:
            return False
        try:
            is_committed = await flushed(self.outputs, FLUSH_TIMEOUT_S) and await commit(batch.marks)
        except Exception as exc:  # noqa: BLE001 # whatever it is, the worker must not go on without commits
            await self.fail(exc)
            return False
        if not is_committed:
            self.status.commit_failures += 1
            return False
        self.ledger.commit(batch)
        self.status.commits += 1
        for partition, sequence in batch.sequences.items():
            self.owner.committed(partition, sequence)
        return True

    def on_rebalance_start(self) -> None:
        """Called by the consumer's thread as soon as the group moves."""
        self.status.is_rebalancing = True
        self.status.rebalances += 1
        super().on_rebalance_start()

    def _new_transport(self) -> FrameTransport:
        return FrameTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> FrameTransport:
        return FrameTransport(self.conf.broker_producer, self)


def build_app(
    settings: Settings, owner: Owner, *, outputs: Outputs, changelog: Changelog, fetch_bytes: int = FETCH_BYTES
) -> FrameApp:
    """The application, ready for `run_worker`. `outputs` and `changelog` are the ones the owner writes to."""
    topics = Topics(settings.prefix)
    app = FrameApp(f"{settings.group}-v{settings.app_version}", **_options(settings, fetch_bytes))
    app.settings, app.owner, app.outputs, app.changelog = settings, owner, outputs, changelog
    app.source_topics = (*topics.events, topics.ticks)
    app.source_index = {topic: index for index, topic in enumerate(app.source_topics)}
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    sources = app.topic(*app.source_topics, **raw)
    # The table exists so that the assignor keeps the changelog's partitions with those of the inputs; its own store
    # stays empty. A topic given here is used under its own name, Faust derives none.
    named = app.topic(changelog.topic, partitions=settings.partitions, acks=False, **raw)
    app.Table("state", partitions=settings.partitions, key_type=bytes, value_type=bytes, changelog_topic=named)

    @app.agent(sources, name="customers", supervisor_strategy=CrashingSupervisor)
    async def customers(stream: StreamT[bytes]) -> None:
        assert isinstance(stream, Stream)  # the interface does not tell of streams without automatic acks
        async for event in stream.noack().events():
            assert isinstance(event.message, Frame)
            try:
                await app.take(event.message)
            except StopWorkerError as exc:  # said once and plainly: the owner stops on purpose, nothing crashed
                await app.fail(exc)
            except Exception as exc:
                await app.fail(exc)
                raise
            await stream.ack(event)

    return app


def _options(settings: Settings, fetch_bytes: int) -> dict[str, Any]:
    is_static = settings.instance_id is not None
    return {
        "broker": faust_brokers(settings),
        "broker_credentials": faust_credentials(settings),
        "version": 1,
        "store": "memory://",
        "TableManager": FrameTables,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": settings.partitions,
        "table_standby_replicas": 0,
        "stream_buffer_maxsize": QUEUED_FRAMES,
        "stream_recovery_delay": 0,
        "stream_wait_empty": True,
        "consumer_auto_offset_reset": "earliest",  # what an offset cut by retention means; a fresh start is ours
        "consumer_group_instance_id": settings.instance_id,
        "consumer_max_fetch_size": fetch_bytes,
        "broker_max_poll_records": 1_000_000,
        "broker_session_timeout": settings.session_timeout_s or (10.0 if is_static else 6.0),
        "broker_heartbeat_interval": 1.0,
        "broker_request_timeout": 30.0,
        "broker_rebalance_timeout": 20.0 if is_static else 10.0,
        "broker_commit_interval": settings.commit_interval_s,
        "web_enabled": False,
        "web_tables_enabled": False,
        "web_router_enabled": False,
        "loghandlers": [],
    }
