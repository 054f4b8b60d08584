"""Families of the forms that occur again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily


def gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """A gauge without labels; no sample at all while there is nothing to tell."""
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric([], value)
    return family


def counter(name: str, text: str, value: float) -> CounterMetricFamily:
    """A counter without labels."""
    return CounterMetricFamily(name, text, value=value)


def gauges(
    name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    """A gauge with labels."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def counters(
    name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> CounterMetricFamily:
    """A counter with labels."""
    family = CounterMetricFamily(name, text, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


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
