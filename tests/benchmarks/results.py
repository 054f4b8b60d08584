"""The figures as JSON, kept from run to run. Each part says when and where it was taken."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from benchmarks.engine_alone import EngineRun
from benchmarks.measuring import Spread, SystemRun, spread
from benchmarks.midnight import MidnightRun
from benchmarks.restart import DayRun, RestartRun
from benchmarks.steady import CatchUpRun, LatencyRun

R = TypeVar("R")

PACKAGES: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "msgspec", "numpy")


class Conditions(Struct, frozen=True):
    """What a figure means nothing without."""

    date: str
    machine: str
    cores: int
    python: str
    versions: dict[str, str]
    load_average: tuple[float, float, float]
    """Over 1, 5 and 15 minutes, when the part began: above nought, others had a share of the machine."""


class EnginePart(Struct, frozen=True):
    """`rules`: the rules alone; `model`: with weekly snapshots and lessons, but no version of the model in force.

    `small`: with the model, a few hundred customers a partition.
    """

    conditions: Conditions
    rules: list[EngineRun]
    model: list[EngineRun]
    small: list[EngineRun]


class Difference(Struct, frozen=True):
    """Revisions of alerts against those of replay, by (id, revision); `other`: the same ones with other bytes."""

    expected: int
    found: int
    missing: int
    unknown: int
    other: int

    def __str__(self) -> str:
        if not self.size:
            return f"{self.found:,} of {self.expected:,}, equal"
        return f"{self.missing:,} missing, {self.unknown:,} unknown, {self.other:,} other of {self.expected:,}"

    @property
    def size(self) -> int:
        """0 when equal."""
        return self.missing + self.unknown + self.other


class SystemPart(Struct):
    """One system in a race. `failure`: why it could not be run, or not to its end."""

    name: str
    keeps: str
    runs: list[SystemRun] = []
    alerts: list[Difference] = []
    failure: str = ""

    @property
    def worst(self) -> Difference | None:
        """The round that differed most."""
        return max(self.alerts, key=lambda alerts: alerts.size, default=None)

    @property
    def is_right(self) -> bool:
        """Whether its alerts were those of replay in every round."""
        return not any(alerts.size for alerts in self.alerts)


class RacePart(Struct, frozen=True):
    """Systems that took turns on the same load. The first is the measure of the others."""

    conditions: Conditions
    events: int
    customers: int
    systems: list[SystemPart]

    def find(self, name: str) -> SystemPart | None:
        """A system that ran, by its name."""
        return next((system for system in self.systems if system.name == name and system.runs), None)


class SteadyPart(Struct, frozen=True):
    """`peak_per_s`: what the worker made of a backlog just before; the stream is half of it."""

    conditions: Conditions
    customers: int
    peak_per_s: float
    latency: LatencyRun
    catch_up: CatchUpRun


class GrowthPart(Struct, frozen=True):
    """The engine alone at several sizes, each customer with so many events in so many days."""

    conditions: Conditions
    events_each: int
    days: int
    runs: list[EngineRun]


class RestartPart(Struct, frozen=True):
    """`alone`, without Kafka, and `day`, behind the last start: a midnight, of the default catalogue only.

    `snapshot_bytes`: of all customers; `packed_bytes`: the same as it lies in the changelog.
    """

    conditions: Conditions
    customers: int
    events: int
    snapshot_bytes: int
    packed_bytes: int
    runs: list[RestartRun]
    alone: list[MidnightRun]
    day: DayRun | None


class ReplayRun(Struct, frozen=True):
    """One call of `churn-signals replay`; `peak_bytes`: the most it had resident."""

    seconds: float
    cpu_s: float
    peak_bytes: int
    customers: int
    revisions: int


class ReplayPart(Struct, frozen=True):
    """Customers simulated over so many days; the rules alone."""

    conditions: Conditions
    customers: int
    days: int
    events: int
    runs: list[ReplayRun]


class Results(Struct):
    """A part is None until it was taken once."""

    partitions: int
    engine: EnginePart | None = None
    race: RacePart | None = None
    peers: RacePart | None = None
    steady: SteadyPart | None = None
    growth: GrowthPart | None = None
    restart: RestartPart | None = None
    restart_model: RestartPart | None = None
    replay: ReplayPart | None = None


def conditions() -> Conditions:
    """As they are now."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in info if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = os.cpu_count() or 1
    return Conditions(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{cores} x {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}",
        cores=cores,
        python=platform.python_version(),
        versions={name: version(name) for name in PACKAGES},
        load_average=os.getloadavg(),
    )


def over(runs: Sequence[R], value: Callable[[R], float]) -> Spread:
    """The spread of one figure over runs."""
    return spread([value(run) for run in runs])


def ratio(system: SystemPart, base: SystemPart, figure: str) -> float:
    """One figure of a system against another's, medians of the same race."""
    mine, other = (over(part.runs, lambda run: float(getattr(run, figure))).median for part in (system, base))
    return mine / other


def load_results(path: Path, partitions: int) -> Results:
    """What earlier runs found; nothing when there were none, of another form, or with another number of partitions."""
    if path.exists():
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Results)
        except msgspec.ValidationError:  # written by another version: its figures would not be comparable
            return Results(partitions)
        if found.partitions == partitions:
            return found
    return Results(partitions)


def save_results(results: Results, path: Path) -> None:
    """The JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
