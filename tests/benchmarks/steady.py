"""A worker under a steady stream: how long from an event to its alert, and how long until a stop is made up for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Self

from confluent_kafka import Producer
from msgspec import Struct

from benchmarks.load import random_event
from benchmarks.product import running, until
from schemas.alert import decode_alert
from schemas.codec import encode_event, new_event
from schemas.event import TICKET, Ticket
from schemas.instant import to_rfc3339
from streams.files.history import HistoryEvent
from support.workers import Deployment, Positions, follower

PROBE_EVERY: Final = 50
"""One event in so many is timed: a ticket opened again, from somebody new, which `repeated_complaints` announces."""

PULSE_S: Final = 0.005
"""Events are posted in pulses: a thread that posted each on its own would spend its time on waking up."""

POOL: Final = 20_000
"""Events made before the stream begins: to make each anew would take the core that the worker needs."""

TIME_MS: Final = 1_000_000_000_123
TIME: Final = to_rfc3339(TIME_MS).encode()
NUMBER: Final = b"999999999"
"""What stands in them for the time and for the number of the event."""

WARM_UP_S: Final = 3.0
LAST_ALERTS_S: Final = 20.0
"""How long we wait for alerts once the stream was timed long enough."""

CAUGHT_UP_WITHIN: Final = 10
"""Times the length of the stop; then the part is given up."""


class LatencyRun(Struct, frozen=True):
    """From the producer's stamp to the consumer's, in milliseconds. `announced`: alerts that came, of `probes`."""

    per_second: float
    probes: int
    announced: int
    p50_ms: float
    p99_ms: float
    most_ms: float


class CatchUpRun(Struct, frozen=True):
    """A stop under the same stream. `lag_before`: events not committed, the most seen before it."""

    stopped_s: float
    lag_before: int
    lag_after: int
    seconds: float


class Stream:
    """Posts events at a pace in a thread of its own, and remembers when each probe was posted."""

    def __init__(
        self,
        deployment: Deployment,
        customers: int,
        *,
        per_second: float,
        start_ms: int,
        probe_every: int = PROBE_EVERY,
    ) -> None:
        """`start_ms`: time of the first event; noon of a day keeps midnights out of the measurement."""
        self.posted: dict[bytes, float] = {}
        self._topics = deployment.topics.events
        self._producer = Producer(
            {
                "bootstrap.servers": deployment.broker.bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._customers, self._per_second, self._start_ms = customers, per_second, start_ms
        self._probe_every = probe_every
        self._dice = random.Random(2)
        self._pool = [] if probe_every == 1 else [self._template() for _ in range(POOL)]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._post, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        assert self._producer.flush(60) == 0, "the broker does not take the stream"

    def _post(self) -> None:
        begun, number = time.monotonic(), 0
        while not self._is_over.wait(PULSE_S):
            passed = time.monotonic() - begun
            time_ms = self._start_ms + int(number / self._per_second * 1000)
            text = to_rfc3339(time_ms).encode()
            for place in range(number, int(passed * self._per_second)):
                self._send(place, time_ms, text)
                number = place + 1
            self._producer.poll(0)

    def _send(self, place: int, time_ms: int, text: bytes) -> None:
        if place % self._probe_every == 0:
            event = _probe(place, time_ms)
            self.posted[event.key] = time.monotonic()
            feed, key, value = event.feed, event.key, event.value
        else:
            feed, key, template = self._pool[place % POOL]
            value = template.replace(TIME, text).replace(NUMBER, b"%09d" % place)
        self._producer.produce(self._topics[feed], value, key, timestamp=time_ms)

    def _template(self) -> tuple[int, bytes, bytes]:
        """An event but for its time and the number that tells it from all others."""
        customer = f"customer-{self._dice.randrange(self._customers):07}"
        event = random_event(self._dice, customer, TIME_MS, int(NUMBER))
        return event.feed, event.key, event.value


def _probe(place: int, time_ms: int) -> HistoryEvent:
    customer = f"probe-{place:09}"
    data = Ticket(ticket_id=f"ticket-{place}", action="reopened", category="complaint", channel="chat")
    event = new_event(TICKET, customer, time_ms, data, source="shop", id=f"probe-{place}")
    return HistoryEvent(time_ms, TICKET, place, customer.encode(), encode_event(event))


@contextmanager
def arriving(deployment: Deployment) -> Iterator[dict[bytes, float]]:
    """While the block runs: when the first alert about each customer arrived."""
    arrived: dict[bytes, float] = {}
    is_over = threading.Event()

    def listen() -> None:
        consumer = follower(deployment, [deployment.topics.alerts])
        while not is_over.is_set():
            message = consumer.poll(0.1)
            if message is not None and message.error() is None and (value := message.value()):
                arrived.setdefault(decode_alert(value).customer_id.encode(), time.monotonic())
        consumer.close()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield arrived
    finally:
        is_over.set()
        thread.join()


def time_alerts(deployment: Deployment, stream: Stream, seconds: float, per_second: float) -> LatencyRun:
    """Let the stream run for so long, and compare when events were posted with when their alerts came."""
    with arriving(deployment) as arrived:
        time.sleep(WARM_UP_S)
        begun = time.monotonic()
        time.sleep(seconds)
        ended = time.monotonic()
        return compare_times(stream, arrived, begun, ended, per_second)


def compare_times(
    stream: Stream, arrived: Mapping[bytes, float], begun: float, ended: float, per_second: float
) -> LatencyRun:
    """Wait for the alerts of all that was posted between two times, while `arriving` goes on, and compare."""
    timed = {name: at for name, at in list(stream.posted.items()) if begun <= at < ended}
    deadline = ended + LAST_ALERTS_S
    while not timed.keys() <= arrived.keys() and time.monotonic() < deadline:
        time.sleep(0.1)
    took_ms = sorted((arrived[name] - at) * 1000 for name, at in timed.items() if name in arrived)
    assert took_ms, "no alert came at all"
    p50_ms, p99_ms = (took_ms[int(len(took_ms) * share)] for share in (0.5, 0.99))
    return LatencyRun(per_second, len(timed), len(took_ms), p50_ms, p99_ms, took_ms[-1])


def usual_lag(positions: Positions, looks: int = 15) -> int:
    """The most events not committed that some looks saw."""
    found = 0
    for _ in range(looks):
        found = max(found, positions.lag())
        time.sleep(0.2)
    return found


def catch_up(deployment: Deployment, lag_before: int, stopped_at: float, stop_s: float) -> CatchUpRun:
    """Start a worker once the stop has lasted long enough; until it has what the stream posted meanwhile."""
    positions = Positions(deployment)
    time.sleep(max(0.0, stopped_at + stop_s - time.monotonic()))
    lag_after, begun = positions.lag(), time.monotonic()
    with running(deployment, "worker-again") as (worker, _):
        until([worker], lambda: positions.lag() <= lag_before, each_s=0.1, within_s=CAUGHT_UP_WITHIN * stop_s)
        seconds = time.monotonic() - begun
    return CatchUpRun(begun - stopped_at, lag_before, lag_after, seconds)
