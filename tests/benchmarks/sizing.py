"""What a deployment needs, worked out from what was measured: the page `deploy/handbook/sizing.md`."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, StrictUndefined

from benchmarks.load import DAYS, EVENTS_EACH
from benchmarks.race import WITH_MODEL
from benchmarks.results import Results, over
from support.program import ROOT

PAGE: Final = ROOT / "deploy/handbook/sizing.md"

CUSTOMERS: Final = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
EVENTS_A_DAY: Final = EVENTS_EACH / DAYS
"""Of a customer, as in the load that was measured."""

PEAK: Final = 5
"""The busiest second against the mean of the day."""

BUSY_SHARE: Final = 0.5
"""How much of a core events may take in the busiest second. The rest is for catching up after a stop, and because the
frames of a quiet hour are smaller than those of the backlog that was measured."""

MIDNIGHT_S: Final = 300
"""Within what time a midnight should be through."""

WORKER_BYTES: Final = 4e9
"""What a worker should be given at most: a restore reads what is in it."""

EVENT_BYTES: Final = 250
AROUND_BYTES: Final = 100
"""Of a record on the wire beside its value: key, headers, its share of the batch."""

MIN_PARTITIONS: Final = 12
"""The default of CHURN_PARTITIONS."""

PARTITIONS_EACH: Final = 4
"""Partitions for each worker: room for four times as many, since the number cannot be changed later."""


class Costs(NamedTuple):
    """What was measured, medians, with the default catalogue."""

    event_us: float
    """CPU of a worker an event, everything included, midnights of a full backlog too."""
    midnight_us: float
    """Of a midnight, by the clock, a customer, until its snapshot is written."""
    packed_bytes: float
    """Of a snapshot, a customer, as it lies in Kafka."""
    customer_bytes: float
    midnight_bytes: float
    """A customer, at the most: while a snapshot is copied and compressed."""
    base_bytes: float
    restored_a_second: float


class Need(NamedTuple):
    """What a company of so many customers needs. `mean`, `peak`: events a second; `by_…`: workers each asks for."""

    customers: int
    mean: float
    peak: float
    cores: float
    all_midnight_s: float
    """For one worker."""
    by_events: int
    by_midnight: int
    by_memory: int
    workers: int
    partitions: int
    worker_bytes: float
    network_bytes: float
    snapshot_bytes: float
    """Of all customers, written after each midnight."""
    midnight_s: float
    restart_s: float
    backlog_h: float

    @property
    def decider(self) -> str:
        """What asks for the most workers."""
        asked = {"memory": self.by_memory, "events": self.by_events, "midnight": self.by_midnight}
        return max(asked, key=lambda name: asked[name])


def costs_of(results: Results) -> Costs | None:
    """The costs; None as long as a part they come from was not taken."""
    race, restart = results.race, results.restart_model
    worker = None if race is None else race.find(WITH_MODEL.name)
    if race is None or restart is None or restart.day is None or worker is None:
        return None
    runs, events, customers = restart.runs, race.events, restart.customers
    base_bytes = over(runs, lambda run: run.before_bytes).median
    return Costs(
        event_us=over(worker.runs, lambda run: run.cpu_s).median / events * 1e6,
        midnight_us=restart.day.saved_seconds / customers * 1e6,
        packed_bytes=restart.packed_bytes / customers,
        customer_bytes=(over(runs, lambda run: run.after_bytes).median - base_bytes) / customers,
        midnight_bytes=(restart.day.peak_bytes - base_bytes) / customers,
        base_bytes=base_bytes,
        restored_a_second=customers / over(runs, lambda run: run.restored_s).median,
    )


def need_of(customers: int, costs: Costs) -> Need:
    """The arithmetic, as the page tells it."""
    events_a_day = customers * EVENTS_A_DAY
    peak = events_a_day / 86_400 * PEAK
    cores = peak * costs.event_us / 1e6 / BUSY_SHARE
    midnight_s = customers * costs.midnight_us / 1e6
    by_events, by_midnight = ceil(cores), ceil(midnight_s / MIDNIGHT_S)
    by_memory = ceil(customers * costs.midnight_bytes / (WORKER_BYTES - costs.base_bytes))
    workers = max(by_events, by_midnight, by_memory)
    return Need(
        customers=customers,
        mean=events_a_day / 86_400,
        peak=peak,
        cores=cores,
        all_midnight_s=midnight_s,
        by_events=by_events,
        by_midnight=by_midnight,
        by_memory=by_memory,
        workers=workers,
        partitions=max(MIN_PARTITIONS, workers * PARTITIONS_EACH),
        worker_bytes=costs.base_bytes + customers / workers * costs.midnight_bytes,
        network_bytes=peak * (EVENT_BYTES + AROUND_BYTES),
        snapshot_bytes=customers * costs.packed_bytes,
        midnight_s=midnight_s / workers,
        restart_s=customers / workers / costs.restored_a_second,
        backlog_h=events_a_day * 365 * costs.event_us / 1e6 / workers / 3600,
    )


def sizing_page(costs: Costs) -> str:
    """The page for users."""
    needs = [need_of(customers, costs) for customers in CUSTOMERS]
    template = Path(__file__).with_name("sizing.md.jinja").read_text()
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - Markdown of numbers
    return environment.from_string(template).render(
        costs=costs,
        needs=needs,
        million=needs[2],
        hundredfold=needs[4],
        a_day=EVENTS_A_DAY,
        each=EVENTS_EACH,
        days=DAYS,
        peak=PEAK,
        busy=BUSY_SHARE,
        midnight=MIDNIGHT_S,
        worker_bytes=WORKER_BYTES,
        event_bytes=EVENT_BYTES,
        around=AROUND_BYTES,
        min_partitions=MIN_PARTITIONS,
        partitions_each=PARTITIONS_EACH,
    )


def write_sizing(results: Results) -> None:
    """Write the page anew, once all that it needs was measured."""
    costs = costs_of(results)
    if costs is not None:
        PAGE.write_text(sizing_page(costs))
