"""The Faust application: one agent over co-partitioned topics, fed with frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faust.streams import Stream
from faust.types import StreamT
from mode import CrashingSupervisor

from schemas.topics import Topics
from streams.kafka.connection import faust_brokers, faust_credentials
from streams.kafka.groups import dispatcher_group, learner_group, worker_group
from streams.settings import Settings
from streams.transport.driver import FrameTransport
from streams.transport.errors import StopWorkerError
from streams.transport.frame_app import FrameApp
from streams.transport.frames import Frame
from streams.transport.owner import Owner
from streams.transport.producer import Outputs
from streams.transport.recovery import FrameTables
from streams.transport.state import StateLog

QUEUED_FRAMES = 16
"""Frames between the consumer and the agent; when they are full, fetching waits."""

FETCH_BYTES = 256 << 10
"""Most bytes fetched of one topic partition at a time: small enough that all topics of a backlog come along in step."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an application reads: topics that have the same number of partitions, owned together by one of a group."""

    group: str
    topics: tuple[str, ...]
    partitions: int
    agent: str


def customer_inputs(settings: Settings) -> Inputs:
    """Return what a worker reads: the events, the clock and commands."""
    topics = Topics(settings.prefix)
    group = worker_group(settings)
    return Inputs(group, topics.inputs, settings.partitions, "customers")


def learner_inputs(settings: Settings) -> Inputs:
    """Return what a learner reads: one partition, so that there is one order."""
    group = learner_group(settings)
    return Inputs(group, (Topics(settings.prefix).examples,), 1, "learner")


def dispatcher_inputs(settings: Settings) -> Inputs:
    """Return what a dispatcher reads: one partition, in which all partitions tell what they sent."""
    return Inputs(dispatcher_group(settings), (Topics(settings.prefix).attention,), 1, "dispatcher")


class KafkaFrameApp(FrameApp):
    """FrameApp on our Kafka driver."""

    def _new_transport(self) -> FrameTransport:
        return FrameTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> FrameTransport:
        return FrameTransport(self.conf.broker_producer, self)


def build_app(
    settings: Settings,
    owner: Owner,
    *,
    outputs: Outputs,
    state: StateLog,
    inputs: Inputs | None = None,
    fetch_bytes: int = FETCH_BYTES,
) -> FrameApp:
    """The application, ready for `run_worker`. `outputs` is the one the owner writes to."""
    inputs = inputs or customer_inputs(settings)
    app = KafkaFrameApp(inputs.group, **_options(settings, inputs.partitions, fetch_bytes))
    app.settings, app.owner, app.outputs, app.state_log = settings, owner, outputs, state
    state.attach(app)
    app.status.session_s = app.conf.broker_session_timeout
    app.source_topics = inputs.topics
    app.source_index = {topic: index for index, topic in enumerate(app.source_topics)}
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    sources = app.topic(*app.source_topics, **raw)
    # The table exists so that the assignor keeps the changelog's partitions with those of the inputs; its own store
    # stays empty. A topic given here is used under its own name, Faust derives none.
    named = app.topic(state.topic, partitions=inputs.partitions, acks=False, **raw)
    app.Table("state", partitions=inputs.partitions, key_type=bytes, value_type=bytes, changelog_topic=named)

    @app.agent(sources, name=inputs.agent, supervisor_strategy=CrashingSupervisor)
    async def taking(stream: StreamT[bytes]) -> None:
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


def _options(settings: Settings, partitions: int, fetch_bytes: int) -> dict[str, Any]:
    is_static = settings.instance_id is not None
    session_s = settings.session_timeout_s or (10.0 if is_static else 6.0)
    return {
        "broker": faust_brokers(settings),
        "broker_credentials": faust_credentials(settings),
        "version": 1,
        "store": "memory://",
        "TableManager": FrameTables,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": partitions,
        "table_standby_replicas": 0,
        "stream_buffer_maxsize": QUEUED_FRAMES,
        "stream_recovery_delay": 0,
        "stream_wait_empty": True,
        "consumer_auto_offset_reset": "earliest",  # what an offset cut by retention means; a fresh start is ours
        "consumer_group_instance_id": settings.instance_id,
        "consumer_max_fetch_size": fetch_bytes,
        "broker_max_poll_records": 1_000_000,
        "broker_session_timeout": session_s,
        "broker_heartbeat_interval": 1.0,
        "broker_request_timeout": max(30.0, session_s + 5.0),  # Faust asks that it be the longer
        "broker_rebalance_timeout": 20.0 if is_static else 10.0,
        "broker_commit_interval": settings.commit_interval_s,
        "web_enabled": False,
        "web_tables_enabled": False,
        "web_router_enabled": False,
        "loghandlers": [],
    }
