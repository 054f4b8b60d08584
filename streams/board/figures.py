"""The workers' /metrics pages: read, summed over workers, and compared with an earlier look. Asks nobody."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]
"""Names and values of a series' labels, sorted."""

Page = Mapping[str, Mapping[Labels, float]]
"""What one worker tells: value by labels, by the name of the metric."""

MARK = "churn_assigned_partitions"
"""What every page of a worker has: without it the address is somebody else's."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the workers found: a page by address, and why the others told nothing."""

    at_s: float
    """Of a clock that never goes back: only differences mean something."""
    pages: Mapping[str, Page] = field(default_factory=dict)
    away: Mapping[str, str] = field(default_factory=dict)


def parse_page(text: str) -> Page:
    """Read a page. Raises ValueError when it is not one of our workers'."""
    found: dict[str, dict[Labels, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text) if MARK in text else ():
        found[family.name].update({})  # known, though perhaps without a series yet
        for sample in family.samples:
            found[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    if MARK not in found:
        raise ValueError("not the metrics of a churn-signals worker")
    return dict(found)


def total(look: Look, name: str) -> float | None:
    """The sum over labels and workers; None when nobody tells."""
    values = [value for page in look.pages.values() for value in page.get(name, {}).values()]
    return sum(values) if values else None


def least(look: Look, name: str) -> float | None:
    """The smallest value any worker tells; None when nobody tells."""
    values = [value for page in look.pages.values() for value in page.get(name, {}).values()]
    return min(values, default=None)


def by_label(look: Look, name: str, label: str) -> dict[str, float]:
    """Sums over workers by the value of one label."""
    sums: Counter[str] = Counter()
    for page in look.pages.values():
        for value_of_label, value in _by_label(page, name, label):
            sums[value_of_label] += value  # type: ignore[assignment]  # a Counter adds floats as well
    return dict(sums)


def rates(earlier: Look | None, later: Look, name: str, label: str) -> dict[str, float] | None:
    """What a counter grew by in a second between two looks, by one label; None without an earlier look.

    Only workers seen both times count; one that was started anew since (its counter fell) began at zero.
    """
    if earlier is None or later.at_s <= earlier.at_s or not later.pages.keys() & earlier.pages.keys():
        return None
    grown: dict[str, float] = defaultdict(float)
    for address in later.pages.keys() & earlier.pages.keys():
        before, after = earlier.pages[address].get(name, {}), later.pages[address].get(name, {})
        for labels, value in after.items():
            known = before.get(labels, 0.0)
            grown[dict(labels)[label]] += value - known if value >= known else value
    return {key: value / (later.at_s - earlier.at_s) for key, value in grown.items()}


def _by_label(page: Page, name: str, label: str) -> Iterator[tuple[str, float]]:
    for labels, value in page.get(name, {}).items():
        yield dict(labels).get(label, ""), value
