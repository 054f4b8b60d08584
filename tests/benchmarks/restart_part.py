"""Starts of a worker with many customers, with the rules alone and with the model; then a midnight for all."""

from __future__ import annotations

import shutil

import msgspec

from benchmarks.companies import Company, fill, make_company
from benchmarks.days import day_of_events
from benchmarks.midnight import MidnightRun
from benchmarks.restart import DayRun, RestartRun, run_restart
from benchmarks.results import RestartPart, conditions
from benchmarks.work import CATALOGUES, Bench, Catalogue, post_all, run_module
from streams.files.history import HistoryEvent


def run_restarts(bench: Bench) -> bool:
    """Measure both catalogues."""
    customers = bench.sizes.restart_customers
    with bench.step(f"making a day of events of {customers:,} customers"):
        events = day_of_events([f"customer-{number:07}" for number in range(customers)])
    for catalogue in CATALOGUES:
        part = _restarts(bench, catalogue, events)
        if catalogue == "rules":
            bench.results.restart = part
        else:
            bench.results.restart_model = part
        bench.save()
    return True


def _restarts(bench: Bench, catalogue: Catalogue, events: list[HistoryEvent]) -> RestartPart:
    """A company made once, a worker started on it once a round."""
    sizes, given = bench.sizes, conditions()
    truth = bench.truth(sizes.customers, catalogue)
    with bench.step(f"making {sizes.restart_customers:,} customers ({catalogue})"):
        rules = bench.rules(catalogue)
        company = make_company(truth.snapshots, rules, sizes.restart_customers, bench.folder / f"company-{catalogue}")
    alone = _midnights(bench, company) if catalogue == "model" else []
    runs, day = [], None
    for number in range(sizes.rounds):
        is_last = catalogue == "model" and number + 1 == sizes.rounds
        run, day = _restart(bench, catalogue, company, events, with_day=is_last, number=number)
        runs.append(run)
    if day is not None:
        slowest = f"slowest alert meanwhile {day.latency.most_ms:.0f} ms"
        bench.tell(f"a midnight: {day.judged:,} judged in {day.seconds:.1f} s, {day.cpu_s:.1f} s CPU, {slowest}")
    shutil.rmtree(company.folder)
    return RestartPart(
        conditions=given,
        customers=company.customers,
        events=len(events),
        snapshot_bytes=company.snapshot_bytes,
        packed_bytes=company.packed_bytes,
        runs=runs,
        alone=alone,
        day=day,
    )


def _restart(
    bench: Bench, catalogue: Catalogue, company: Company, events: list[HistoryEvent], *, with_day: bool, number: int
) -> tuple[RestartRun, DayRun | None]:
    """One start, on topics of its own: what a worker writes must not be there at the next."""
    text = f"restart with {company.customers:,} customers ({catalogue}), {number + 1} of {bench.sizes.rounds}"
    with bench.step(text), bench.deployed(catalogue) as deployment:
        fill(deployment, company, bench.rules(catalogue))
        post_all(deployment, events)
        run, day = run_restart(deployment, len(events), with_day=with_day)
    bench.tell(
        f"restart ({catalogue}): ready in {run.restored_s:.1f} s, first event at {run.first_event_s:.1f} s, "
        f"{len(events):,} read again at {run.reread_s:.1f} s"
    )
    return run, day


def _midnights(bench: Bench, company: Company) -> list[MidnightRun]:
    """The midnight without Kafka, once a round."""
    runs = []
    for number in range(bench.sizes.rounds):
        with bench.step(f"a midnight of {company.customers:,} customers, {number + 1} of {bench.sizes.rounds}"):
            settings = {"partitions": str(bench.sizes.partitions), "catalogue": bench.catalogue("model")}
            told = run_module("midnight", str(company.folder), **settings)
        run = msgspec.json.decode(told, type=MidnightRun)
        runs.append(run)
        bench.tell(f"a midnight alone: {run.cpu_s:.2f} s CPU, longest step {run.longest_ms.most:.0f} ms")
    return runs
