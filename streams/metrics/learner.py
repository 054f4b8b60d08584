"""What a learner exposes: what it has learned, how good it is beside the baselines, what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite

from prometheus_client import Metric
from prometheus_client.registry import Collector

from models.calendar import Calendar
from models.learning.learner import Learner
from models.learning.quality import BINS_SHOWN
from models.learning.summary import censored
from models.scoring.scorer import EXPERTS
from streams.agents.learner import LearnerAgent
from streams.metrics.families import counter, counters, gauge, gauges
from streams.metrics.transport import transport_metrics
from streams.transport.status import Status

MEASURES = ("log_loss", "brier", "ece", "auc", "bias")
BINS = tuple(f"{tenth / 10:.1f}" for tenth in range(1, BINS_SHOWN + 1))
"""Bins of the calibration table by their upper ends."""


class LearnerMetrics(Collector):
    """Everything a learner tells Prometheus; of the model nothing while it does not own the examples."""

    def __init__(self, agent: LearnerAgent, status: Status, calendar: Calendar, now_ms: Callable[[], int]) -> None:
        self._agent, self._status, self._calendar, self._now_ms = agent, status, calendar, now_ms

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        yield from self._model()
        yield counters(
            "churn_lessons_refused",
            "Records that were refused as training examples, or as the model at a restore.",
            ["reason"],
            (([reason], count) for reason, count in sorted(self._agent.refused.items())),
        )
        yield from transport_metrics(self._status, self._now_ms())

    def _model(self) -> Iterator[Metric]:
        learner = self._agent.learner
        if learner is None:
            return
        committee, until, lag_ms = learner.committee, learner.lessons.learned_until, learner.label_lag_ms
        yield gauge(
            "churn_learned_timestamp_seconds",
            "Until when everything that matured is learned: event time.",
            None if until < 0 else self._calendar.start_of(until) / 1000,
        )
        yield gauge(
            "churn_label_lag_seconds",
            "Event time from the newest label learned to the day until which a partition has sent all of them.",
            None if lag_ms is None else lag_ms / 1000,
        )
        yield gauge(
            "churn_snapshots_censored_ratio",
            "Of the snapshots learned from, the share whose outcome is not known yet, or came too late.",
            censored(committee.to_state()),
        )
        yield gauges(
            "churn_learned_labels",
            "Labels of the whole horizon learned, by outcome.",
            ["outcome"],
            zip((["returned"], ["churned"]), map(float, committee.labels), strict=True),
        )
        yield gauges(
            "churn_expert_weight",
            "Weight of each expert in the ensemble; they add up to 1.",
            ["expert"],
            (([expert], weight) for expert, weight in zip(EXPERTS, committee.weights, strict=True)),
        )
        yield counter("churn_labels_left_out", "Labels that came again, or too late.", learner.lessons.left_out)
        yield from self._quality(learner)
        yield from self._drift(learner)

    def _quality(self, learner: Learner) -> Iterator[Metric]:
        yield gauges(
            "churn_model_quality",
            "Quality of predicted risks, decayed over a quarter, of the ensemble and its baselines on the same rows.",
            ["model", "measure"],
            (
                ([name, measure], value)
                for name, score in learner.quality().items()
                for measure in MEASURES
                if isfinite(value := float(getattr(score, measure)))
            ),
        )
        judged = learner.judged
        yield gauges(
            "churn_judged_labels",
            "Labels that quality is of: the risk was given at the snapshot, or worked out from what was known then.",
            ["risk"],
            [] if judged is None else [(["given"], float(judged.given)), (["worked_out"], float(judged.worked_out))],
        )
        table = [(BINS[min(int(row.given * BINS_SHOWN), BINS_SHOWN - 1)], row) for row in learner.calibration()]
        for name, text in (("told", "Mean predicted risk"), ("happened", "Observed share that churned")):
            yield gauges(
                f"churn_model_{name}_ratio",
                f"{text} of the risks in a bin of the calibration table, which is named by its upper end.",
                ["bin"],
                (([end], row.given if name == "told" else row.happened) for end, row in table),
            )

    def _drift(self, learner: Learner) -> Iterator[Metric]:
        """Of each mean that is watched: how many changes were seen, and the newest, if any."""
        yield gauges(
            "churn_model_drift_alarms",
            "Changes of a mean that were seen and are remembered (20 at most): of the loss, or of the predicted risk.",
            ["of"],
            (([name], float(len(window.alarms))) for name, window in learner.drift.items()),
        )
        alarms = [([name], window.alarms[-1]) for name, window in learner.drift.items() if window.alarms]
        yield gauges(
            "churn_model_drift_timestamp_seconds",
            "When it was last seen to have changed: event time, the end of a week.",
            ["of"],
            ((of, self._calendar.start_of(alarm.boundary) / 1000) for of, alarm in alarms),
        )
        yield gauges(
            "churn_model_drift_change",
            "By how much it changed then; a loss that rose is a model that has become worse.",
            ["of"],
            ((of, alarm.now - alarm.was) for of, alarm in alarms),
        )
