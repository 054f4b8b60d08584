"""A worker far from its broker: progress becomes durable all the same, and its page says how things stand."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Producer

from schemas.codec import encode_event
from schemas.event import FEEDS
from streams.clock import now_ms
from support.broker import Broker, fresh_prefix
from support.builders import event
from support.meanwhile import meanwhile
from support.pages import get, samples, wait_until_ready
from support.slow_link import SlowLink, slow_broker
from support.workers import RULES_ONLY, Deployment, Positions, Worker, deploy, wait_for_lag_zero, workers

PER_SECOND: Final = 1_200
CUSTOMERS: Final = 3_000
PULSE_S: Final = 0.05
COMMITS_EVERY_S: Final = 5.0
WATCHDOG_S: Final = 15
"""Less than the 20 s after which a commit that waited in vain is postponed."""


@pytest.fixture(scope="module")
def slow() -> Iterator[tuple[Broker, SlowLink]]:
    with slow_broker() as opened:
        yield opened


class Stream:
    """Events of now, evenly, from a producer near the broker."""

    def __init__(self, deployment: Deployment) -> None:
        self._topics = deployment.topics
        self._producer = Producer(
            {"bootstrap.servers": deployment.broker.bootstrap, "partitioner": "murmur2_random", "linger.ms": 5}
        )
        self._dice, self._numbers, self._begun = random.Random(5), count(), time.monotonic()
        self._pulsed_at = self._begun
        self.posted = 0
        self.late_s = 0.0
        """By how much a pulse came too late at most: a machine that is too busy for us is so for the worker."""

    def pulse(self) -> None:
        """Post what is due by now."""
        now = time.monotonic()
        self.late_s, self._pulsed_at = max(self.late_s, now - self._pulsed_at - PULSE_S), now
        due = int((now - self._begun) * PER_SECOND)
        for _ in range(due - self.posted):
            feed, at_ms = self._dice.randrange(len(FEEDS)), now_ms()
            customer = f"c{self._dice.randrange(CUSTOMERS)}"
            made = event(FEEDS[feed], customer, at_ms, id=f"e{next(self._numbers)}")
            self._producer.produce(self._topics.event(feed), encode_event(made), customer.encode(), timestamp=at_ms)
        self.posted = due
        self._producer.poll(0)

    def close(self) -> None:
        assert self._producer.flush(30) == 0


@dataclass
class Watch:
    """What the page says and what is true, looked at again and again."""

    deployment: Deployment
    address: tuple[str, int]
    committed: int = 0
    committed_at: float = field(default_factory=time.monotonic)
    gap_s: float = 0.0
    uncommitted_s: float = 0.0
    freshness_s: float = 0.0
    lag: float = 0.0
    lag_error: float = 0.0

    def __post_init__(self) -> None:
        self._positions = Positions(self.deployment)

    def look_for(self, seconds: float, worker: Worker) -> None:
        """Look again and again at a worker that must stay."""
        ended = time.monotonic() + seconds
        while time.monotonic() < ended:
            worker.check()
            self.look()
            time.sleep(0.3)

    def look(self) -> None:
        """One look. The true lag is what the broker holds less what this page says was taken."""
        committed = sum(self._positions.committed().values())
        now = time.monotonic()
        self.gap_s = max(self.gap_s, now - self.committed_at)
        if committed > self.committed:
            self.committed, self.committed_at = committed, now
        page = self.page()
        end = sum(self._positions.ends(self.deployment.topics.events).values())
        self.lag = max(self.lag, page["churn_consumer_lag_messages"])
        self.lag_error = max(
            self.lag_error, abs(end - page["churn_records_total"] - page["churn_consumer_lag_messages"])
        )
        self.uncommitted_s = max(self.uncommitted_s, page["churn_uncommitted_seconds"])
        self.freshness_s = max(self.freshness_s, page["churn_freshness_seconds"])

    def page(self) -> dict[str, float]:
        """Sums by metric, of ages the greatest."""
        status, text = get(self.address, "/metrics")
        assert status == 200
        found: dict[str, float] = {}
        for (name, _), value in samples(text).items():
            old = found.get(name, 0.0)
            found[name] = max(old, value) if name.endswith("_seconds") else old + value
        return found


@pytest.mark.slow
@pytest.mark.parametrize("round_trip_ms", [100, 20, 40, 500])
def test_progress_becomes_durable_over_a_slow_connection(
    slow: tuple[Broker, SlowLink],
    tmp_path: Path,
    round_trip_ms: int,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    if round_trip_ms != 100 and not is_full:
        pytest.skip("one delay is enough for every day: the others with --full")
    broker, link = slow
    link.round_trip_s = 0.0
    more = {"catalogue": RULES_ONLY, "watchdog_s": str(WATCHDOG_S), "bootstrap": link.bootstrap}
    deployment = deploy(broker, fresh_prefix(), tmp_path, partitions=4, **more)
    link.round_trip_s = round_trip_ms / 1000
    with workers(deployment, "far") as (far,):
        far.start()
        address = wait_until_ready(far)
        stream = Stream(deployment)
        with meanwhile(stream.pulse, every_s=PULSE_S):
            time.sleep(2)
            watch, stream.late_s, link.late_s = Watch(deployment, address), 0.0, 0.0
            watch.look_for(30 if is_full else 10, far)
        stream.close()
        print(
            f"\n{round_trip_ms} ms, {stream.posted:,} events: {watch.gap_s:.1f} s between commits, uncommitted for "
            f"{watch.uncommitted_s:.1f} s, lag {watch.lag:.0f} (wrong by {watch.lag_error:.0f}), "
            f"freshness {watch.freshness_s:.2f} s, all at most; the machine was late by {stream.late_s:.2f} s, "
            f"the link by {link.late_s:.2f} s"
        )
        wait_for_lag_zero(deployment, [far])
        assert watch.gap_s < COMMITS_EVERY_S
        assert watch.uncommitted_s < 2 * COMMITS_EVERY_S  # what was taken just after a commit began waits for the next
        # The page is a second old at most, as is what it heard of the end; the rest is what a busy machine took.
        allowed_s = 2.0 + 2 * (link.round_trip_s + link.late_s) + stream.late_s
        assert watch.lag_error < allowed_s * PER_SECOND
        assert watch.lag < allowed_s * PER_SECOND
        assert watch.freshness_s < allowed_s
        time.sleep(1.5 + link.round_trip_s)
        still = ("consumer_lag_messages", "uncommitted_seconds", "freshness_seconds")
        assert [watch.page()[f"churn_{name}"] for name in still] == [0, 0, 0]
        assert far.terminate() == 0
