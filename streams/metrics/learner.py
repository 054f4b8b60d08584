"""What a learner tells: what it has learned, how good it is beside the baselines, what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite

from prometheus_client import Metric
from prometheus_client.registry import Collector

from models.calendar import Calendar
from models.learning.scoring import EXPERTS
from streams.agents.learner import LearnerAgent
from streams.metrics.families import counter, counters, gauge, gauges
from streams.metrics.transport import transport_metrics
from streams.transport.status import Status

MEASURES = ("log_loss", "brier", "ece", "auc", "bias")


class LearnerMetrics(Collector):
    """Everything a learner tells Prometheus; of the model nothing while it does not own the examples."""

    def __init__(self, agent: LearnerAgent, status: Status, calendar: Calendar, now_ms: Callable[[], int]) -> None:
        self._agent, self._status, self._calendar, self._now_ms = agent, status, calendar, now_ms

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        yield from self._model()
        yield counters(
            "churn_lessons_refused",
            "Records of the examples, or of the model at a restore, that were no such thing.",
            ["reason"],
            (([reason], count) for reason, count in sorted(self._agent.refused.items())),
        )
        yield from transport_metrics(self._status, self._now_ms())

    def _model(self) -> Iterator[Metric]:
        learner = self._agent.learner
        if learner is None:
            return
        committee, until = learner.committee, learner.lessons.learned_until
        yield gauge(
            "churn_learned_timestamp_seconds",
            "Until when everything that matured is learned: event time.",
            None if until < 0 else self._calendar.start_of(until) / 1000,
        )
        yield gauges(
            "churn_learned_labels",
            "Labels of the whole horizon learned, by outcome.",
            ["outcome"],
            zip((["returned"], ["churned"]), map(float, committee.labels), strict=True),
        )
        yield gauges(
            "churn_expert_weight",
            "Weight of each expert in the committee; they add up to 1.",
            ["expert"],
            (([expert], weight) for expert, weight in zip(EXPERTS, committee.weights, strict=True)),
        )
        yield counter("churn_labels_left_out", "Labels that came again, or too late.", learner.lessons.left_out)
        yield gauges(
            "churn_model_quality",
            "Quality of the risks told, decayed over a quarter, of the committee and its baselines on the same rows.",
            ["model", "measure"],
            (
                ([name, measure], value)
                for name, score in learner.quality().items()
                for measure in MEASURES
                if isfinite(value := float(getattr(score, measure)))
            ),
        )
