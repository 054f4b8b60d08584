"""Customers are scored many at a time: who is scored beside whom must not matter."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np

from models.engine.arrivals import Arrival
from models.engine.partition import Partition
from models.engine.replay import Replay
from models.engine.snapshot import freeze, load
from models.scoring.ranks import BUCKETS
from models.scoring.scoring import TOGETHER
from models.scoring.version import Version
from schemas.event import FEEDS, PURCHASE, Event
from streams.files.catalogue_file import rules_of
from streams.settings import Settings
from support.builders import DAY_MS, purchase
from support.examples import scorer_of
from support.troubled import FIRST_DAY

VERSION = Version("2026-01-05-00000000", FIRST_DAY, scorer_of(8, 200), [3] * BUCKETS)
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


def given(replay: Replay) -> dict[str, tuple[list[float], float]]:
    """By customer: the risks of the last snapshot days, the newest first, and the rank of that."""
    found = {}
    for partition in replay.partitions:
        scoring = partition.review.scoring
        assert scoring is not None
        for row, customer in enumerate(partition.customers.roster.ids):
            found[customer] = scoring.risks.values[:, row].tolist(), float(scoring.risks.ranks[row])
    return found


def replayed(partitions: int, days: int = 30) -> Replay:
    replay = Replay(RULES, partitions)
    for partition in replay.partitions:
        partition.versions = lambda _boundary: VERSION
    for event in purchases():
        replay.take(event)
    replay.until((FIRST_DAY + days) * DAY_MS)
    return replay


def test_more_than_are_scored_in_one_go_are_each_scored_once_a_week_and_as_in_smaller_partitions() -> None:
    found = {customer: risks for customer, (risks, _) in given(replayed(1)).items()}
    assert len(found) == CUSTOMERS
    for risks in found.values():
        scored = [risk for risk in risks if risk == risk]  # noqa: PLR0124 - not a number
        assert len(scored) >= 2
        assert scored == risks[: len(scored)]
    assert len({risks[0] for risks in found.values()}) > CUSTOMERS / 2
    smaller = {customer: risks for customer, (risks, _) in given(replayed(7)).items()}
    assert repr(sorted(smaller.items())) == repr(sorted(found.items()))


def test_a_midnight_of_many_customers_is_judged_in_parts() -> None:
    partition = Partition(RULES)
    partition.spreads = True
    partition.observe([Arrival(PURCHASE, offset, event) for offset, event in enumerate(purchases())])
    partition.go_on()
    before = partition.judged
    partition.lift((FIRST_DAY + 20) * DAY_MS, range(len(FEEDS)))
    boundaries = partition.boundary - partition.customers.boundary
    assert partition.unjudged == boundaries * CUSTOMERS
    steps = [partition.judged]
    while partition.is_behind:
        partition.go_on(500)
        steps.append(partition.judged)
        assert partition.unjudged == before + boundaries * CUSTOMERS - partition.judged
    assert steps[-1] - before == boundaries * CUSTOMERS > 2 * TOGETHER
    assert max(later - earlier for earlier, later in pairwise(steps)) <= 500
    assert partition.judged_boundary == partition.boundary


def test_a_restored_partition_compares_with_the_same_scores() -> None:
    running = replayed(1, 23)
    restored = replayed(1, 1)
    restored.partitions = [load(freeze(running.partitions[0]).to_bytes(), RULES)]
    restored.partitions[0].versions = lambda _boundary: VERSION
    for replay in (running, restored):
        replay.until((FIRST_DAY + 37) * DAY_MS)
    ranks = [rank for _, rank in given(running).values()]
    assert sum(rank == rank for rank in ranks) == CUSTOMERS  # noqa: PLR0124 - not a number
    assert repr(given(restored)) == repr(given(running))


def test_nobody_to_score_is_no_mistake() -> None:
    assert VERSION.risks(np.empty((0, len(VERSION.scorer.features)))).tolist() == []
