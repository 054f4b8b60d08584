"""Systems that take turns on the same load: the plain loop and one worker, both with the model too; two workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from benchmarks.measuring import SystemRun
from benchmarks.peers.environments import PeerError
from benchmarks.product import run_product
from benchmarks.results import RacePart, SystemPart, conditions
from benchmarks.work import Bench, Catalogue, compare, post_all, run_module
from streams.files.history import HistoryEvent
from support.workers import Deployment

KEEPS: Final = "outputs, then commit; a snapshot each 10 s"
"""Of a system that commits an offset only when everything that follows from it is acknowledged."""


class System(NamedTuple):
    """One that takes part: `run` posts the events when it wants them and returns when all is done."""

    name: str
    keeps: str
    run: Callable[[Deployment, list[HistoryEvent]], SystemRun]
    catalogue: Catalogue = "rules"


def run_plain(deployment: Deployment, events: list[HistoryEvent]) -> SystemRun:
    """The plain loop in its own process."""
    post_all(deployment, events)
    told = run_module("plain_loop", str(len(events)), **deployment.settings)
    return msgspec.json.decode(told, type=SystemRun)


def run_workers(workers: int) -> Callable[[Deployment, list[HistoryEvent]], SystemRun]:
    """The product with so many workers."""

    def run(deployment: Deployment, events: list[HistoryEvent]) -> SystemRun:
        return run_product(deployment, lambda: post_all(deployment, events), len(events), workers)

    return run


PLAIN: Final = System("plain loop", KEEPS, run_plain)
PLAIN_MODEL: Final = System("plain loop, model on", KEEPS, run_plain, "model")
ONE: Final = System("churn-signals, one worker", KEEPS, run_workers(1))
WITH_MODEL: Final = System("churn-signals, one worker, model on", KEEPS, run_workers(1), "model")
TWO: Final = System("churn-signals, two workers", KEEPS, run_workers(2))


def run_race(bench: Bench) -> bool:
    """Measure the product against the plain loop; whether its alerts were those of replay in every round."""
    sizes = bench.sizes
    bench.results.race = race(bench, (PLAIN, ONE, PLAIN_MODEL, WITH_MODEL, TWO), sizes.customers, sizes.rounds)
    bench.save()
    return all(system.is_right for system in bench.results.race.systems)


def race(bench: Bench, systems: Sequence[System], customers: int, rounds: int) -> RacePart:
    """Let systems take turns, each time on topics of their own; the order changes from round to round."""
    events = bench.load(customers)
    for system in systems:
        bench.truth(customers, system.catalogue)
    parts = {system.name: SystemPart(system.name, system.keeps) for system in systems}
    given = conditions()
    for number in range(rounds):
        for system in systems if number % 2 == 0 else reversed(systems):
            with bench.step(f"{system.name}, round {number + 1} of {rounds}"):
                _take_turn(bench, system, customers, parts[system.name])
    return RacePart(given, len(events), customers, list(parts.values()))


def _take_turn(bench: Bench, system: System, customers: int, part: SystemPart) -> None:
    """One round of one system; a peer that does not get through says why, and the others go on."""
    events, expected, _ = bench.truth(customers, system.catalogue)
    with bench.deployed(system.catalogue) as deployment:
        try:
            run = system.run(deployment, events)
        except PeerError as error:
            part.failure = str(error)
            bench.tell(f"{system.name}: {error}")
            return
        alerts = compare(deployment, expected)
    part.runs.append(run)
    part.alerts.append(alerts)
    bench.tell(f"{system.name}: {len(events) / run.seconds:,.0f} events/s, {run.cpu_s:.1f} s CPU; alerts: {alerts}")
