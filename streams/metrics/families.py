"""Families of the forms that occur again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Family = TypeVar("Family", GaugeMetricFamily, CounterMetricFamily)
Labelled = tuple[Sequence[str], float]
"""A value and the labels it has."""


def gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """A gauge without labels; no sample at all while there is nothing to tell."""
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric([], value)
    return family


def counter(name: str, text: str, value: float) -> CounterMetricFamily:
    """A counter without labels."""
    return CounterMetricFamily(name, text, value=value)


def gauges(name: str, text: str, labels: Sequence[str], values: Iterable[Labelled]) -> GaugeMetricFamily:
    """A gauge with labels."""
    return _filled(GaugeMetricFamily(name, text, labels=labels), values)


def counters(name: str, text: str, labels: Sequence[str], values: Iterable[Labelled]) -> CounterMetricFamily:
    """A counter with labels."""
    return _filled(CounterMetricFamily(name, text, labels=labels), values)


def cumulated(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus wants them; the last of `counts` lies beyond all bounds.

    >>> cumulated([0.5], [3, 1])
    [('0.5', 3.0), ('+Inf', 4.0)]
    """
    total, buckets = 0, []
    for bound, count in zip([*map(str, bounds), "+Inf"], list(counts), strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets


def _filled(family: Family, values: Iterable[Labelled]) -> Family:
    for labels, value in values:
        family.add_metric(labels, value)
    return family
