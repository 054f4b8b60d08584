"""A start of the worker that has many customers: their records are put into the changelog as the worker writes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import Producer
from models.customer import Customer
from models.customer_record import decode_customer, encode_customer
from models.partition_record import PARTITION_KEY, State, decode_state, encode_state
from msgspec import Struct

from benchmarks.load import DAY_MS
from benchmarks.measuring import Page, resident_bytes
from benchmarks.midnight import post_everywhere, post_login
from benchmarks.product import running, until
from benchmarks.steady import WARM_UP_S, LatencyRun, Stream, arriving, compare_times
from models.config import HOUR_MS
from schemas.event import LOGIN
from streams.transport.producer import DELIVERY_SETTINGS
from support.workers import Deployment, Positions, Worker

EPOCH: Final = 1

PROBES_PER_S: Final = 20.0
"""Events that are announced at once, posted while a midnight goes on."""

Track = Callable[[Iterable[int]], Iterable[int]]


class RestartRun(Struct, frozen=True):
    """One start; seconds since the process was started. Bytes are resident: before the restore, after the event."""

    restored_s: float
    first_event_s: float
    before_bytes: int
    after_bytes: int
    peak_bytes: int


class DayRun(Struct, frozen=True):
    """One midnight that passes for all customers, and how long alerts took that were announced meanwhile.

    `peak_bytes`: the most the process ever had resident; who is reviewed is unpacked until its frame ends.
    """

    reviews: int
    seconds: float
    latency: LatencyRun
    peak_bytes: int


class Templates:
    """Records that the engine made of one partition, without what ties them to the offsets of their own topics."""

    def __init__(self, records: Path) -> None:
        first = msgspec.msgpack.decode(records.read_bytes(), type=list[dict[bytes, bytes]])[0]
        state = decode_state(first.pop(PARTITION_KEY))
        state.covered = State().covered
        self.state = encode_state(state, EPOCH)
        self.highs = state.highs
        self.customers = [_untied(packed) for packed in first.values()]

    def mean_bytes(self) -> float:
        """Of a record without its key."""
        return sum(map(len, self.customers)) / len(self.customers)


def _untied(packed: bytes) -> bytes:
    customer = decode_customer(packed)
    customer.offsets = Customer().offsets
    customer.outbox, customer.verdicts = [], []
    return encode_customer(customer, EPOCH)


def fill(deployment: Deployment, templates: Templates, customers: int, track: Track) -> None:
    """Write a changelog of so many customers; the partitioner places them where their events would go."""
    producer = Producer({"bootstrap.servers": deployment.broker.bootstrap, **DELIVERY_SETTINGS})
    changelog, records = deployment.topics.changelog, templates.customers
    for number in track(range(customers)):
        while len(producer) > 500_000:
            producer.poll(0.05)
        producer.produce(changelog, records[number % len(records)], b"customer-%07d" % number)
    for partition in range(deployment.partitions):
        producer.produce(changelog, templates.state, PARTITION_KEY, partition)
    assert producer.flush(120) == 0, "the broker does not take the changelog"


def run_restart(
    deployment: Deployment, templates: Templates, number: int, *, with_day: bool
) -> tuple[RestartRun, DayRun | None]:
    """Start the worker for the `number`th time (from 0); an event waits that moves no clock and begins no review."""
    positions = Positions(deployment)
    post_login(deployment, "customer-0000000", templates.highs[LOGIN], f"restart-{number}")
    begun = time.monotonic()
    with running(deployment) as (worker, page):
        pid = worker.process.pid
        until([worker], lambda: page.is_well("/livez"))
        before = resident_bytes(pid)
        _, restored = until([worker], lambda: page.is_well("/readyz"))
        _, processed = until([worker], lambda: page.total("churn_events_total") > 0)
        until([worker], lambda: sum(positions.committed().values()) > number)
        after, peak = resident_bytes(pid), resident_bytes(pid, "VmHWM")
        day = _pass_a_day(deployment, templates, worker, page) if with_day else None
    return RestartRun(restored.at - begun, processed.at - begun, before, after, peak), day


def _pass_a_day(deployment: Deployment, templates: Templates, worker: Worker, page: Page) -> DayRun:
    """Let an event of every feed in every partition say that the next day has come; wait until all were reviewed."""
    reviews = page.total("churn_reviews_total")
    midnight_ms = (min(templates.highs) - HOUR_MS) // DAY_MS * DAY_MS + DAY_MS
    next_ms = midnight_ms + HOUR_MS + 1  # the bound on disorder later, it is passed
    stream = Stream(deployment, 1, per_second=PROBES_PER_S, start_ms=next_ms + 1, probe_every=1)
    with arriving(deployment) as arrived:
        time.sleep(WARM_UP_S)
        post_everywhere(deployment, next_ms, "midnight")
        begun = time.monotonic()
        with stream:
            _, done = until(
                [worker], lambda: page.total("churn_boundary_timestamp_seconds") * 1000 >= midnight_ms, each_s=0.5
            )
        latency = compare_times(stream, arrived, begun, done.at, PROBES_PER_S)
    reviewed = int(page.total("churn_reviews_total") - reviews)
    return DayRun(reviewed, done.at - begun, latency, resident_bytes(worker.process.pid, "VmHWM"))
