"""A backlog to know the peak, half of it as a stream to time alerts, then a stop and how it is made up for."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Final

from benchmarks.clocks import post_everywhere
from benchmarks.load import DAY_MS, DAYS, START_MS
from benchmarks.measuring import Page
from benchmarks.product import is_worked_off, patient, running, until, work_off
from benchmarks.results import SteadyPart, conditions
from benchmarks.steady import Stream, catch_up, time_alerts, usual_lag
from benchmarks.work import Bench, post_all
from support.workers import Deployment, Positions, Worker

NOON_MS: Final = START_MS + DAYS * DAY_MS + DAY_MS // 2
"""After the history: far from midnights, and from the first hour of a day, in which announcements may wait."""


def run_steady(bench: Bench) -> bool:
    """Measure latency and catching up on the default catalogue."""
    sizes, given = bench.sizes, conditions()
    with bench.deployed("model") as deployment, ExitStack() as stack:
        positions = Positions(deployment)
        with running(patient(deployment)) as (worker, page):
            until([worker], lambda: page.is_well("/readyz"))
            with bench.step("a backlog, for the peak"):
                peak = _peak(bench, deployment, worker, page)
            rate = peak / 2
            stream = Stream(deployment, sizes.steady_customers, per_second=rate, start_ms=NOON_MS)
            stack.enter_context(stream)
            with bench.step(f"timing alerts under {rate:,.0f} events/s"):
                latency = time_alerts(deployment, stream, sizes.steady_s, rate)
                lag = usual_lag(positions)
            bench.tell(f"alerts: p50 {latency.p50_ms:.0f} ms, p99 {latency.p99_ms:.0f} ms under {rate:,.0f} events/s")
            stopped_at = time.monotonic()
        with bench.step(f"stopped for {sizes.stop_s} s, then catching up"):
            caught = catch_up(deployment, lag, stopped_at, sizes.stop_s)
        bench.tell(f"a stop of {caught.stopped_s:.0f} s was made up for in {caught.seconds:.1f} s")
    bench.results.steady = SteadyPart(given, sizes.steady_customers, peak, latency, caught)
    bench.save()
    return latency.announced == latency.probes


def _peak(bench: Bench, deployment: Deployment, worker: Worker, page: Page) -> float:
    """Work off the history, events a second, and come to noon of the day after it."""
    events, positions = bench.load(bench.sizes.steady_customers), Positions(deployment)
    begun, done = work_off([worker], [page], positions, lambda: post_all(deployment, events), len(events))
    wanted = len(events) + post_everywhere(deployment, NOON_MS, "noon")
    until([worker], lambda: is_worked_off([page], positions, wanted), each_s=0.1)
    return len(events) / (done.at - begun.at)
