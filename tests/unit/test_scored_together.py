"""Customers are scored many at a time: who is scored beside whom must not matter."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
from models.customer import Risk
from models.customer_record import decode_customer
from models.oracle import Oracle
from models.partition import TOGETHER, Partition
from models.partition_record import PARTITION_KEY

from models.engine import Engine
from models.scoring.version import Version
from schemas.event import FEEDS, Event
from streams.catalogue_file import rules_of
from streams.settings import Settings
from support.builders import DAY_MS, purchase
from support.examples import taught
from support.troubled import FIRST_DAY

VERSION = Version("2026-01-05-00000000", FIRST_DAY, taught(8, 200).scorer())
CUSTOMERS = TOGETHER + 1
ANCHOR = "1970-01-05"
RULES = rules_of(f"{{base: default, model: {{anchor: {ANCHOR}}}}}", Settings())


def purchases() -> list[Event]:
    """Two each, in the order of time."""
    dice = random.Random(1)
    times = sorted((dice.randrange(14 * DAY_MS), number % CUSTOMERS) for number in range(2 * CUSTOMERS))
    return [
        purchase(f"c{customer}", FIRST_DAY * DAY_MS + ms, amount=1.0 + customer % 97, currency="USD", id=f"p{number}")
        for number, (ms, customer) in enumerate(times)
    ]


def scores(partitions: int) -> dict[bytes, list[tuple[int, float]]]:
    """By customer: boundaries and scores."""
    oracle = Oracle(RULES, partitions, versions=lambda _partition, _boundary: VERSION)
    for event in purchases():
        oracle.take(event)
    oracle.until((FIRST_DAY + 30) * DAY_MS)
    oracle.finish()

    def told(risks: list[Risk]) -> list[tuple[int, float]]:
        return [(risk.boundary, risk.value) for risk in risks]

    return {
        key: told(decode_customer(packed).risks)
        for partition in oracle.partitions
        for key, packed in partition.records.items()
        if key != PARTITION_KEY
    }


def test_more_than_are_scored_in_one_go_are_each_scored_once_and_as_in_smaller_partitions() -> None:
    found = scores(1)
    assert len(found) == CUSTOMERS
    for risks in found.values():
        days = [boundary for boundary, _ in risks]
        assert len(days) >= 2
        assert all(later - day == 7 for day, later in pairwise(days))
    assert len({risks[-1][1] for risks in found.values()}) > CUSTOMERS / 2
    assert scores(7) == found


def test_a_midnight_of_many_customers_tells_that_it_goes_on() -> None:
    told: list[int] = []
    partition = Partition(Engine(RULES), {}, progress=lambda: told.append(partition.reviews))
    partition.begin(0)
    for offset, event in enumerate(purchases()):
        partition.take_event(event, offset)
    told.clear()
    before = partition.reviews
    partition.lift((FIRST_DAY + 30) * DAY_MS, list(range(len(FEEDS))))
    assert partition.reviews - before > 2 * TOGETHER
    assert max(later - earlier for earlier, later in pairwise([before, *told])) <= TOGETHER


def test_a_restored_partition_compares_with_the_same_scores() -> None:
    running = Partition(Engine(RULES), {}, versions=lambda _boundary: VERSION)
    running.begin(0)
    for offset, event in enumerate(purchases()):
        running.take_event(event, offset)
    running.lift((FIRST_DAY + 23) * DAY_MS, list(range(len(FEEDS))))
    running.finish()
    restored = Partition(Engine(RULES), dict(running.records), versions=lambda _boundary: VERSION)
    for partition in (running, restored):
        partition.begin(1)
        partition.lift((FIRST_DAY + 37) * DAY_MS, list(range(len(FEEDS))))
        partition.finish()
    customers = running.records.keys() - {PARTITION_KEY}
    risks = {key: decode_customer(running.records[key]).risks for key in customers}
    assert sum(risk.rank is not None for each in risks.values() for risk in each[-2:]) == 2 * CUSTOMERS
    assert {key: decode_customer(restored.records[key]).risks for key in customers} == risks


def test_nobody_to_score_is_no_mistake() -> None:
    assert VERSION.risks(np.empty((0, len(VERSION.scorer.features)))).tolist() == []
