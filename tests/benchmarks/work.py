"""What all parts of a run share: sizes, loads with their truth, a broker, results, and where to tell of progress."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from rich.progress import Progress

from benchmarks.engine_alone import EngineRun
from benchmarks.load import make_load, write_load
from benchmarks.product import deployed
from benchmarks.results import Difference, Results
from models.catalogue.rules import Rules
from schemas.alert import decode_alert
from streams.cli.produce import post
from streams.files.catalogue_file import load_rules
from streams.files.history import HistoryEvent
from streams.settings import Settings, load_settings
from support.broker import Broker, open_broker
from support.program import ROOT, environment
from support.reading import read_topic
from support.workers import Deployment

Catalogue = Literal["rules", "model"]
CATALOGUES: Final[dict[Catalogue, str]] = {"rules": "base: default\nmodel: off\n", "model": "base: default\n"}
"""The rules alone, and the catalogue of the product as it is: with the model's weekly snapshots."""

Identity = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything; each is an option of the command."""

    customers: int
    peer_customers: int
    steady_customers: int
    restart_customers: int
    replay_customers: int
    replay_days: int
    small_customers: int
    growth: tuple[int, ...]
    growth_events: int
    growth_days: int
    steady_s: int
    stop_s: int
    rounds: int
    peer_rounds: int
    partitions: int
    seed: int


class Truth(NamedTuple):
    """A load and what replay makes of it."""

    events: list[HistoryEvent]
    expected: dict[Identity, bytes]
    snapshots: Path
    """The partitions as of the midnight behind it."""


@dataclass
class Bench:
    """One run of the benchmarks."""

    folder: Path
    sizes: Sizes
    results: Results
    progress: Progress
    save: Callable[[], None]
    """To be called when a part has its figures, so that none is lost when a later one fails."""
    stack: ExitStack
    running: Broker | None = None
    """A broker that is there already."""
    _loads: dict[int, list[HistoryEvent]] = field(default_factory=dict)
    _truths: dict[tuple[int, Catalogue], Truth] = field(default_factory=dict)

    @cached_property
    def broker(self) -> Broker:
        """Started when first asked for, ended with the run."""
        if self.running is not None:
            return self.running
        with self.step("starting a broker"):
            return self.stack.enter_context(open_broker())

    def tell(self, text: str) -> None:
        """A line above the bars."""
        self.progress.console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Something that takes a while."""
        task = self.progress.add_task(text, total=None)
        try:
            yield
        finally:
            self.progress.remove_task(task)

    def catalogue(self, name: Catalogue) -> str:
        """The file of a catalogue, as CHURN_CATALOGUE wants it."""
        path = self.folder / f"{name}.yaml"
        path.write_text(CATALOGUES[name])
        return str(path)

    def rules(self, name: Catalogue) -> Rules:
        """The same, compiled."""
        return load_rules(Settings(catalogue=Path(self.catalogue(name))))

    def load(self, customers: int) -> list[HistoryEvent]:
        """The load of so many customers, made once."""
        if customers not in self._loads:
            with self.step(f"making the load of {customers:,} customers"):
                self._loads[customers] = make_load(customers, self.sizes.seed)
                write_load(self._loads[customers], self._file(customers))
        return self._loads[customers]

    def run_engine(self, customers: int, catalogue: Catalogue) -> EngineRun:
        """The engine alone over a load, in a process of its own; its alerts are the truth from then on."""
        events = self.load(customers)
        alerts, snapshots = (self.folder / f"{customers}-{catalogue}.{kind}" for kind in ("jsonl", "msgpack"))
        settings = {"partitions": str(self.sizes.partitions), "catalogue": self.catalogue(catalogue)}
        told = run_module("engine_alone", str(self._file(customers)), str(alerts), str(snapshots), **settings)
        expected = dict(map(_identified, alerts.read_bytes().splitlines()))
        self._truths[customers, catalogue] = Truth(events, expected, snapshots)
        return msgspec.json.decode(told, type=EngineRun)

    def truth(self, customers: int, catalogue: Catalogue) -> Truth:
        """A load and what replay makes of it, found once."""
        if (customers, catalogue) not in self._truths:
            with self.step(f"replaying {customers:,} customers"):
                self.run_engine(customers, catalogue)
        return self._truths[customers, catalogue]

    @contextmanager
    def deployed(self, catalogue: Catalogue) -> Iterator[Deployment]:
        """Topics of their own for one run, and settings that name a catalogue."""
        settings = {"catalogue": self.catalogue(catalogue)}
        with deployed(self.broker, self.folder, self.sizes.partitions, **settings) as deployment:
            yield deployment

    def _file(self, customers: int) -> Path:
        return self.folder / f"load-{customers}.tsv"


def run_module(name: str, *arguments: str, python: str = sys.executable, **settings: str) -> bytes:
    """Run one of our modules in a process of its own; what it printed. `settings`: CHURN_* for it."""
    command = [python, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=surroundings(settings), stdout=subprocess.PIPE, check=True).stdout


def surroundings(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that runs one of our modules, whatever Python it is: nothing is installed there."""
    return environment(settings) | {"PYTHONPATH": ":".join(str(ROOT / folder) for folder in ("", "tests", "deploy"))}


def post_all(deployment: Deployment, events: list[HistoryEvent]) -> None:
    """Post a backlog as `churn-signals produce` does."""
    variables = environment(deployment.settings)
    post(load_settings({name: value for name, value in variables.items() if name.startswith("CHURN_")}), events)


def compare(deployment: Deployment, expected: dict[Identity, bytes]) -> Difference:
    """What is on the alerts topic against what replay says."""
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


def _identified(value: bytes) -> tuple[Identity, bytes]:
    alert = decode_alert(value)
    return (alert.alert_id, alert.revision), value
