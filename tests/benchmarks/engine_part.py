"""The engine alone, with and without the model's snapshots; its alerts are the truth of the other parts."""

from __future__ import annotations

from benchmarks.results import EnginePart, conditions
from benchmarks.work import CATALOGUES, Bench


def run_engine(bench: Bench) -> bool:
    """Measure both catalogues in turn."""
    sizes = bench.sizes
    part = EnginePart(conditions(), [], [])
    for number in range(sizes.rounds):
        for catalogue in CATALOGUES:
            with bench.step(f"engine alone, {catalogue}, {number + 1} of {sizes.rounds}"):
                run = bench.run_engine(sizes.customers, catalogue)
            (part.rules if catalogue == "rules" else part.model).append(run)
            bench.tell(f"engine ({catalogue}): {run.event_us:.1f} µs an event, {run.review_us:.1f} µs a review")
    bench.results.engine = part
    bench.save()
    return True
