"""Sums of customers over workers: they may lack a partition that moves for some seconds, and never count it twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from support.arrivals import merged
from support.broker import Broker
from support.histories import Size, history
from support.meanwhile import meanwhile
from support.pages import get, lines_of, samples, wait_until_ready
from support.posting import post
from support.workers import RULES_ONLY, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 4
EVERY_S: Final = 0.2
TOGETHER_S: Final = 0.1
"""Pages further apart than this do not speak of the same moment: on a crowded machine one may take long to answer."""
MOVES_WITHIN_S: Final = 40.0
GAPS_S: Final = {"joins": 8.0, "leaves": 8.0, "is killed": 16.0, "is paused": 30.0}
"""Several times what README and runbook say, as tests share a machine."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What all workers say at one moment, summed."""

    at: float
    counted: float
    customers: float
    at_risk: float
    spend: float

    @property
    def sums(self) -> tuple[float, float, float]:
        return self.customers, self.at_risk, round(self.spend, 2)


@dataclass
class Watch:
    """Reads the pages of all workers again and again."""

    pages: dict[str, tuple[str, int]]
    readings: list[Reading] = field(default_factory=list)

    def read(self) -> None:
        """Read them all twice; left out is what took long or changed meanwhile: it is of no one moment."""
        started = time.monotonic()
        addresses = list(self.pages.values())
        before, after = ([totals_of(page_at(address)) for address in addresses] for _ in range(2))
        if time.monotonic() - started < TOGETHER_S and before == after:
            self.readings.append(Reading(started, *map(sum, zip(*after, strict=True))))

    def gap(self, since: float, is_over: Callable[[], bool]) -> float:
        """Wait until all is counted again after a change; the longest time between two readings that counted all."""
        deadline = time.monotonic() + MOVES_WITHIN_S
        while not (is_over() and self.readings[-1].at > since and self.readings[-1].counted == PARTITIONS):
            assert time.monotonic() < deadline, self.readings[-20:]
            time.sleep(0.05)
        whole = [reading.at for reading in self.readings if reading.counted == PARTITIONS]
        return max(after - before for before, after in pairwise(whole) if after >= since)


def page_at(address: tuple[str, int]) -> str:
    """The metrics of a worker; nothing where nobody answers."""
    try:
        status, text = get(address, "/metrics")
    except (OSError, HTTPException):
        return ""
    assert status == 200
    return text


def totals_of(page: str) -> tuple[float, float, float, float]:
    """Partitions counted, customers, of them at risk, their spend."""
    found = dict.fromkeys(
        ("churn_counted_partitions", "churn_customers", "churn_customers_at_risk", "churn_spend_at_risk"), 0.0
    )
    for (name, _), value in samples(lines_of(page, *found)).items():
        found[name] += value
    counted, customers, at_risk, spend = found.values()
    return counted, customers, at_risk, spend


def counted_by(watch: Watch, worker: Worker) -> float:
    return totals_of(page_at(watch.pages[worker.name]))[0]


@pytest.mark.slow
def test_nobody_is_counted_twice_while_partitions_move(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    post(deployment, merged(history(Size(3_000, 250, 80))))
    with workers(deployment, "main", "other", is_static=False) as (main, other):
        main.start()
        watch = Watch({main.name: wait_until_ready(main)})
        wait_for_lag_zero(deployment, [main])
        time.sleep(1)  # the customers are counted some times a second
        truth = Reading(0, *totals_of(page_at(watch.pages[main.name])))
        assert truth.counted == PARTITIONS
        assert truth.at_risk > 0
        with meanwhile(watch.read, every_s=EVERY_S):
            gaps = troubled(watch, main, other)
            gaps.append(("is paused", woken(watch, main, other)))
    print("\n" + "; ".join(f"a worker {change}: {seconds:.1f} s" for change, seconds in gaps))
    print(f"{len(watch.readings)} readings")
    assert max(reading.counted for reading in watch.readings) == PARTITIONS, "counted twice"
    assert {reading.sums for reading in watch.readings if reading.counted == PARTITIONS} == {truth.sums}
    assert all(
        part <= whole for reading in watch.readings for part, whole in zip(reading.sums, truth.sums, strict=True)
    )
    assert [(change, seconds) for change, seconds in gaps if seconds > GAPS_S[change]] == []


def troubled(watch: Watch, main: Worker, other: Worker) -> list[tuple[str, float]]:
    """Another worker joins and leaves, joins again and is killed; for how long not everybody was counted."""
    gaps = []
    for change, end in (("leaves", other.terminate), ("is killed", other.kill_9)):
        since = time.monotonic()
        other.start()
        watch.pages[other.name] = wait_until_ready(other)
        gaps.append(("joins", watch.gap(since, lambda: counted_by(watch, other) > 0)))
        since = time.monotonic()
        end()
        gaps.append((change, watch.gap(since, lambda: counted_by(watch, main) == PARTITIONS)))
    return gaps


def woken(watch: Watch, main: Worker, other: Worker) -> float:
    """Another worker is paused until it is given up, and wakes: it does not know yet that its partitions are gone."""
    other.start()
    watch.pages[other.name] = wait_until_ready(other)
    since = time.monotonic()
    watch.gap(since, lambda: counted_by(watch, other) > 0)
    page = watch.pages.pop(other.name)  # asked while it sleeps, it would not answer
    since = time.monotonic()
    other.pause()
    gap = watch.gap(since, lambda: counted_by(watch, main) == PARTITIONS)
    since = time.monotonic()
    watch.pages[other.name] = page
    other.resume()
    watch.gap(since, lambda: counted_by(watch, other) > 0)
    return gap
