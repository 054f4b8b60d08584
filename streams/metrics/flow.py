"""What flows through a worker: records in, by outcome and age; alerts and transitions out; how far event time is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily

from models.alerts.corroboration import severities
from models.alerts.ending import reasons_of
from models.alerts.outages import signals_of_feeds
from models.catalogue.rules import Rules
from models.customers.columns import STAGE_NAMES
from models.engine.ledger import MISPLACED, OUTCOMES, total_counts
from models.engine.partition import Partition
from schemas.alert import OPEN, STATUS_OF_END, Arm, EndReason
from schemas.command import Action, AlertOutcome
from schemas.receipt import ReceiptStatus
from schemas.suppressed import Rule
from schemas.topics import Topics
from streams.agents.tally import AGE_BUCKETS_S, PROCESSING_BUCKETS_S, Spread, Tally
from streams.metrics.families import counter, counters, cumulated, gauge, gauges
from streams.transport.status import Status

_OUTCOMES: Final = (*OUTCOMES, "redelivered")


class FlowMetrics:
    """The flow of one set of topics under one catalogue: both give the labels."""

    def __init__(self, topics: Topics, rules: Rules) -> None:
        self._events = topics.events
        self._records = (*topics.events, topics.commands, topics.moved)
        self._feeds = rules.basis.feeds
        self._no_events = {(topic, outcome): 0 for topic in self._records for outcome in _OUTCOMES}
        # From 0 on, as an alert watches it: Prometheus sees no increase in what begins with 1.
        self._none_misplaced = {(topic, MISPLACED): 0 for topic in self._records}
        of_feeds = signals_of_feeds(rules)
        signals = (*rules.signals, *of_feeds)
        reasons: dict[str, list[EndReason]] = {signal.id: reasons_of(signal) for signal in rules.signals}
        reasons |= {signal.id: ["over"] for signal in of_feeds}
        own = {(signal.id, signal.severity): {STATUS_OF_END[one] for one in reasons[signal.id]} for signal in signals}
        # Ends are asked for by reason: those of alerts that others or time had raised are there once there are any.
        self._no_alerts: dict[tuple[str, str, str], int] = {
            (*raised, status): 0 for raised in severities(rules) for status in sorted({*OPEN, *own.get(raised, ())})
        }
        self._no_outcomes: dict[tuple[str, str, str], int] = {
            (signal.id, arm, is_back): 0
            for signal in rules.signals
            if signal.holdout
            for arm in get_args(Arm)
            for is_back in ("yes", "no")
        }
        self._none_said = {(signal.id, word): 0 for signal in signals for word in get_args(AlertOutcome)}
        self._no_receipts = {(action, status): 0 for action in get_args(Action) for status in get_args(ReceiptStatus)}
        self._none_ended: dict[tuple[str, str], int] = {
            (name, reason): 0 for name, own in reasons.items() for reason in own
        }

    def families(
        self, partitions: Mapping[int, Partition], tally: Tally, status: Status, now_ms: int
    ) -> Iterator[Metric]:
        """One scrape's worth."""
        yield from self._records_in(partitions, tally)
        yield from self._ages(tally, status, now_ms)
        yield from self._decisions(tally)
        yield gauge(
            "churn_reviews_waiting",
            "Customers whose review as of a midnight that has passed is still to come.",
            sum(partition.unjudged for partition in partitions.values()),
        )
        yield from self._event_time(partitions)

    def _records_in(self, partitions: Mapping[int, Partition], tally: Tally) -> Iterator[Metric]:
        outcomes = {**self._no_events, **tally.events}
        yield counters(
            "churn_events",
            "Records processed by this process, by outcome.",
            ["topic", "outcome"],
            sorted(outcomes.items()),
        )
        totals = total_counts(partition.ledger for partition in partitions.values())
        yield gauges(
            "churn_recorded_events",
            "Distinct offsets by outcome since the first start, from the ledgers of the partitions: survives crashes.",
            ["topic", "outcome"],
            (
                ([topic, outcome], count)
                for topic, counts in zip(self._records, totals.values(), strict=True)
                for outcome, count in counts.items()
            ),
        )
        lists = [partition.customers.erased for partition in partitions.values()]
        yield gauge(
            "churn_erased_customers",
            "Customers who were erased in the partitions owned: what is posted of them counts for nothing.",
            sum(len(one.since) for one in lists),
        )
        yield gauge(
            "churn_erased_customers_unswept",
            "Those of whom records may still lie on the output topics; 0 once the brokers have compacted them.",
            sum(len(one.unswept) for one in lists),
        )
        refused = {**self._none_misplaced, **tally.dead_letters}
        yield counters(
            "churn_dead_letters", "Records refused, by reason.", ["topic", "reason"], sorted(refused.items())
        )

    def _ages(self, tally: Tally, status: Status, now_ms: int) -> Iterator[Metric]:
        ages = HistogramMetricFamily(
            "churn_ingest_to_applied_seconds",
            "From the Kafka time of an event to the end of the frame that took it; history is not counted.",
            labels=["topic"],
        )
        nothing = Spread(AGE_BUCKETS_S)
        for topic in self._events:
            age = tally.ages.get(topic, nothing)
            ages.add_metric([topic], cumulated(AGE_BUCKETS_S, age.counts), age.sum_s)
        yield ages
        yield HistogramMetricFamily(
            "churn_ingest_to_alert_seconds",
            "From the Kafka time of the oldest event in the frame that caused an alert to its sending, at most; not of "
            "alerts that reviews between frames decided.",
            buckets=cumulated(AGE_BUCKETS_S, tally.alert_ages.counts),
            sum_value=tally.alert_ages.sum_s,
        )
        yield HistogramMetricFamily(
            "churn_event_processing_seconds",
            "Time an event takes: its share of its frame, without reviews between frames.",
            buckets=cumulated(PROCESSING_BUCKETS_S, tally.processing.counts),
            sum_value=tally.processing.sum_s,
        )
        newest = sorted(tally.last_timestamp_ms.items())
        yield gauges(
            "churn_last_event_timestamp_seconds",
            "Kafka time of the newest record processed.",
            ["topic"],
            (([topic], stamp / 1000) for topic, stamp in newest),
        )
        waiting = {topic for (topic, _), count in status.lag.items() if count}
        yield gauges(
            "churn_freshness_seconds",
            "Now less the Kafka time of the newest record processed; 0 when there is nothing left to read.",
            ["topic"],
            (([topic], max(0.0, (now_ms - stamp) / 1000) if topic in waiting else 0.0) for topic, stamp in newest),
        )

    def _decisions(self, tally: Tally) -> Iterator[Metric]:
        alerts = {**self._no_alerts, **dict(tally.alerts)}
        labels = ["signal", "severity", "status"]
        yield counters("churn_alerts", "Alert revisions published.", labels, sorted(alerts.items()))
        yield counters(
            "churn_alerts_ended",
            "Alerts that ended, by what became of them.",
            ["signal", "reason"],
            sorted({**self._none_ended, **dict(tally.ended)}.items()),
        )
        stages = {(stage,): tally.stages[stage] for stage in STAGE_NAMES}
        yield counters(
            "churn_stage_changes", "Transitions published, by the stage entered.", ["stage"], sorted(stages.items())
        )
        yield counter("churn_alerts_decided", "Alert revisions decided: sent, held, or sent before.", tally.decided)
        held = dict.fromkeys(get_args(Rule), 0) | tally.suppressed
        yield counters(
            "churn_alerts_suppressed",
            "Alert revisions that were not sent, by the rule that held them.",
            ["rule"],
            (([rule], count) for rule, count in sorted(held.items())),
        )
        yield from self._what_came(tally)
        yield counter("churn_reviews", "Reviews of a customer at a boundary: everybody at each one.", tally.reviews)
        yield counter(
            "churn_outputs_already_sent",
            "Outputs decided once more after a restart that stood on their topic already: they are not sent again.",
            tally.already_sent,
        )

    def _what_came(self, tally: Tally) -> Iterator[Metric]:
        """Of commands, and of alerts by what people said and by what customers did."""
        yield counters(
            "churn_receipts",
            "Commands that were decided.",
            ["action", "status"],
            sorted({**self._no_receipts, **dict(tally.receipts)}.items()),
        )
        yield counters(
            "churn_alert_outcomes",
            "What people said came of alerts, by signal: false alarms against the others are its precision.",
            ["signal", "outcome"],
            sorted({**self._none_said, **dict(tally.outcomes)}.items()),
        )
        yield counters(
            "churn_experiment_outcomes",
            "Alerts of experiments whose horizon was over, by whether the customer came back.",
            ["signal", "arm", "came_back"],
            sorted({**self._no_outcomes, **dict(tally.came_back)}.items()),
        )

    def _event_time(self, partitions: Mapping[int, Partition]) -> Iterator[Metric]:
        marks = [partition.watermark.value_ms for partition in partitions.values()]
        known = [mark for mark in marks if mark is not None]
        yield gauge(
            "churn_watermark_timestamp_seconds",
            "The lowest watermark of the partitions owned.",
            min(known) / 1000 if known else None,
        )
        clocks = [[p.watermark.highs[feed] for feed in self._feeds] for p in partitions.values()]
        yield gauge(
            "churn_watermark_delay_seconds",
            "How far, in the worst partition owned, the slowest declared feed's clock is behind the fastest.",
            max((max(of) - min(of) for of in clocks if min(of) >= 0), default=0) / 1000,
        )
        yield gauge(
            "churn_partitions_without_watermark",
            "Partitions owned that have events and wait for the first one of another declared feed.",
            sum(min(of) < 0 <= max(of) for of in clocks),
        )
