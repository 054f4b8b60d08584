"""Posts records in the order given, as fast as the broker takes them or at a pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import Producer

from models.alerts.partitions import place_of_command
from models.calendar import Calendar
from models.engine.ledger import COMMANDS
from schemas.command import decode_command_line
from schemas.envelope import OF_FEED
from schemas.event import FEEDS, Event
from streams.kafka.poster import BY_KEY
from streams.kafka.ticks import post_ends
from streams.settings import load_settings
from support.arrivals import Arrival
from support.program import environment
from support.workers import Deployment

FLUSH_WITHIN_S = 60.0


def post(
    deployment: Deployment, arrivals: Sequence[Arrival], *, per_second: float | None = None, tells_ends: bool = True
) -> None:
    """Post and return when everything is acknowledged. The record's timestamp is the event's time.

    Ends as `produce` does: every partition is told how far the events go, unless that is left to the caller.
    """
    producer = Producer(
        {
            "bootstrap.servers": deployment.broker.bootstrap,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    topics = deployment.topics.inputs
    started = time.monotonic()
    for number, arrival in enumerate(arrivals):
        if number % 100 == 0:
            producer.poll(0)
            if per_second is not None:
                time.sleep(max(0.0, started + number / per_second - time.monotonic()))
        partition = _partition_of(deployment, arrival)
        producer.produce(topics[arrival.feed], arrival.value, arrival.key, partition, timestamp=arrival.time_ms)
    assert producer.flush(FLUSH_WITHIN_S) == 0, "the broker does not take the events"
    if tells_ends:
        tell_ends(deployment, arrivals)


def _partition_of(deployment: Deployment, arrival: Arrival) -> int:
    """By the key, but what is said of a feed lies where the feed is told of."""
    if arrival.feed != COMMANDS or not arrival.key.startswith(OF_FEED.encode()):
        return BY_KEY
    return place_of_command(decode_command_line(arrival.value), deployment.partitions, Calendar("UTC"))


def tell_ends(deployment: Deployment, posted: Iterable[Arrival | Event]) -> None:
    """Tell every partition how far the events go that were posted."""
    newest: dict[int, int] = {}
    for one in posted:
        if one.feed >= len(FEEDS):
            continue  # commands move no clock
        newest[one.feed] = max(one.time_ms, newest.get(one.feed, one.time_ms))
    post_ends(load_settings(environment(deployment.settings)), newest)


@contextmanager
def posting(deployment: Deployment, arrivals: Sequence[Arrival], *, per_second: float) -> Iterator[None]:
    """Post while the block runs; when it ends without an error, everything has been posted."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            post(deployment, arrivals, per_second=per_second)
        except BaseException as error:  # noqa: BLE001 - raised again where the test can see it
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join()
    if failures:
        raise failures[0]
