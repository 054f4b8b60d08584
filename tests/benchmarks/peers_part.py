"""Other systems that call the same engine, each in an environment of its own, on a smaller load."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.measuring import SystemRun
from benchmarks.peers.environments import PeerError, last_line, python_of
from benchmarks.race import ONE, PLAIN, System, race
from benchmarks.work import Bench, post_all, surroundings
from streams.files.history import HistoryEvent
from support.broker import delete_topics
from support.workers import Deployment

GIVE_UP_S: Final = 300


def run_peer(module: str, requirements: str, deployment: Deployment, events: list[HistoryEvent]) -> SystemRun:
    """Run a peer's program over a backlog until it stops its clock. Raises PeerError."""
    python = python_of(requirements)
    post_all(deployment, events)
    figures = deployment.folder / f"{deployment.prefix}.json"
    log = figures.with_suffix(".log")
    command = [str(python), "-m", f"benchmarks.peers.{module}", str(len(events)), str(figures)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=deployment.folder,
            env=surroundings(deployment.settings),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        process.wait(GIVE_UP_S)
    except subprocess.TimeoutExpired:
        if not figures.exists():
            raise PeerError(f"not done within {GIVE_UP_S} s: {_end_of(log)}") from None
    finally:
        process.kill()
        process.wait()
        delete_topics(deployment.broker, f"changelog__{deployment.prefix}")  # named so by Quix
    if not figures.exists():
        raise PeerError(f"left with {process.returncode}: {_end_of(log)}")
    return msgspec.json.decode(figures.read_bytes(), type=SystemRun)


def _end_of(log: Path) -> str:
    return last_line(log.read_text(errors="replace"))


def _by(module: str, requirements: str) -> Callable[[Deployment, list[HistoryEvent]], SystemRun]:
    return partial(run_peer, module, requirements)


PEERS: Final = (
    System(
        "Faust 0.15.3, as documented",
        "a snapshot each 10 s in its table's log; commits on a timer",
        _by("faust_documented", "faust"),
    ),
    System(
        "Faust 0.15.3, tuned",
        "a snapshot each 10 s in its table's log; commits on a timer",
        _by("faust_tuned", "faust"),
    ),
    System("Quix Streams 3.28.1", "outputs, then commits on a timer", _by("quix", "quix")),
    System("Bytewax 0.21.1", "a snapshot each 10 s", _by("bytewax_flow", "bytewax")),
    System("Pathway 0.33.0", "nothing", _by("pathway_graph", "pathway")),
)


def run_peers(bench: Bench) -> bool:
    """Measure all that can be installed. What alerts they send is no fault of ours; what the worker sends is."""
    sizes = bench.sizes
    for name in ("faust", "quix", "bytewax", "pathway"):
        with bench.step(f"environment of {name} in .cache/bench"):
            _prepare(bench, name)
    bench.results.peers = race(bench, (PLAIN, ONE, *PEERS), sizes.peer_customers, sizes.peer_rounds)
    bench.save()
    ours = bench.results.peers.find(ONE.name)
    return ours is not None and ours.is_right


def _prepare(bench: Bench, name: str) -> None:
    """Install before the race, so that nobody runs beside an installation."""
    try:
        python_of(name)
    except PeerError as error:
        bench.tell(f"{name}: {error}")
