"""How often customers to whom nothing happens are bothered: the price of every threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from models.calendar import DAY_MS
from models.detection.proportion import Rate, Share, mean_of, rate, wilson
from models.detection.truth import Truth

SPAN_DAYS: Final = 60
"""Over how many days a share of loyal customers with a `usage_drop` is taken."""
REGULAR_SHARE: Final = 0.2
"""Share of active days from which a fall of use can be told from chance, as the default catalogue has it."""
DROP: Final = "usage_drop"
YEAR_MS: Final = 365 * DAY_MS


class Alert(Protocol):
    """What is looked at of an alert."""

    @property
    def signal(self) -> str: ...  # noqa: D102 - the signal's id
    @property
    def at_ms(self) -> int: ...  # noqa: D102 - when it was told


class LoyalScore(msgspec.Struct, frozen=True):
    """Loyal customers and their false alarms.

    `spans[s]`: share with a `usage_drop` that began within the 60 days from day s on, for every s; `worst` is the
    highest, `worst_day` its s, `mean` the mean over consecutive spans (days 0, 60, 120 …), `ever` over all days.
    Whole spans only: none when the data are shorter. `worst_regular` is the worst span of those who are active on one
    day in five or more: the others are below what the signal looks at.
    """

    customers: int
    years: float
    worst: Share | None
    worst_day: int | None
    mean: float | None
    worst_regular: Share | None
    ever: Share | None
    spans: tuple[float, ...]
    negative_a_year: Rate | None
    by_signal: dict[str, float]


def score_loyal(customers: Sequence[tuple[Truth, Sequence[Alert]]], start_ms: int, end_ms: int) -> LoyalScore:
    """Score loyal customers, each with its negative alerts."""
    years = [(end_ms - truth.begins_at_ms) / YEAR_MS for truth, _ in customers]
    drops = [_drop_days(alerts, start_ms) for _, alerts in customers]
    regular = [
        own
        for (truth, _), own, known in zip(customers, drops, years, strict=True)
        if truth.active_days >= REGULAR_SHARE * 365 * known
    ]
    days = (end_ms - start_ms) // DAY_MS
    hits = _hits_by_span(drops, days)
    worst = max(range(len(hits)), key=hits.__getitem__, default=None)
    spans = tuple(round(hit / len(customers), 4) for hit in hits) if customers else ()
    counts = Counter(alert.signal for _, alerts in customers for alert in alerts)
    return LoyalScore(
        customers=len(customers),
        years=round(sum(years), 2),
        worst=None if worst is None else wilson(hits[worst], len(customers)),
        worst_day=worst,
        mean=mean_of(spans[::SPAN_DAYS]),
        worst_regular=wilson(max(_hits_by_span(regular, days), default=0), len(regular)),
        ever=wilson(sum(bool(own) for own in drops), len(customers)),
        spans=spans,
        negative_a_year=rate([len(alerts) for _, alerts in customers], years),
        by_signal={signal: round(count / sum(years), 4) for signal, count in sorted(counts.items())},
    )


def _drop_days(alerts: Sequence[Alert], start_ms: int) -> list[float]:
    return [(alert.at_ms - start_ms) / DAY_MS for alert in alerts if alert.signal == DROP]


def _hits_by_span(drops: Sequence[Sequence[float]], days: int) -> list[int]:
    """Customers with a drop in the span that begins after each day; a boundary belongs to the day before it."""
    return [
        sum(any(first < day <= first + SPAN_DAYS for day in own) for own in drops)
        for first in range(days - SPAN_DAYS + 1)
    ]
