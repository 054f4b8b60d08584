"""The metrics: read from plain counters at scrape time, so that counting costs the path of an event nothing.

Labels are bounded (topic, partition, outcome, reason, signal, severity, status, stage): never a customer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from models.census import Census
from models.customer import STAGE_NAMES
from models.partition import Partition
from models.partition_record import total_counts
from models.signals.catalogue import Rules
from schemas.topics import Topics
from streams.agents.tally import PROCESSING_BUCKETS_S, Tally
from streams.transport.status import Status

_AT_RISK: Final = "not churned, a negative alert of warning or more is open."
_RISKY_STAGES: Final = tuple(stage for stage in STAGE_NAMES if stage != "churned")


class Source(Protocol):
    """Where the numbers come from: the customers agent."""

    partitions: dict[int, Partition]
    tally: Tally


class WorkerCollector(Collector):
    """Everything a worker tells Prometheus."""

    def __init__(self, prefix: str, status: Status, source: Source, rules: Rules, now_ms: Callable[[], int]) -> None:
        self._topics = Topics(prefix)
        self._status, self._source = status, source
        self._catalogue, self._currency, self._now_ms = rules.hash, rules.basis.currency, now_ms
        self._grave = [signal.id for signal in rules.signals if signal.is_grave]
        self._owners = sorted({s.owner for s in rules.signals if s.is_grave or s.respond_ms is not None})
        self._severities = [(signal.id, signal.severity) for signal in rules.signals]

    def collect(self) -> Iterator[Any]:
        """One scrape."""
        partitions = dict(self._source.partitions)
        yield from self._customers(partitions)
        yield from self._state(partitions)
        yield from self._flow(partitions)
        yield from self._transport()
        info = GaugeMetricFamily("churn_build_info", "Always 1; the catalogue in force.", labels=["catalogue"])
        info.add_metric([self._catalogue], 1)
        yield info

    def _customers(self, partitions: dict[int, Partition]) -> Iterator[Any]:
        """What is known about customers; nothing at all while no partition is owned."""
        census = Census()
        for partition in partitions.values():
            census += partition.census
        known = GaugeMetricFamily("churn_customers", "Customers in the partitions owned, by stage.", labels=["stage"])
        past_due = GaugeMetricFamily(
            "churn_alerts_past_due", "Open alerts whose response time is over, to the hour.", labels=["owner"]
        )
        still_open = GaugeMetricFamily("churn_alerts_open", "Alerts that are open.", labels=["signal", "severity"])
        if partitions:
            for stage in STAGE_NAMES:
                known.add_metric([stage], census.customers[stage])
            late = census.past_due(self._now_ms())
            for owner in self._owners:
                past_due.add_metric([owner], late[owner])
            for signal, severity in sorted({*self._severities, *census.open_alerts}):
                still_open.add_metric([signal, severity], census.open_alerts[signal, severity])
        yield from self._at_risk(census, is_owner=bool(partitions))
        yield from (known, still_open, past_due)

    def _at_risk(self, census: Census, *, is_owner: bool) -> Iterator[Any]:
        """Customers at risk and their spend, each by stage, signal and owner."""
        for suffix, label, totals, labels in (
            ("", "stage", census.by_stage, _RISKY_STAGES),
            ("_by_signal", "signal", census.by_signal, self._grave),
            ("_by_owner", "owner", census.by_owner, self._owners),
        ):
            customers = GaugeMetricFamily(
                f"churn_customers_at_risk{suffix}",
                f"Customers at risk now in the partitions owned, by {label}: {_AT_RISK}",
                labels=[label],
            )
            spend = GaugeMetricFamily(
                f"churn_spend_at_risk{suffix}",
                f"What the customers at risk spent in the 365 days before their last review, by {label}.",
                labels=[label, "currency"],
            )
            for name in sorted({*labels, *totals.customers}) if is_owner else ():
                customers.add_metric([name], totals.customers[name])
                spend.add_metric([name, self._currency], totals.spend[name] / 100)
            yield customers
            yield spend

    def _state(self, partitions: dict[int, Partition]) -> Iterator[Any]:
        boundaries = [p.calendar.start_of(p.state.boundary) for p in partitions.values() if p.state.boundary >= 0]
        yield _gauge(
            "churn_boundary_timestamp_seconds",
            "The last boundary reviewed in every owned partition: what the gauges of customers speak of.",
            min(boundaries) / 1000 if boundaries else None,
        )
        yield _gauge(
            "churn_state_bytes",
            "Bytes of packed records in the partitions owned, estimated from up to 100 records each.",
            sum(_estimated_bytes(partition) for partition in partitions.values()),
        )
        alerts = CounterMetricFamily(
            "churn_alerts", "Alert revisions published.", labels=["signal", "severity", "status"]
        )
        for labels, count in sorted(self._source.tally.alerts.items()):
            alerts.add_metric(list(labels), count)
        yield alerts

    def _flow(self, partitions: dict[int, Partition]) -> Iterator[Any]:
        tally = self._source.tally
        events = CounterMetricFamily(
            "churn_events", "Records processed by this process, by outcome.", labels=["topic", "outcome"]
        )
        for (topic, outcome), count in sorted(tally.events.items()):
            events.add_metric([topic, outcome], count)
        yield events
        recorded = GaugeMetricFamily(
            "churn_recorded_events",
            "Distinct offsets by outcome since the first start, from the partition records: survives crashes.",
            labels=["topic", "outcome"],
        )
        states = {number: partition.state for number, partition in partitions.items()}
        for feed, (_, outcomes) in enumerate(total_counts(states).items()):
            for outcome, count in outcomes.items():
                recorded.add_metric([self._topics.event(feed), outcome], count)
        yield recorded
        dead = CounterMetricFamily("churn_dead_letters", "Records refused, by reason.", labels=["topic", "reason"])
        for (topic, reason), count in sorted(tally.dead_letters.items()):
            dead.add_metric([topic, reason], count)
        yield dead
        yield CounterMetricFamily("churn_reviews", "Reviews of a customer at a boundary.", value=tally.reviews)
        yield CounterMetricFamily(
            "churn_outputs_sent_again", "Outputs sent once more after a restore.", value=tally.sent_again
        )
        watermarks = [mark for p in partitions.values() if (mark := p.watermark.value_ms) is not None]
        yield _gauge(
            "churn_watermark_timestamp_seconds",
            "The lowest watermark of the partitions owned.",
            min(watermarks) / 1000 if watermarks else None,
        )
        yield self._processing(tally)

    @staticmethod
    def _processing(tally: Tally) -> HistogramMetricFamily:
        total, buckets = 0, []
        for bound, count in zip([*map(str, PROCESSING_BUCKETS_S), "+Inf"], list(tally.processing), strict=True):
            total += count
            buckets.append((bound, total))
        return HistogramMetricFamily(
            "churn_event_processing_seconds",
            "Time an event takes, reviews included: its share of its frame.",
            buckets=buckets,
            sum_value=tally.processing_s,
        )

    def _transport(self) -> Iterator[Any]:
        status = self._status
        lag = GaugeMetricFamily("churn_consumer_lag_messages", "Records not taken yet.", labels=["topic", "partition"])
        waiting: set[str] = set()
        for (topic, partition), count in sorted(status.lag.items()):
            if count is not None:
                lag.add_metric([topic, str(partition)], count)
                if count:
                    waiting.add(topic)
        yield lag
        freshness = GaugeMetricFamily(
            "churn_freshness_seconds",
            "Now less the Kafka time of the newest record processed; 0 when there is nothing left to read.",
            labels=["topic"],
        )
        for topic, stamp in sorted(self._source.tally.last_timestamp_ms.items()):
            freshness.add_metric([topic], max(0.0, (self._now_ms() - stamp) / 1000) if topic in waiting else 0.0)
        yield freshness
        yield _gauge("churn_recovering", "1 while partitions are being restored.", int(status.is_restoring))
        yield _gauge("churn_recovery_seconds", "Duration of the last restore.", status.restore_seconds)
        yield _gauge("churn_assigned_partitions", "Partitions owned.", len(status.assigned))
        yield _gauge(
            "churn_last_progress_timestamp_seconds",
            "When something last moved: a frame, a restored record, an assignment.",
            self._now_ms() / 1000 - (time.monotonic() - status.moved_at),
        )
        yield CounterMetricFamily("churn_rebalances", "Rebalances seen.", value=status.rebalances)
        yield CounterMetricFamily("churn_commit_failures", "Commits postponed.", value=status.commit_failures)
        yield CounterMetricFamily(
            "churn_events_lost", "Offsets that were gone before they could be read.", value=status.lost_offsets
        )


def _gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """A gauge without labels; no sample at all while there is nothing to tell."""
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric([], value)
    return family


def _estimated_bytes(partition: Partition) -> int:
    records = partition.records
    sample = [len(packed) for packed in list(records.values())[:100]]
    return sum(sample) * len(records) // len(sample) if sample else 0
