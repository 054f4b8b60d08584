"""Measures the engine alone, the worker against a plain loop, and a restart; writes Markdown and JSON.

Run by `make bench`; options in `make bench ARGS='--quick --only engine'`. Exit code 1 when the worker's alerts differ
from the oracle's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.engine_alone import EngineRun
from benchmarks.load import make_load, write_load
from benchmarks.plain_loop import SystemRun
from benchmarks.product import deployed, run_product
from benchmarks.report import Difference, EnginePart, RestartPart, SystemPart, conditions, load_results, write_results
from benchmarks.restart import Templates, fill, run_restart
from schemas.alert import decode_alert
from streams.cli.produce import post
from streams.history import HistoryEvent
from streams.settings import load_settings
from support.broker import Broker, open_broker
from support.program import ROOT, environment
from support.reading import read_topic
from support.workers import Deployment

RESULTS: Final = ROOT / "tests/benchmarks/results/bench.json"
QUICK_RESULTS: Final = ROOT / ".run/bench/quick.json"
"""A quick run only shows that everything works: it must not pass for a measurement."""

PARTS: Final = ("engine", "plain", "product", "restart")

Identity = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts share: the load, its truth, and where to tell of progress."""

    folder: Path
    partitions: int
    rounds: int
    progress: Progress

    @property
    def load(self) -> Path:
        return self.folder / "load.tsv"

    @property
    def alerts(self) -> Path:
        return self.folder / "alerts.jsonl"

    @property
    def records(self) -> Path:
        return self.folder / "records.msgpack"

    def tell(self, text: str) -> None:
        """A line above the bars."""
        self.progress.console.print(text, highlight=False)

    def track(self, numbers: Iterable[int]) -> Iterable[int]:
        """A bar for a long loop."""
        return self.progress.track(numbers, description="filling the changelog")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Something that takes a while."""
        task = self.progress.add_task(text, total=None)
        try:
            yield
        finally:
            self.progress.remove_task(task)


def run_engine(bench: Bench, rounds: int) -> EnginePart:
    """The engine alone; leaves the alerts and the records it made for the other parts."""
    given, runs = conditions(), []
    for number in range(rounds):
        with bench.step(f"engine alone, {number + 1} of {rounds}"):
            more = (str(bench.load), str(bench.partitions), str(bench.alerts), str(bench.records))
            runs.append(msgspec.json.decode(_module("engine_alone", *more), type=EngineRun))
        bench.tell(f"engine: {runs[-1].event_us:.1f} µs an event, {runs[-1].review_us:.1f} µs a review")
    return EnginePart(given, runs)


def run_systems(
    bench: Bench, broker: Broker, events: list[HistoryEvent], customers: int, wanted: list[str]
) -> dict[str, SystemPart]:
    """Plain loop and product in turn, each round on topics of its own."""
    given = conditions()
    expected = dict(map(_identified, bench.alerts.read_bytes().splitlines()))
    parts = {name: SystemPart(given, len(events), customers, [], []) for name in wanted}
    for number in range(bench.rounds):
        for name in wanted if number % 2 == 0 else reversed(wanted):
            with (
                bench.step(f"{name}, round {number + 1} of {bench.rounds}"),
                deployed(broker, bench.folder, bench.partitions) as deployment,
            ):
                post(load_settings(environment_of(deployment)), events)
                run = _systems[name](deployment, len(events))
                alerts = compare(deployment, expected)
            parts[name].runs.append(run)
            parts[name].alerts.append(alerts)
            bench.tell(f"{name}: {len(events) / run.seconds:,.0f} events/s, {run.cpu_s:.1f} s CPU; alerts: {alerts}")
    return parts


def environment_of(deployment: Deployment) -> dict[str, str]:
    """The settings of a deployment as a process would find them."""
    return {name: value for name, value in environment(deployment.settings).items() if name.startswith("CHURN_")}


def run_plain(deployment: Deployment, events: int) -> SystemRun:
    """The plain loop in its own process."""
    place = (deployment.broker.bootstrap, deployment.prefix, str(deployment.partitions))
    return msgspec.json.decode(_module("plain_loop", *place, str(events)), type=SystemRun)


_systems: Final[dict[str, Callable[[Deployment, int], SystemRun]]] = {"plain": run_plain, "product": run_product}


def compare(deployment: Deployment, expected: dict[Identity, bytes]) -> Difference:
    """What is on the alerts topic against what the oracle says."""
    messages = read_topic(deployment.broker.bootstrap, deployment.topics.alerts)
    found = dict(_identified(message.value() or b"") for message in messages)
    both = expected.keys() & found.keys()
    return Difference(
        expected=len(expected),
        found=len(found),
        missing=len(expected) - len(both),
        unknown=len(found) - len(both),
        other=sum(expected[name] != found[name] for name in both),
    )


def run_restarts(bench: Bench, broker: Broker, customers: int) -> RestartPart:
    """Fill a changelog once, start a worker on it once a round."""
    given, runs, templates = conditions(), [], Templates(bench.records)
    with deployed(broker, bench.folder, bench.partitions) as deployment:
        fill(deployment, templates, customers, bench.track)
        for number in range(bench.rounds):
            with bench.step(f"restart with {customers:,} customers, {number + 1} of {bench.rounds}"):
                runs.append(run_restart(deployment, templates, number))
            bench.tell(f"restart: ready in {runs[-1].restored_s:.1f} s, first event at {runs[-1].first_event_s:.1f} s")
    return RestartPart(given, customers, templates.mean_bytes(), runs)


def _module(name: str, *arguments: str) -> bytes:
    """Run one of our modules in a process of its own; what it printed."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment({}), stdout=subprocess.PIPE, check=True).stdout


def _identified(value: bytes) -> tuple[Identity, bytes]:
    alert = decode_alert(value)
    return (alert.alert_id, alert.revision), value


def arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000, help="of the load, 20 events each")
    parser.add_argument("--restart-customers", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=PARTS, help="one part; the other figures stay as they are")
    parser.add_argument("--quick", action="store_true", help="2,000 customers, restart with 20,000, one round")
    given = parser.parse_args()
    if given.quick:
        given.customers, given.restart_customers, given.rounds = 2_000, 20_000, 1
    return given


def main() -> int:
    """Measure what was asked for; 1 when the product's alerts are not the oracle's."""
    given = arguments()
    wanted = [part for part in PARTS if given.only in (None, part)]
    path = QUICK_RESULTS if given.quick else RESULTS
    results = load_results(path, given.partitions)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console()) as progress, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(Path(folder), given.partitions, given.rounds, progress)
        with bench.step("making the load"):
            events = make_load(given.customers, given.seed)
            write_load(events, bench.load)
        engine = run_engine(bench, given.rounds if "engine" in wanted else 1)
        if "engine" in wanted:
            results.engine = engine
        if wanted != ["engine"]:
            with open_broker() as broker:
                systems = [name for name in wanted if name in _systems]
                for name, part in run_systems(bench, broker, events, given.customers, systems).items():
                    setattr(results, name, part)
                if systems:
                    results.is_race = len(systems) == len(_systems)
                if "restart" in wanted:
                    results.restart = run_restarts(bench, broker, given.restart_customers)
        write_results(results, path)
    print(f"{path.with_suffix('.md').relative_to(ROOT)} and {path.name} beside it")
    compared = results.product.alerts if results.product is not None and "product" in wanted else []
    return 1 if any(alerts.size for alerts in compared) else 0


if __name__ == "__main__":
    sys.exit(main())
