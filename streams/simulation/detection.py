"""Simulated customers through the engine, partition by partition in parallel, and what it found of the truth.

Results do not depend on how many processes there are: customers go to partitions by the partitioner, each partition is
simulated and replayed on its own, and the parts are put together in the order of the partitions. A process holds the
events of one partition at a time.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from models.catalogue.rules import Rules, sending_all, without_model, without_outages
from models.detection.scores import Firing, Move, Observed, Watched
from models.detection.truth import Truth
from models.engine.replay import Replay
from schemas.alert import AlertV1
from schemas.instant import from_rfc3339
from schemas.partitioner import partition_of
from schemas.stage import StageChangeV1
from streams.files.catalogue_file import load_rules
from streams.processes import processes
from streams.settings import Settings
from streams.simulation.population import World, customer_id, simulate_some

PARTITION_CUSTOMERS: Final = 250
"""Customers a partition: some ten thousand events a year, so that memory stays small and progress is seen."""


class Part(NamedTuple):
    """What one partition was, and what the engine said about it."""

    truths: list[Truth]
    firings: list[Firing]
    moves: list[Move]


@dataclass(frozen=True, slots=True)
class _Task:
    """One partition's work, small enough to send to another process."""

    world: World
    numbers: tuple[int, ...]
    settings: Settings


def watched_of(rules: Rules) -> list[Watched]:
    """The signals of a catalogue, in its order."""
    return [Watched(signal.id, signal.polarity) for signal in rules.signals]


def partitions_of(world: World) -> list[tuple[int, ...]]:
    """The customers' numbers by partition; there are as many partitions as the size of the world asks for."""
    count = -(-world.customers // PARTITION_CUSTOMERS)
    parts: list[list[int]] = [[] for _ in range(count)]
    for number in range(world.customers):
        parts[partition_of(customer_id(number).encode(), count)].append(number)
    return [tuple(part) for part in parts]


def observe(world: World, settings: Settings, jobs: int) -> Generator[Part, None, None]:
    """Yield what was so and what was said, a partition at a time, in order. To be closed when left early."""
    tasks = [_Task(world, numbers, settings) for numbers in partitions_of(world)]
    if jobs == 1 or len(tasks) == 1:
        yield from map(_observe_partition, tasks)
        return
    with processes(min(jobs, len(tasks))) as pool:
        waiting = [pool.submit(_observe_partition, task) for task in tasks]
        yield from (one.result() for one in waiting)


def joined(world: World, parts: Sequence[Part]) -> Observed:
    """All partitions as one."""
    return Observed(
        truths=[truth for part in parts for truth in part.truths],
        firings=[firing for part in parts for firing in part.firings],
        moves=[move for part in parts for move in part.moves],
        start_ms=world.start_ms,
        end_ms=world.end_ms,
    )


_rules: dict[Path | None, Rules] = {}


def _observe_partition(task: _Task) -> Part:
    rules = _rules.get(task.settings.catalogue)
    if rules is None:
        rules = _rules[task.settings.catalogue] = load_rules(task.settings)
    events, truths = simulate_some(task.world, task.numbers)
    replay = Replay(without_outages(without_model(sending_all(rules))), 1)
    part = Part(truths, [], [])
    for event in events:
        replay.take(event)
    replay.until(task.world.end_ms + rules.basis.disorder_ms)
    for message in replay.drain():
        if isinstance(message, StageChangeV1):
            part.moves.append(Move(message.customer_id, message.to_stage, from_rfc3339(message.at)))
        elif isinstance(message, AlertV1) and message.revision == 1:
            part.firings.append(Firing(message.customer_id, message.signal, from_rfc3339(message.observed_at)))
    return part
