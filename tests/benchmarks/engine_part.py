"""The engine alone, with and without the model, with many customers and few; its alerts are the others' truth."""

from __future__ import annotations

from benchmarks.results import EnginePart, conditions
from benchmarks.work import CATALOGUES, Bench


def run_engine(bench: Bench) -> bool:
    """Measure both catalogues in turn, and the small base."""
    sizes = bench.sizes
    part = EnginePart(conditions(), [], [], [])
    for number in range(sizes.rounds):
        for catalogue in CATALOGUES:
            with bench.step(f"engine alone, {catalogue}, {number + 1} of {sizes.rounds}"):
                run = bench.run_engine(sizes.customers, catalogue)
            (part.rules if catalogue == "rules" else part.model).append(run)
            bench.tell(
                f"engine ({catalogue}): {run.event_us:.1f} µs an event all in, {run.judged_us:.2f} µs a customer at a "
                "midnight"
            )
        with bench.step(f"engine alone, few customers, {number + 1} of {sizes.rounds}"):
            small = bench.run_engine(sizes.small_customers * sizes.partitions, "model")
        part.small.append(small)
        bench.tell(f"engine, {sizes.small_customers} customers a partition: {small.midnight_ms:.2f} ms a midnight")
    bench.results.engine = part
    bench.save()
    return True
