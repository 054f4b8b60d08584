"""The figures as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import about
from benchmarks.engine_alone import EngineRun
from benchmarks.load import DAYS, EVENTS_EACH
from benchmarks.results import (
    Conditions,
    EnginePart,
    GrowthPart,
    RacePart,
    RestartPart,
    Results,
    SteadyPart,
    over,
    ratio,
)

MB: Final = 1e6


def write_report(results: Results, path: Path, plot: Path | None) -> None:
    """The page beside the JSON, with the figure that lies there too."""
    path.with_suffix(".md").write_text(to_markdown(results, plot))


def to_markdown(results: Results, plot: Path | None = None) -> str:
    """The page."""
    parts = [
        "# Benchmarks",
        about.PAGE.format(events_each=EVENTS_EACH, days=DAYS, partitions=results.partitions),
    ]
    if plot is not None:
        parts.append(f"![other systems against the plain loop, and cost against size]({plot.name})")
    if results.engine is not None:
        parts += _engine(results.engine)
    if results.race is not None:
        parts += _race(results.race)
    if results.peers is not None:
        parts += _peers(results.peers)
    if results.steady is not None:
        parts += _steady(results.steady)
    if results.growth is not None:
        parts += _growth(results.growth)
    for name, part in (("rules alone", results.restart), ("model on", results.restart_model)):
        if part is not None:
            parts += _restart(part, name)
    return "\n\n".join(parts) + "\n"


def _engine(part: EnginePart) -> list[str]:
    columns = [part.rules, part.model]
    first = part.rules[0]

    def row(name: str, *cells: str) -> tuple[str, ...]:
        return (name, *cells)

    totals = [over(runs, lambda run: run.total_us) for runs in columns]
    rows = [
        row(
            "CPU an event, without reviews (bytes to packed record)",
            *(f"{over(runs, lambda r: r.event_us).show()} µs" for runs in columns),
        ),
        row(
            "CPU a review, its share of packing included",
            *(f"{over(runs, lambda r: r.review_us).show()} µs" for runs in columns),
        ),
        row("reviews an event", *(f"{runs[0].reviews / runs[0].events:.2f}" for runs in columns)),
        row("CPU an event in all", *(f"{total.show()} µs" for total in totals)),
        row("events a second in one process", *(f"{1e6 / total.median:,.0f}" for total in totals)),
        row(
            "packed record, outboxes committed", *(f"{runs[0].record_bytes:,.0f} bytes a customer" for runs in columns)
        ),
        row("alert revisions", *(f"{runs[0].revisions:,}" for runs in columns)),
    ]
    return [
        "## The engine alone",
        about.ENGINE.format(events=first.events, customers=first.customers),
        table(("", "rules alone", "model on"), rows),
        told(part.conditions),
    ]


def _race(part: RacePart) -> list[str]:
    lines = [
        "## The worker against a plain loop",
        about.RACE.format(events=part.events, customers=part.customers),
        race_table(part),
    ]
    one, two = part.find("churn-signals, one worker"), part.find("churn-signals, two workers")
    if one is not None and two is not None:
        cpu, wall = (ratio(two, one, which) for which in ("cpu_s", "seconds"))
        lines.append(
            f"Two workers against one: {cpu:.2f} x the CPU, {1 / wall:.2f} x as fast by the clock, on "
            f"{part.conditions.cores} cores that the workers share with the broker."
        )
    return [*lines, told(part.conditions)]


def _peers(part: RacePart) -> list[str]:
    return [
        "## Other systems that call the same engine",
        about.PEERS.format(events=part.events, customers=part.customers),
        race_table(part),
        told(part.conditions),
    ]


def race_table(part: RacePart) -> str:
    """A row for each system; what could not be run says why."""
    first = part.systems[0]
    rows = []
    for system in part.systems:
        runs = system.runs
        if not runs:
            rows.append((system.name, "-", "-", "-", "-", "-", system.keeps, system.failure))
            continue
        rows.append(
            (
                system.name,
                over(runs, lambda run: part.events / run.seconds).show(0),
                f"{1 / ratio(system, first, 'seconds'):.2f}" if first.runs else "",
                over(runs, lambda run: run.cpu_s / part.events * 1e5).show(2),
                over(runs, lambda run: run.resident_bytes / MB).show(0),
                over(runs, lambda run: run.peak_bytes / MB).show(0),
                system.keeps,
                str(system.worst) + (f"; {system.failure}" if system.failure else ""),
            )
        )
    heads = (
        "system",
        "events/s",
        "x plain",
        "CPU-s per 100k",
        "RSS MB",
        "peak MB",
        "keeps",
        "alerts (worst round)",
    )
    return table(heads, rows)


def _steady(part: SteadyPart) -> list[str]:
    latency, caught = part.latency, part.catch_up
    rows = [
        ("events a second from a backlog, just before", f"{part.peak_per_s:,.0f}"),
        ("events a second in the stream", f"{latency.per_second:,.0f}"),
        ("alerts that came, of those expected", f"{latency.announced:,} of {latency.probes:,}"),
        ("event to alert, half of them within", f"{latency.p50_ms:,.0f} ms"),
        ("event to alert, 99 % within", f"{latency.p99_ms:,.0f} ms"),
        ("event to alert, the slowest", f"{latency.most_ms:,.0f} ms"),
        ("worker stopped for", f"{caught.stopped_s:.0f} s"),
        ("events not committed before, and when it was started again", f"{caught.lag_before:,}, {caught.lag_after:,}"),
        ("from its start until no more than before", f"{caught.seconds:.1f} s"),
    ]
    return [
        "## Steady state",
        about.STEADY.format(customers=part.customers, days=DAYS),
        table(("", ""), rows),
        told(part.conditions),
    ]


def _growth(part: GrowthPart) -> list[str]:
    rows = [
        (
            f"{run.customers:,}",
            f"{run.events:,}",
            f"{run.event_us:.1f}",
            f"{run.review_us:.1f}",
            f"{run.reviews / run.events:.2f}",
            f"{run.resident_bytes:,}",
        )
        for run in part.runs
    ]
    heads = ("customers", "events", "µs an event", "µs a review", "reviews an event", "process, bytes a customer")
    events, reviews = ([figure(run) for run in part.runs] for figure in (_event_us, _review_us))
    return [
        "## Growth",
        about.GROWTH.format(events=part.events_each, days=part.days),
        table(heads, rows),
        (
            f"Dearest against cheapest: {_range(events):+.0%} an event, {_range(reviews):+.0%} a review; "
            f"of the last two sizes {_range(events[-2:]):+.0%} and {_range(reviews[-2:]):+.0%}."
        ),
        told(part.conditions),
    ]


def _range(figures: list[float]) -> float:
    return max(figures) / min(figures) - 1


def _event_us(run: EngineRun) -> float:
    return run.event_us


def _review_us(run: EngineRun) -> float:
    return run.review_us


def _restart(part: RestartPart, name: str) -> list[str]:
    runs, customers, day = part.runs, part.customers, part.day
    grown = over(runs, lambda run: (run.after_bytes - run.before_bytes) / customers)
    rows = [
        ("restored, ready", f"{over(runs, lambda r: r.restored_s).show()} s"),
        ("first event processed", f"{over(runs, lambda r: r.first_event_s).show()} s"),
        ("memory before the restore", f"{over(runs, lambda r: r.before_bytes / MB).show(0)} MB"),
        ("memory after the first event", f"{over(runs, lambda r: r.after_bytes / MB).show(0)} MB"),
        ("most memory", f"{over(runs, lambda r: r.peak_bytes / MB).show(0)} MB"),
        ("grown by", f"{grown.show(0)} bytes a customer"),
    ]
    if day is not None:
        rows += [
            ("a day's reviews", f"{day.reviews:,} in {day.seconds:.1f} s"),
            ("alerts announced meanwhile, of those expected", f"{day.latency.announced:,} of {day.latency.probes:,}"),
            ("event to alert meanwhile, half of them within", f"{day.latency.p50_ms:,.0f} ms"),
            ("event to alert meanwhile, 99 % within", f"{day.latency.p99_ms:,.0f} ms"),
            ("event to alert meanwhile, the slowest", f"{day.latency.most_ms:,.0f} ms"),
            ("most memory, midnight included", f"{day.peak_bytes / MB:,.0f} MB"),
        ]
    return [
        f"## Restart with {customers:,} customers, {name}",
        about.RESTART.format(bytes=part.record_bytes),
        table(("", ""), rows),
        told(part.conditions),
    ]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def told(given: Conditions) -> str:
    """Where and when a part was taken."""
    versions = ", ".join(f"{name} {number}" for name, number in given.versions.items())
    load = " ".join(f"{value:.1f}" for value in given.load_average)
    return (
        f"Taken {given.date} on {given.machine}; Python {given.python}, {versions}; load average at the start {load}."
    )
