"""Does the cost of an event, or of a midnight, grow with the company? Events and customers grown together."""

from __future__ import annotations

import os

import msgspec

from benchmarks.engine_alone import EngineRun
from benchmarks.load import make_load, write_load
from benchmarks.results import GrowthPart, conditions
from benchmarks.work import Bench, run_module


def run_growth(bench: Bench) -> bool:
    """Measure the engine alone, with the default catalogue, on each size."""
    sizes = bench.sizes
    part = GrowthPart(conditions(), sizes.growth_events, sizes.growth_days, [])
    bench.results.growth = part
    for customers in sizes.growth:
        run = _run(bench, customers)
        part.runs.append(run)
        told = f"{run.between_us:.1f} µs an event, {run.judged_us:.2f} µs a customer at a midnight"
        bench.tell(f"{customers:,} customers: {told}")
        bench.save()
    return True


def _run(bench: Bench, customers: int) -> EngineRun:
    sizes = bench.sizes
    path = bench.folder / "growth.tsv"
    with bench.step(f"making the load of {customers:,} customers"):
        events = make_load(customers, sizes.seed, events_each=sizes.growth_events, span_days=sizes.growth_days)
        write_load(events, path)
        del events  # gigabytes, and the engine needs the memory
    settings = {"partitions": str(sizes.partitions), "catalogue": bench.catalogue("model")}
    with bench.step(f"engine alone, {customers:,} customers"):
        told = run_module("engine_alone", str(path), os.devnull, **settings)
    path.unlink()
    return msgspec.json.decode(told, type=EngineRun)
