"""A start of the worker that has many customers: their records are put into the changelog as the worker writes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import Producer
from msgspec import Struct

from benchmarks.measuring import resident_bytes
from benchmarks.product import running, until
from models.customer import Customer, decode_customer, encode_customer
from models.partition_record import PARTITION_KEY, State, decode_state, encode_state
from schemas.codec import encode_event, new_event
from schemas.event import LOGIN, Login
from streams.transport.producer import DELIVERY_SETTINGS
from support.workers import Deployment, Positions

EPOCH: Final = 1

Track = Callable[[Iterable[int]], Iterable[int]]


class RestartRun(Struct, frozen=True):
    """One start; seconds since the process was started. Bytes are resident: before the restore, after the event."""

    restored_s: float
    first_event_s: float
    before_bytes: int
    after_bytes: int
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


def run_restart(deployment: Deployment, templates: Templates, number: int) -> RestartRun:
    """Start the worker for the `number`th time (from 0); an event waits that moves no clock and begins no review."""
    positions = Positions(deployment)
    _post(deployment, templates.highs[LOGIN], number)
    begun = time.monotonic()
    with running(deployment) as (worker, page):
        pid = worker.process.pid
        until(worker, lambda: page.is_well("/livez"))
        before = resident_bytes(pid)
        _, restored = until(worker, lambda: page.is_well("/readyz"))
        _, processed = until(worker, lambda: page.total("churn_events_total") > 0)
        until(worker, lambda: sum(positions.committed().values()) > number)
        after, peak = resident_bytes(pid), resident_bytes(pid, "VmHWM")
    return RestartRun(restored.at - begun, processed.at - begun, before, after, peak)


def _post(deployment: Deployment, time_ms: int, number: int) -> None:
    customer = "customer-0000000"
    event = new_event(LOGIN, customer, time_ms, Login(), source="shop", id=f"restart-{number}")
    producer = Producer({"bootstrap.servers": deployment.broker.bootstrap, "partitioner": "murmur2_random"})
    producer.produce(deployment.topics.event(LOGIN), encode_event(event), customer.encode(), timestamp=time_ms)
    assert producer.flush(30) == 0, "the broker does not take the event"
