"""A worker and a learner that have done nothing yet, for what they tell all the same."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from models.config import Learning
from models.engine.partition import Partition
from models.engine.population import Population
from schemas.topics import Topics
from streams.agents.dispatcher import DispatcherAgent
from streams.agents.learner import LearnerAgent
from streams.agents.models import Shelf
from streams.agents.tally import Tally
from streams.metrics.collector import WorkerCollector
from streams.metrics.dispatcher import DispatcherMetrics
from streams.metrics.learner import LearnerMetrics
from streams.metrics.model import ModelMetrics
from streams.transport.changelog import Changelog
from streams.transport.producer import Outputs
from streams.transport.status import Status
from support.troubled import default_rules


def pages() -> str:
    """The metrics of all programs."""
    found = ""
    for collectors in (_worker(), _learner(), _dispatcher()):
        registry = CollectorRegistry(auto_describe=False)
        for collector in collectors:
            registry.register(collector)
        found += generate_latest(registry).decode()
    return found


def families() -> Iterator[tuple[str, Metric]]:
    """Every metric, with the process that tells it."""
    for process, collectors in (("worker", _worker()), ("learner", _learner()), ("dispatcher", _dispatcher())):
        for collector in collectors:
            yield from ((process, metric) for metric in collector.collect())


def _worker() -> list[Collector]:
    rules = default_rules()
    flow = WorkerCollector(Topics("churn"), 12, Status(), _Idle(), rules, lambda: 0)
    return [flow, ModelMetrics(Shelf(rules))]


def _learner() -> list[Collector]:
    rules = default_rules()
    learner = LearnerAgent(rules, Learning(), 1, Changelog(Outputs({}), "churn.models"), lambda _first: ())
    learner.restored(0, {})
    return [LearnerMetrics(learner, Status(), rules.basis.calendar, lambda: 0)]


def _dispatcher() -> list[Collector]:
    rules, topics, outputs = default_rules(), Topics("churn"), Outputs({})
    agent = DispatcherAgent(rules, 1, topics, outputs, Changelog(outputs, topics.lists), lambda _first: ())
    agent.restored(0, {})
    return [DispatcherMetrics(agent, Status(), rules.basis.calendar, lambda: 0)]


class _Idle:
    """No partition, nothing counted."""

    def __init__(self) -> None:
        self.partitions: dict[int, Partition] = {}
        self.populations: dict[int, Population] = {}
        self.tally = Tally()
