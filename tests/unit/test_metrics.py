"""What the page of a worker holds: bounded series whatever the number of customers, and counters that begin at zero."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import cache
from typing import Final

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from models.engine.arrivals import Arrival
from models.engine.ledger import TICKS
from models.engine.partition import Partition
from models.engine.population import population_of
from schemas.event import LOGIN, Event
from schemas.topics import Topics
from streams.agents.tally import Tally
from streams.metrics.collector import WorkerCollector
from streams.metrics.customers import CustomerMetrics
from streams.transport.records import Record
from streams.transport.status import Status
from support.pages import samples
from support.troubled import default_rules, rich_history

PARTITIONS: Final = 12
MOST_SERIES: Final = 640
NOW_MS: Final = 1_800_000_000_000
TOPICS: Final = Topics("churn")


@cache
def events() -> list[Event]:
    """A dozen customers with a rich history."""
    return sorted(rich_history(1), key=lambda event: (event.time_ms, event.feed))


def lived_through(partition: Partition) -> Partition:
    """The partition with their history behind it."""
    offsets = [0] * TICKS
    for event in events():
        partition.observe([Arrival(event.feed, offsets[event.feed], event)])
        offsets[event.feed] += 1
    partition.drain()
    return partition


class Busy:
    """A worker that owns all partitions, with so many customers in all, and has done everything it does in a day."""

    def __init__(self, customers: int) -> None:
        self.partitions = {number: Partition(default_rules(), number=number) for number in range(PARTITIONS)}
        if customers:
            lived_through(self.partitions[0])
        for place in range(self.partitions[0].customers.size, customers):
            self.partitions[place % PARTITIONS].customers.enrol([f"c{place}"])
        self.populations = {number: population_of(partition) for number, partition in self.partitions.items()}
        self.tally = Tally()
        for topic in (*TOPICS.events, TOPICS.ticks):
            self.tally.count_frame([Record(topic, None, None, 0, NOW_MS - 200)], 0.001, NOW_MS, 0)
            for reason in ("not_json", "missing_field", "future", "wrong_partition", "id_conflict"):
                self.tally.dead_letters[topic, reason] += 1
        self.tally.alerts["usage_drop", "error", "updated"] += 1  # escalated


def page(source: Busy, status: Status) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkerCollector(TOPICS, PARTITIONS, status, source, default_rules(), lambda: NOW_MS))
    ProcessCollector(registry=registry)
    return generate_latest(registry).decode()


def at_work() -> Status:
    """Assigned and restored, with something to read everywhere."""
    topics = (*TOPICS.events, TOPICS.ticks)
    return Status(
        assigned=frozenset(range(PARTITIONS)),
        is_restoring=False,
        is_rebalancing=False,
        confirmed_at=time.monotonic(),
        lag={TP(topic, number): 3 for topic in topics for number in range(PARTITIONS)},
    )


def test_many_customers_have_as_many_series_as_a_hundred() -> None:
    found = []
    for customers in (100, 20_000):
        text = page(Busy(customers), at_work())
        series = samples(text)
        assert sum(value for (name, _), value in series.items() if name == "churn_customers") == customers
        assert re.search(r"\bc\d+\b", text) is None, "a customer's name"
        found.append(series.keys())
    assert found[0] == found[1]
    print(f"\n{len(found[1])} series")
    assert len(found[1]) <= MOST_SERIES


def test_what_can_be_known_beforehand_is_there_with_zero_before_anything_happened() -> None:
    series = samples(page(Busy(0), Status()))
    assert series["churn_events_total", (("outcome", "late"), ("topic", TOPICS.event(2)))] == 0
    unsubscribed = (("severity", "warning"), ("signal", "unsubscribed"), ("status", "firing"))
    assert series["churn_alerts_total", unsubscribed] == 0
    assert series["churn_alerts_ended_total", (("reason", "lost"), ("signal", "unsubscribed"))] == 0
    assert series["churn_stage_changes_total", (("stage", "dormant"),)] == 0


def test_alerts_of_feeds_are_there_with_zero_as_all_others_are() -> None:
    """Prometheus sees no increase in what begins with 1."""
    series = samples(page(Busy(100), at_work()))
    for severity, statuses in (("error", ("firing", "updated", "resolved")), ("critical", ("firing", "updated"))):
        for status in statuses:
            labels = (("severity", severity), ("signal", "feed_outage"), ("status", status))
            assert series["churn_alerts_total", labels] == 0
        assert series["churn_alerts_open", (("severity", severity), ("signal", "feed_outage"))] == 0
    assert series["churn_alerts_ended_total", (("reason", "over"), ("signal", "feed_outage"))] == 0
    assert series["churn_alert_outcomes_total", (("outcome", "false_alarm"), ("signal", "feed_outage"))] == 0
    assert series["churn_alerts_past_due", (("owner", "Platform"),)] == 0


def test_a_worker_that_leaves_tells_of_no_customers_and_no_lag() -> None:
    status = at_work()
    status.is_leaving = True
    series = samples(page(Busy(100), status))
    assert series["churn_counted_partitions", ()] == 0
    assert series["churn_topic_partitions", ()] == PARTITIONS
    told = {name for name, _ in series}
    assert not told & {"churn_customers", "churn_customers_at_risk", "churn_consumer_lag_messages"}


def test_a_worker_that_the_group_may_have_given_up_tells_of_no_customers() -> None:
    status = at_work()
    status.confirmed_at = time.monotonic() - status.session_s
    series = samples(page(Busy(100), status))
    assert series["churn_counted_partitions", ()] == 0
    told = {name for name, _ in series}
    assert not told & {"churn_customers", "churn_customers_at_risk", "churn_alerts_open"}
    assert "churn_consumer_lag_messages" in told


@pytest.mark.parametrize(("code", "told"), [(None, 0), (0, 0), (70, 0), (3, 1)])
def test_only_the_dead_letter_limit_is_told_as_the_reason_to_stop(code: int | None, told: int) -> None:
    status = at_work()
    status.exit_code = code
    assert samples(page(Busy(0), status))["churn_stopped_at_dead_letter_limit", ()] == told


def test_history_has_no_age_and_every_topic_of_a_frame_its_newest_record() -> None:
    tally = Tally()
    records = [
        Record("a", None, None, 0, NOW_MS - 90_000),
        Record("b", None, None, 0, NOW_MS - 4_000),
        Record("a", None, None, 1, NOW_MS - 300),
    ]
    tally.count_frame(records, 0.3, NOW_MS, NOW_MS - 10_000)
    assert sum(tally.ages["a"].counts) == 1
    assert (tally.ages["a"].sum_s, tally.ages["b"].sum_s) == (0.3, 4.0)
    assert tally.last_timestamp_ms == {"a": NOW_MS - 300, "b": NOW_MS - 4_000}
    assert sum(tally.processing.counts) == 3


def test_a_partition_that_waits_for_a_declared_feed_is_seen() -> None:
    source = Busy(100)
    clocks = source.partitions[3].watermark.highs
    clocks[:] = [NOW_MS, -1, NOW_MS, NOW_MS]
    source.partitions[4].watermark.highs[:] = [NOW_MS, NOW_MS - 7_200_000, NOW_MS, NOW_MS - 1_000]
    for number in {*range(PARTITIONS)} - {3, 4}:
        source.partitions[number].watermark.highs[:] = [-1] * 4  # no events yet: nothing waits
    series = samples(page(source, at_work()))
    assert series["churn_partitions_without_watermark", ()] == 1
    assert series["churn_watermark_delay_seconds", ()] == 7_200


def test_a_midnight_that_is_still_gone_through_for_the_first_time_is_not_told() -> None:
    """Counts carry the boundary they speak of, whatever was judged since."""
    source = Busy(12)
    boundary = "churn_boundary_timestamp_seconds", ()
    partition = source.partitions[0]
    told = samples(page(source, at_work()))[boundary]
    assert told == partition.basis.calendar.start_of(partition.boundary) / 1000
    partition.spreads = True
    partition.lift(partition.basis.calendar.start_of(partition.boundary + 3), range(TICKS))
    assert samples(page(source, at_work()))[boundary] == told
    partition.go_on()
    source.populations[0] = population_of(partition)
    assert samples(page(source, at_work()))[boundary] > told
    assert boundary not in samples(page(Busy(0), at_work()))


def test_a_partition_that_was_not_counted_yet_is_not_spoken_of() -> None:
    source = Busy(100)
    del source.populations[3]
    series = samples(page(source, at_work()))
    assert series["churn_counted_partitions", ()] == PARTITIONS - 1


def test_without_purchases_nothing_is_told_of_what_was_spent() -> None:
    rules, partitions = default_rules(), {0: Busy(10).partitions[0]}
    subscriptions = replace(rules, basis=replace(rules.basis, feeds=(LOGIN,)))
    populations = {0: population_of(partitions[0])}
    families = CustomerMetrics(subscriptions).families(partitions, populations, NOW_MS)
    told = {family.name for family in families if family.samples}
    assert "churn_customers_at_risk" in told
    assert not {name for name in told if "spend_at_risk" in name or "value_at_risk" in name}


def test_zeros_counted_before_a_backlog_are_not_told_of_what_it_brought() -> None:
    """A partition is counted when it is assigned, and not again while it is behind."""
    source = Busy(100)
    source.populations[0] = population_of(Partition(default_rules(), number=0))
    series = samples(page(source, at_work()))
    assert series["churn_counted_partitions", ()] == PARTITIONS - 1
    assert ("churn_boundary_timestamp_seconds", ()) not in series
    source.populations = {0: source.populations[0]}
    series = samples(page(source, at_work()))
    assert not [name for name, _ in series if name.startswith("churn_customers")]
