"""What anyone would write first: a confluent-kafka loop that calls the same engine. Its speed is the measure of ours.

  python -m benchmarks.plain_loop EVENTS     (settings as the worker's, in CHURN_*)

Consume a batch, decode, observe, produce what was decided, flush, commit; after each ten seconds of that a snapshot of
every partition, as the worker writes one. It ends when so many events are committed and prints its figures as JSON. It
does without aligned topics, ticks, metrics, restore, rebalancing and dead letters.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from time import monotonic, process_time

import msgspec
from confluent_kafka import Consumer, Message, Producer

from benchmarks.engine_alone import NOW_MS
from benchmarks.measuring import SystemRun, resident_bytes
from benchmarks.outputs import SNAPSHOT_S, routed
from models.engine.arrivals import Arrival
from models.engine.partition import Partition
from models.engine.snapshot import freeze
from schemas.codec import decode_event
from schemas.topics import Topics
from streams.files.catalogue_file import load_rules
from streams.memory import uncollected
from streams.settings import Settings, environment_settings
from streams.transport.producer import DELIVERY_SETTINGS
from streams.transport.snapshots.chunks import pack

BATCH = 20_000
"""Four partitions of the five thousand that a frame of the product holds at most."""

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
            Partition(rules, number=number, limit_dead_letters=False) for number in range(settings.partitions)
        ]
        self._consumer = Consumer({**broker, "group.id": f"{settings.prefix}-plain", **CONSUMING})
        self._producer = Producer({**broker, **DELIVERY_SETTINGS})
        self._consumer.subscribe(list(self._topics.events))

    def run(self, events: int) -> SystemRun:
        """Take that many events."""
        left, started, cpu_s, saved = events, 0.0, 0.0, 0.0
        while left:
            before, cpu_before = monotonic(), process_time()
            messages = self._consumer.consume(BATCH, 0.05)
            if not messages:
                continue
            if left == events:
                started = saved = before
                cpu_s = cpu_before
            self._take(messages)
            left -= len(messages)
            if monotonic() - saved > SNAPSHOT_S:
                self._save()
                saved = monotonic()
        found = SystemRun(
            monotonic() - started,
            process_time() - cpu_s,
            resident_bytes(os.getpid()),
            resident_bytes(os.getpid(), "VmHWM"),
        )
        self._consumer.close()
        return found

    @uncollected()
    def _take(self, messages: Iterable[Message]) -> None:
        arrivals: dict[int, list[Arrival]] = {}
        feeds = self._feeds
        for message in messages:
            assert message.error() is None, message.error()
            feed = feeds[message.topic() or ""]
            event = decode_event(feed, message.key(), message.value(), (), NOW_MS)
            arrivals.setdefault(message.partition() or 0, []).append(Arrival(feed, message.offset() or 0, event))
        for number, frame in arrivals.items():
            self._partitions[number].observe(frame)
            self._send(number)
        self._flush()
        self._consumer.commit(asynchronous=False)

    def _send(self, number: int) -> None:
        produce = self._producer.produce
        for message in self._partitions[number].drain():
            for topic, partition, key, value in routed(self._topics, number, message):
                produce(topic, value, key, partition)

    def _save(self) -> None:
        for partition in self._partitions:
            for place, piece in enumerate(pack(freeze(partition).parts()).pieces):
                self._producer.produce(self._topics.changelog, piece, b"plain/%d" % place, partition.number)
        self._flush()

    def _flush(self) -> None:
        assert self._producer.flush(60) == 0, "the broker does not take the outputs"


def main() -> int:
    """Run once; see the module."""
    figures = PlainLoop(environment_settings()).run(int(sys.argv[1]))
    print(msgspec.json.encode(figures).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
