"""A worker and a learner that have done nothing yet, for what they tell all the same."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from models.config import Learning
from models.engine.partition import Partition
from schemas.topics import Topics
from streams.agents.learner import LearnerAgent
from streams.agents.models import Shelf
from streams.agents.tally import Tally
from streams.metrics.collector import WorkerCollector
from streams.metrics.learner import LearnerMetrics
from streams.metrics.model import ModelMetrics
from streams.transport.changelog import Changelog
from streams.transport.producer import Outputs
from streams.transport.status import Status
from support.troubled import default_rules


def pages() -> str:
    """The metrics of both."""
    rules, status = default_rules(), Status()
    registry, found = CollectorRegistry(auto_describe=False), ""
    registry.register(WorkerCollector(Topics("churn"), 12, status, _Idle(), rules, lambda: 0))
    registry.register(ModelMetrics(Shelf(rules)))
    found += generate_latest(registry).decode()
    registry = CollectorRegistry(auto_describe=False)
    learner = LearnerAgent(rules, Learning(), 1, Changelog(Outputs({}), "churn.models"), lambda _first: ())
    learner.restored(0, {})
    registry.register(LearnerMetrics(learner, status, rules.basis.calendar, lambda: 0))
    return found + generate_latest(registry).decode()


class _Idle:
    """No partition, nothing counted."""

    def __init__(self) -> None:
        self.partitions: dict[int, Partition] = {}
        self.tally = Tally()
