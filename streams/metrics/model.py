"""What a worker tells of the model it scores with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prometheus_client import Metric
from prometheus_client.registry import Collector

from schemas.model import Refusal
from streams.agents.models import Shelf
from streams.metrics.families import counters, gauge, gauges


class ModelMetrics(Collector):
    """The version in force, and the records that were refused."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf, self._calendar = shelf, shelf.rules.basis.calendar

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        version, refused = self._shelf.current, dict(self._shelf.refused)
        yield gauges(
            "churn_model_info",
            "Always 1; the version of the model that scores, none while there is none.",
            ["version"],
            [] if version is None else [([version.name], 1.0)],
        )
        yield gauge(
            "churn_model_learned_timestamp_seconds",
            "Until when the version in force has learned: event time.",
            None if version is None else self._calendar.start_of(version.learned_until) / 1000,
        )
        yield gauge(
            "churn_model_cold",
            "1 while the model has seen too few labels of each outcome to be believed.",
            None if version is None else float(version.scorer.is_cold),
        )
        yield counters(
            "churn_model_refused",
            "Records of the model that were refused; the last good version goes on scoring.",
            ["reason"],
            (([reason], float(refused.get(reason, 0))) for reason in get_args(Refusal)),
        )
