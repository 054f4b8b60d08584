"""Measures the engine, workers beside a plain loop and other systems, latency, growth, restarts and replays.

Writes Markdown, JSON, a plot, and `deploy/handbook/sizing.md`. Run by `make bench`; options in
`make bench ARGS='--quick --only engine'`. Exit code 1 when the worker's alerts differ from those of replay.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.engine_part import run_engine
from benchmarks.growth_part import run_growth
from benchmarks.peers_part import run_peers
from benchmarks.plot import write_plot
from benchmarks.race import run_race
from benchmarks.replay_part import run_replays
from benchmarks.report import write_report
from benchmarks.restart_part import run_restarts
from benchmarks.results import load_results, save_results
from benchmarks.sizing import write_sizing
from benchmarks.steady_part import run_steady
from benchmarks.work import Bench, Sizes
from support.program import ROOT

RESULTS: Final = ROOT / "tests/benchmarks/results/bench.json"
QUICK_RESULTS: Final = ROOT / ".run/bench/quick.json"
"""A quick run only shows that everything works: it must not pass for a measurement."""

PARTS: Final[dict[str, Callable[[Bench], bool]]] = {
    "engine": run_engine,
    "race": run_race,
    "peers": run_peers,
    "steady": run_steady,
    "growth": run_growth,
    "restart": run_restarts,
    "replay": run_replays,
}
"""Each stores its figures and says whether all alerts of the product were right."""

USUAL: Final = Sizes(
    customers=50_000,
    peer_customers=5_000,
    steady_customers=20_000,
    restart_customers=1_000_000,
    replay_customers=20_000,
    replay_days=365,
    small_customers=500,
    growth=(10_000, 100_000, 1_000_000),
    growth_events=2,
    growth_days=6,
    steady_s=30,
    stop_s=60,
    rounds=3,
    peer_rounds=1,
    partitions=4,
    seed=1,
)
QUICK: Final = Sizes(
    customers=500,
    peer_customers=50,
    steady_customers=500,
    restart_customers=20_000,
    replay_customers=200,
    replay_days=90,
    small_customers=50,
    growth=(100, 1_000, 10_000),
    growth_events=2,
    growth_days=6,
    steady_s=10,
    stop_s=8,
    rounds=1,
    peer_rounds=1,
    partitions=4,
    seed=1,
)


def arguments() -> argparse.Namespace:
    """The options: sizes, each with its default, and which parts to run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for size in fields(Sizes):
        usual, quick = getattr(USUAL, size.name), getattr(QUICK, size.name)
        parse = _numbers if isinstance(usual, tuple) else int
        told = f"usually {_told(usual)}; with --quick {_told(quick)}"
        parser.add_argument(f"--{size.name.replace('_', '-')}", type=parse, help=told)
    parser.add_argument("--only", choices=PARTS, help="one part; the other figures stay as they are")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all works; in .run/bench")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _told(size: int | tuple[int, ...]) -> str:
    return ",".join(map(str, size)) if isinstance(size, tuple) else str(size)


def sizes_of(given: argparse.Namespace) -> Sizes:
    """The sizes asked for, the others as they are by default."""
    base = QUICK if given.quick else USUAL
    asked = {size.name: getattr(given, size.name) for size in fields(Sizes)}
    return Sizes(**{name: getattr(base, name) if value is None else value for name, value in asked.items()})


def main() -> int:
    """Measure what was asked for; 1 when the product's alerts are not those of replay."""
    given = arguments()
    sizes = sizes_of(given)
    path = QUICK_RESULTS if given.quick else RESULTS
    results = load_results(path, sizes.partitions)

    def save() -> None:
        save_results(results, path)
        write_report(results, path, write_plot(results, path))
        if path == RESULTS:
            write_sizing(results)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    are_right = True
    with (
        Progress(*columns, console=Console()) as progress,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        ExitStack() as stack,
    ):
        bench = Bench(Path(folder), sizes, results, progress, save, stack)
        for name, run in PARTS.items():
            if given.only in (None, name):
                begun = monotonic()
                are_right &= run(bench)
                bench.tell(f"{name}: took {monotonic() - begun:.0f} s")
    print(f"{path.with_suffix('.md').relative_to(ROOT)}, figures and plot beside it")
    return 0 if are_right else 1


if __name__ == "__main__":
    sys.exit(main())
