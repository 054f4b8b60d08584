"""The metrics: read from plain counters at scrape time, so that counting costs the path of an event nothing.

Labels are bounded (topic, partition, outcome, reason, signal, severity, status, stage, owner, currency): never a
customer. Labels known beforehand are there from the start with zero: a counter that appears with its first value has,
to Prometheus, never risen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.registry import Collector

from models.catalogue.rules import Rules
from models.customers.columns import NEVER
from models.engine.partition import Partition
from models.engine.population import Population
from schemas.topics import Topics
from streams.agents.tally import Tally
from streams.metrics.customers import CustomerMetrics
from streams.metrics.families import gauge, gauges
from streams.metrics.flow import FlowMetrics
from streams.metrics.transport import transport_metrics
from streams.transport.status import Status


class Source(Protocol):
    """Where the numbers come from: the customers agent."""

    partitions: dict[int, Partition]
    populations: dict[int, Population]
    """Of each partition as it was last counted, on the loop that changes it."""
    tally: Tally


class WorkerCollector(Collector):
    """Everything a worker tells Prometheus."""

    def __init__(
        self, topics: Topics, partitions: int, status: Status, source: Source, rules: Rules, now_ms: Callable[[], int]
    ) -> None:
        """`partitions`: how many every topic has."""
        self._partitions, self._status, self._source = partitions, status, source
        self._now_ms = now_ms
        self._customers, self._flow = CustomerMetrics(rules), FlowMetrics(topics, rules)
        self._build = [rules.hash, version("churn-signals")]

    def collect(self) -> Iterator[Metric]:
        """One scrape. A worker that leaves, or that the group may have given up, tells of no customers: another may."""
        status, now_ms = self._status, self._now_ms()
        owned = {} if status.is_leaving else dict(self._source.partitions)
        populations = dict(self._source.populations)
        counted = {number: p for number, p in owned.items() if _is_counted(p, populations.get(number))}
        counted = counted if status.is_member(time.monotonic()) else {}
        yield from self._customers.families(counted, populations, now_ms)
        yield from self._flow.families(owned, self._source.tally, status, now_ms)
        yield from transport_metrics(status, now_ms)
        yield gauge("churn_topic_partitions", "Partitions of every topic.", self._partitions)
        yield gauge(
            "churn_counted_partitions",
            "Partitions the gauges of customers speak of: owned and restored. Over all workers as many as a topic has.",
            len(counted),
        )
        yield gauges(
            "churn_build_info",
            "Always 1; the catalogue in force and the version of the program.",
            ["catalogue", "version"],
            [(self._build, 1)],
        )


def _is_counted(partition: Partition, population: Population | None) -> bool:
    """Whether the count may be told: one taken before the first midnight is worth nothing once one has passed.

    In a backlog that is read for the first time it would be of the moment at which nobody was there: zeros.
    """
    return population is not None and (population.boundary < NEVER or partition.boundary < 0)
