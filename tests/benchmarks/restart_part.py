"""Starts of a worker with many customers, with the rules alone and with the model; then a midnight for all."""

from __future__ import annotations

from benchmarks.restart import Templates, fill, run_restart
from benchmarks.results import RestartPart, conditions
from benchmarks.work import CATALOGUES, Bench, Catalogue


def run_restarts(bench: Bench) -> bool:
    """Measure both catalogues."""
    for catalogue in CATALOGUES:
        part = _restarts(bench, catalogue)
        if catalogue == "rules":
            bench.results.restart = part
        else:
            bench.results.restart_model = part
        bench.save()
    return True


def _restarts(bench: Bench, catalogue: Catalogue) -> RestartPart:
    """Fill a changelog once, start a worker on it once a round."""
    sizes = bench.sizes
    customers, runs, day = sizes.restart_customers, [], None
    templates = Templates(bench.truth(sizes.customers, catalogue).records)
    given = conditions()
    with bench.deployed(catalogue) as deployment:
        fill(deployment, templates, customers, bench.track)
        for number in range(sizes.rounds):
            with_day = catalogue == "model" and number + 1 == sizes.rounds
            with bench.step(f"restart with {customers:,} customers ({catalogue}), {number + 1} of {sizes.rounds}"):
                run, day = run_restart(deployment, templates, number, with_day=with_day)
            runs.append(run)
            bench.tell(
                f"restart ({catalogue}): ready in {run.restored_s:.1f} s, first event at {run.first_event_s:.1f} s"
            )
    if day is not None:
        slowest = f"slowest alert meanwhile {day.latency.most_ms:.0f} ms"
        bench.tell(f"a day: {day.reviews:,} reviews in {day.seconds:.1f} s, {slowest}")
    return RestartPart(given, customers, templates.mean_bytes(), runs, day)
