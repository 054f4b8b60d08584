"""The figures as JSON, kept from run to run, and the Markdown made of them. Each part says when it was taken."""

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
from benchmarks.load import DAYS, EVENTS_EACH
from benchmarks.measuring import Spread, spread
from benchmarks.plain_loop import SystemRun
from benchmarks.restart import RestartRun

R = TypeVar("R")

PACKAGES: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "msgspec")
MB: Final = 1e6

ABOUT: Final = (
    "Made by `make bench`; the raw figures are in the JSON beside this page. Load: {events_each} events a customer "
    "over {days} days in {partitions} partitions, posted in the order of time before the clock starts; logins 60 %, "
    "e-mails 22 %, purchases 13 %, tickets 5 %. Figures are medians of rounds, in brackets the lowest and the highest. "
    "The broker (one node) runs on the same machine."
)
ABOUT_ENGINE: Final = (
    "The oracle in one process, {events:,} events of {customers:,} customers in the order of time; CPU time of the "
    "process. Packing is shared out by whether an event or only a review touched the record."
)
ABOUT_SYSTEMS: Final = (
    "{events:,} events of {customers:,} customers. From the first event to everything committed: changelog and outputs "
    "acknowledged, then offsets. The plain loop consumes, calls the same engine, produces, flushes and commits, batch "
    "by batch, and nothing else. Each round has topics of its own; the systems take turns, and the order changes from "
    "round to round. The worker is watched from outside: its clock starts at the last look that saw nothing processed, "
    "and stops at the first that saw everything committed (ten looks a second). Alert revisions are compared with "
    "those of the oracle by id, revision and content."
)
ABOUT_RESTART: Final = (
    "The changelog holds one record a customer, {bytes:,.0f} bytes on average without the key, copied from what the "
    "engine made of the load. Seconds since the process was started, memory resident. The one event that waits begins "
    "no review."
)


class Conditions(Struct, frozen=True):
    """What a figure means nothing without."""

    date: str
    machine: str
    python: str
    versions: dict[str, str]
    load_average: tuple[float, float, float]
    """Over 1, 5 and 15 minutes, when the part began: above nought, others had a share of the machine."""


class EnginePart(Struct, frozen=True):
    conditions: Conditions
    runs: list[EngineRun]


class Difference(Struct, frozen=True):
    """Revisions of alerts against the oracle's, by (id, revision); `other`: the same ones with other bytes."""

    expected: int
    found: int
    missing: int
    unknown: int
    other: int

    def __str__(self) -> str:
        if not (self.missing or self.unknown or self.other):
            return f"{self.found:,} of {self.expected:,}, equal"
        return f"{self.missing:,} missing, {self.unknown:,} unknown, {self.other:,} other of {self.expected:,}"

    @property
    def size(self) -> int:
        """0 when equal."""
        return self.missing + self.unknown + self.other


class SystemPart(Struct, frozen=True):
    conditions: Conditions
    events: int
    customers: int
    runs: list[SystemRun]
    alerts: list[Difference]


class RestartPart(Struct, frozen=True):
    conditions: Conditions
    customers: int
    record_bytes: float
    runs: list[RestartRun]


class Results(Struct):
    """A part is None until it was taken once. `is_race`: plain and product were taken in turn, in the same run."""

    partitions: int
    engine: EnginePart | None = None
    plain: SystemPart | None = None
    product: SystemPart | None = None
    is_race: bool = False
    restart: RestartPart | None = None


def conditions() -> Conditions:
    """As they are now."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in info if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Conditions(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{os.cpu_count()} x {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={name: version(name) for name in PACKAGES},
        load_average=os.getloadavg(),
    )


def over(runs: Sequence[R], value: Callable[[R], float]) -> Spread:
    """The spread of one figure over runs."""
    return spread([value(run) for run in runs])


def load_results(path: Path, partitions: int) -> Results:
    """What earlier runs found; nothing when there were none or the number of partitions was another."""
    if path.exists():
        found = msgspec.json.decode(path.read_bytes(), type=Results)
        if found.partitions == partitions:
            return found
    return Results(partitions)


def write_results(results: Results, path: Path) -> None:
    """The JSON, and the Markdown beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    path.with_suffix(".md").write_text(to_markdown(results))


def to_markdown(results: Results) -> str:
    """The page."""
    parts = [
        "# Benchmarks",
        ABOUT.format(events_each=EVENTS_EACH, days=DAYS, partitions=results.partitions),
    ]
    if results.engine is not None:
        parts += _engine(results.engine)
    if results.plain is not None or results.product is not None:
        parts += _systems(results)
    if results.restart is not None:
        parts += _restart(results.restart)
    return "\n\n".join(parts) + "\n"


def _engine(part: EnginePart) -> list[str]:
    runs, first = part.runs, part.runs[0]
    total = over(runs, lambda run: run.event_us + run.review_us * run.reviews / run.events)
    rows = [
        ("CPU an event, without reviews (bytes to packed record)", f"{over(runs, lambda r: r.event_us).show()} µs"),
        ("CPU a review, its share of packing included", f"{over(runs, lambda r: r.review_us).show()} µs"),
        ("reviews an event", f"{first.reviews / first.events:.2f}"),
        ("CPU an event in all", f"{total.show()} µs, {1e6 / total.median:,.0f} events a second in one process"),
        ("packed record, outboxes committed", f"{first.record_bytes:,.0f} bytes a customer"),
        ("process", f"{over(runs, lambda r: r.resident_bytes).show(0)} bytes a customer"),
        ("alert revisions", f"{first.revisions:,}"),
    ]
    return [
        "## The engine alone",
        ABOUT_ENGINE.format(events=first.events, customers=first.customers),
        _table(("", ""), rows),
        _told(part.conditions),
    ]


def _systems(results: Results) -> list[str]:
    rows, plain = [], results.plain
    base = over(plain.runs, lambda run: run.seconds).median / plain.events if plain and results.is_race else None
    for name, part in (("plain loop", results.plain), ("churn-signals worker", results.product)):
        if part is None:
            continue
        events, runs = part.events, part.runs
        pace = over(runs, lambda run: run.seconds).median / events
        rows.append(
            (
                name,
                over(runs, lambda run, events=events: events / run.seconds).show(0),  # type: ignore[misc] # bound for this turn
                "" if base is None else f"{base / pace:.2f}",
                over(runs, lambda run, events=events: run.cpu_s / events * 1e5).show(2),  # type: ignore[misc] # as above
                over(runs, lambda run: run.resident_bytes / MB).show(0),
                over(runs, lambda run: run.peak_bytes / MB).show(0),
                str(max(part.alerts, key=lambda alerts: alerts.size)),
            )
        )
    taken = [part for part in (results.plain, results.product) if part is not None]
    first = taken[-1]
    heads = ("system", "events/s", "x plain", "CPU-s per 100k", "RSS MB", "peak MB", "alert revisions (worst round)")
    return [
        "## The worker against a plain loop",
        ABOUT_SYSTEMS.format(events=first.events, customers=first.customers),
        _table(heads, rows),
        *dict.fromkeys(_told(part.conditions) for part in taken),
    ]


def _restart(part: RestartPart) -> list[str]:
    runs, customers = part.runs, part.customers
    grown = over(runs, lambda run: (run.after_bytes - run.before_bytes) / customers)
    rows = [
        ("restored, ready", f"{over(runs, lambda r: r.restored_s).show()} s"),
        ("first event processed", f"{over(runs, lambda r: r.first_event_s).show()} s"),
        ("memory before the restore", f"{over(runs, lambda r: r.before_bytes / MB).show(0)} MB"),
        ("memory after the first event", f"{over(runs, lambda r: r.after_bytes / MB).show(0)} MB"),
        ("most memory", f"{over(runs, lambda r: r.peak_bytes / MB).show(0)} MB"),
        ("grown by", f"{grown.show(0)} bytes a customer"),
    ]
    return [
        f"## Restart with {customers:,} customers",
        ABOUT_RESTART.format(bytes=part.record_bytes),
        _table(("", ""), rows),
        _told(part.conditions),
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def _told(given: Conditions) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in given.versions.items())
    load = " ".join(f"{value:.1f}" for value in given.load_average)
    return (
        f"Taken {given.date} on {given.machine}; Python {given.python}, {versions}; load average at the start {load}."
    )
