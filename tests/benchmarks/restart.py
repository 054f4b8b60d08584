"""A start of the worker that has many customers and a day of events to read again; then a midnight for all of them."""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct

from benchmarks.clocks import post_everywhere
from benchmarks.engine_alone import END_MS
from benchmarks.load import DAY_MS
from benchmarks.measuring import Page, cpu_seconds, resident_bytes
from benchmarks.product import Look, is_worked_off, running, until
from benchmarks.steady import WARM_UP_S, LatencyRun, Stream, arriving, compare_times
from models.config import HOUR_MS
from support.workers import Deployment, Positions, Worker

PROBES_PER_S: Final = 20.0
"""Events that are announced at once, posted while a midnight goes on."""

SAVED: Final = " saved as of epoch "
"""What the worker logs when a snapshot is written."""


class RestartRun(Struct, frozen=True):
    """One start; seconds since the process was started. Bytes are resident: before the restore, and once all was read.

    `reread_s`: all events since the snapshot read again and committed.
    """

    restored_s: float
    first_event_s: float
    reread_s: float
    before_bytes: int
    after_bytes: int
    peak_bytes: int


class DayRun(Struct, frozen=True):
    """One midnight that passes for all customers, and how long alerts took that were announced meanwhile.

    `cpu_s` and `seconds`: until everybody was judged; `saved_…`: until snapshots of all partitions were written too.
    CPU is of the whole process, the events that are timed included. `peak_bytes`: the most it ever had resident.
    """

    judged: int
    seconds: float
    cpu_s: float
    saved_seconds: float
    saved_cpu_s: float
    latency: LatencyRun
    peak_bytes: int


def run_restart(deployment: Deployment, events: int, *, with_day: bool) -> tuple[RestartRun, DayRun | None]:
    """Start the worker; so many events wait that its snapshots do not have."""
    positions = Positions(deployment)
    begun = time.monotonic()
    with running(deployment) as (worker, page):
        pid = worker.process.pid
        until([worker], lambda: page.is_well("/livez"))
        before = resident_bytes(pid)
        _, restored = until([worker], lambda: page.is_well("/readyz"))
        _, first = until([worker], lambda: page.total("churn_events_total") > 0)
        _, reread = until([worker], lambda: is_worked_off([page], positions, events), each_s=0.1)
        after, peak = resident_bytes(pid), resident_bytes(pid, "VmHWM")
        day = _pass_a_day(deployment, worker, page) if with_day else None
    run = RestartRun(restored.at - begun, first.at - begun, reread.at - begun, before, after, peak)
    return run, day


def _pass_a_day(deployment: Deployment, worker: Worker, page: Page) -> DayRun:
    """Let an event of every feed in every partition say that the next day has come; wait until all are judged."""
    judged, saved = page.total("churn_reviews_total"), worker.log().count(SAVED)
    midnight_ms = END_MS + DAY_MS
    next_ms = midnight_ms + HOUR_MS + 1  # the bound on disorder later, it is passed
    stream = Stream(deployment, 1, per_second=PROBES_PER_S, start_ms=next_ms + 1, probe_every=1)
    with arriving(deployment) as arrived:
        time.sleep(WARM_UP_S)
        begun = Look(time.monotonic(), cpu_seconds(worker.process.pid))
        post_everywhere(deployment, next_ms, "midnight")
        with stream:
            _, done = until(
                [worker], lambda: page.total("churn_boundary_timestamp_seconds") * 1000 >= midnight_ms, each_s=0.1
            )
            _, kept = until([worker], lambda: worker.log().count(SAVED) - saved >= deployment.partitions, each_s=0.1)
        latency = compare_times(stream, arrived, begun.at, kept.at, PROBES_PER_S)
    return DayRun(
        judged=int(page.total("churn_reviews_total") - judged),
        seconds=done.at - begun.at,
        cpu_s=done.cpu_s - begun.cpu_s,
        saved_seconds=kept.at - begun.at,
        saved_cpu_s=kept.cpu_s - begun.cpu_s,
        latency=latency,
        peak_bytes=resident_bytes(worker.process.pid, "VmHWM"),
    )
