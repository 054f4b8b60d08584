"""What anyone would write first: a confluent-kafka loop that calls the same engine. Its speed is the measure of ours.

  python -m benchmarks.plain_loop EVENTS     (settings as the worker's, in CHURN_*)

Consume a batch, decode, fold, produce what changed, flush, commit; it ends when so many events are committed and
prints its figures as JSON. It does without aligned topics, ticks, metrics, restore, rebalancing and dead letters.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from time import monotonic, process_time

import msgspec
from confluent_kafka import Consumer, Message, Producer
from models.partition import Batch, Partition

from benchmarks.engine_alone import NOW_MS
from benchmarks.measuring import SystemRun, resident_bytes
from benchmarks.outputs import routed
from models.engine import Engine
from schemas.codec import decode_event
from schemas.topics import Topics
from streams.catalogue_file import load_rules
from streams.settings import Settings, environment_settings
from streams.transport.producer import DELIVERY_SETTINGS

BATCH = 5_000
"""As many as a frame of the product holds at most."""

CONSUMING = {
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "fetch.queue.backoff.ms": 5,  # the default of 1000 stalls a full queue
    "fetch.wait.max.ms": 20,
}


class PlainLoop:
    """One consumer of all event topics."""

    def __init__(self, settings: Settings) -> None:
        self._topics = Topics(settings.prefix)
        self._feeds = {topic: feed for feed, topic in enumerate(self._topics.events)}
        rules, broker = load_rules(settings), {"bootstrap.servers": settings.bootstrap}
        self._partitions = [
            Partition(Engine(rules), {}, number=number, limit_dead_letters=False)
            for number in range(settings.partitions)
        ]
        self._consumer = Consumer({**broker, "group.id": f"{settings.prefix}-plain", **CONSUMING})
        self._producer = Producer({**broker, **DELIVERY_SETTINGS})
        self._consumer.subscribe(list(self._topics.events))

    def run(self, events: int) -> SystemRun:
        """Take that many events."""
        left, started, cpu_s = events, 0.0, 0.0
        while left:
            before, cpu_before = monotonic(), process_time()
            messages = self._consumer.consume(BATCH, 0.05)
            if not messages:
                continue
            if left == events:
                started, cpu_s = before, cpu_before
            self._take(messages)
            left -= len(messages)
        found = SystemRun(
            monotonic() - started,
            process_time() - cpu_s,
            resident_bytes(os.getpid()),
            resident_bytes(os.getpid(), "VmHWM"),
        )
        self._consumer.close()
        return found

    def _take(self, messages: Iterable[Message]) -> None:
        batches: dict[int, list[Message]] = {}
        for message in messages:
            assert message.error() is None, message.error()
            batches.setdefault(message.partition() or 0, []).append(message)
        for number, batch in batches.items():
            partition = self._partitions[number]
            partition.begin(partition.state.sequence)
            for message in batch:
                feed = self._feeds[message.topic() or ""]
                event = decode_event(feed, message.key(), message.value(), (), NOW_MS)
                partition.take_event(event, message.offset() or 0)
            self._send(number, partition.finish())
        assert self._producer.flush(60) == 0, "the broker does not take the outputs"
        self._consumer.commit(asynchronous=False)

    def _send(self, number: int, batch: Batch) -> None:
        produce = self._producer.produce
        for output in batch.outputs:
            for topic, partition, key, value in routed(self._topics, number, output):
                produce(topic, value, key, partition)
        for key, packed in batch.writes.items():
            produce(self._topics.changelog, packed, key, number)


def main() -> int:
    """Run once; see the module."""
    figures = PlainLoop(environment_settings()).run(int(sys.argv[1]))
    print(msgspec.json.encode(figures).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
