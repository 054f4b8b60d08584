"""Gauges of customers: who is at risk, what that is worth, which alerts are open. Summed over workers they are all.

While no partition is owned there is nothing at all, not zero: nobody has said anything about customers then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from models.alerts.corroboration import severities
from models.alerts.outages import signals_of_feeds
from models.catalogue.currencies import amount_of
from models.catalogue.rules import Rules
from models.customers.columns import NEVER, STAGE_NAMES
from models.engine.partition import Partition
from models.engine.population import Population
from schemas.event import FEEDS, PURCHASE
from streams.metrics.families import gauge, gauges

_AT_RISK: Final = "not churned, a negative alert of warning or more is open."
_RISKY_STAGES: Final = tuple(stage for stage in STAGE_NAMES if stage != "churned")


class CustomerMetrics:
    """The gauges of one catalogue: its signals and owners are the labels."""

    def __init__(self, rules: Rules) -> None:
        self._currency, self._calendar = rules.basis.currency, rules.basis.calendar
        self._sells = PURCHASE in rules.basis.feeds  # without purchases what was spent is unknown, not 0
        self._feeds = rules.basis.feeds
        self._targets = sorted(rules.basis.targets.items())
        self._risky = [signal.id for signal in rules.signals if signal.counts_as_risk]
        self._owners = sorted({s.owner for s in rules.signals if s.counts_as_risk or s.respond_ms is not None})
        self._answering = {*self._owners, *(one.owner for one in signals_of_feeds(rules))}
        self._severities = severities(rules)

    def families(
        self, partitions: Mapping[int, Partition], populations: Mapping[int, Population], now_ms: int
    ) -> Iterator[Metric]:
        """What is known about the customers of the partitions; each was counted by its owner."""
        population = Population()
        for number in partitions:
            population += populations[number]
        yield from self._counts(population, now_ms, is_owner=bool(partitions))
        yield from self._at_risk(population, is_owner=bool(partitions))
        yield gauges(
            "churn_target_ratio",
            "What the catalogue aims at: retention, of all customers not churned; churn, of the base within 30 days.",
            ["target"],
            (([target], value) for target, value in self._targets),
        )
        yield gauges(
            "churn_feed_down",
            "Partitions owned in which a feed is down: silent against its own past as of the last boundary.",
            ["feed"],
            [([FEEDS[feed]], population.feeds_down[feed]) for feed in self._feeds] if partitions else [],
        )
        spoken_of = population.boundary < NEVER
        yield gauge(
            "churn_boundary_timestamp_seconds",
            "The last boundary reviewed in every owned partition: what the gauges of customers speak of.",
            self._calendar.start_of(population.boundary) / 1000 if spoken_of else None,
        )
        yield gauge(
            "churn_customers_spend_capped",
            "Customers who spent more than is counted, 90 million million of the currency: look at the rates.",
            population.spend_capped if partitions else None,
        )
        yield gauge(
            "churn_state_bytes",
            "Bytes of the columns of the partitions owned; ids of customers and events come on top.",
            sum(partition.nbytes for partition in partitions.values()),
        )

    def _counts(self, population: Population, now_ms: int, *, is_owner: bool) -> Iterator[Metric]:
        known = GaugeMetricFamily("churn_customers", "Customers in the partitions owned, by stage.", labels=["stage"])
        past_due = GaugeMetricFamily(
            "churn_alerts_past_due", "Open alerts that nobody acknowledged in time, to the hour.", labels=["owner"]
        )
        still_open = GaugeMetricFamily("churn_alerts_open", "Alerts that are open.", labels=["signal", "severity"])
        if population.boundary < NEVER:  # before the first midnight nobody knows what is due
            late = population.past_due(now_ms)
            for owner in sorted({*self._answering, *late}):
                past_due.add_metric([owner], late[owner])
        if is_owner:
            for stage in STAGE_NAMES:
                known.add_metric([stage], population.customers[stage])
            for signal, severity in sorted({*self._severities, *population.open_alerts}):
                still_open.add_metric([signal, severity], population.open_alerts[signal, severity])
        yield from (known, still_open, past_due)

    def _at_risk(self, population: Population, *, is_owner: bool) -> Iterator[Metric]:
        """Customers at risk and their spend, each by stage, signal and owner; the value at risk of all."""
        yield gauges(
            "churn_value_at_risk",
            "Of the customers at risk: risk x spend expected in twelve months; without a risk the last year's spend.",
            ["currency"],
            [([self._currency], amount_of(population.value_at_risk, self._currency))]
            if is_owner and self._sells
            else [],
        )
        for suffix, label, totals, labels in (
            ("", "stage", population.by_stage, _RISKY_STAGES),
            ("_by_signal", "signal", population.by_signal, self._risky),
            ("_by_owner", "owner", population.by_owner, self._owners),
        ):
            customers = GaugeMetricFamily(
                f"churn_customers_at_risk{suffix}",
                f"Customers at risk now in the partitions owned, by {label}: {_AT_RISK}",
                labels=[label],
            )
            spend = GaugeMetricFamily(
                f"churn_spend_at_risk{suffix}",
                f"What the customers at risk spent in the 365 days before the boundary, by {label}.",
                labels=[label, "currency"],
            )
            for name in sorted({*labels, *totals.customers}) if is_owner else ():
                customers.add_metric([name], totals.customers[name])
                if self._sells:
                    spend.add_metric([name, self._currency], amount_of(totals.spend[name], self._currency))
            yield customers
            yield spend
