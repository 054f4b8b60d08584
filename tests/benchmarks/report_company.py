"""Of the page of results what is about many customers: growth, starts and midnights, a year of replay."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import about
from benchmarks.engine_alone import EngineRun
from benchmarks.markdown import MB, table, told
from benchmarks.midnight import MidnightRun
from benchmarks.restart import DayRun
from benchmarks.results import GrowthPart, ReplayPart, RestartPart, over


def growth(part: GrowthPart) -> list[str]:
    """Sizes, one below the other."""
    rows = [
        (
            f"{run.customers:,}",
            f"{run.events:,}",
            f"{run.between_us:.1f}",
            f"{run.judged_us:.2f}",
            f"{run.event_us:.1f}",
            f"{run.column_bytes / run.customers:,.0f}",
            f"{run.resident_bytes / run.customers:,.0f}",
        )
        for run in part.runs
    ]
    heads = (
        "customers",
        "events",
        "µs an event, between midnights",
        "µs a customer at a midnight",
        "µs an event all in",
        "columns, bytes a customer",
        "process, bytes a customer",
    )
    events, judged = ([figure(run) for run in part.runs] for figure in (_between_us, _judged_us))
    return [
        "## Growth",
        about.GROWTH.format(events=part.events_each, days=part.days),
        table(heads, rows),
        (
            f"Dearest against cheapest: {_range(events):+.0%} an event, {_range(judged):+.0%} a customer at a "
            f"midnight; of the last two sizes {_range(events[-2:]):+.0%} and {_range(judged[-2:]):+.0%}."
        ),
        told(part.conditions),
    ]


def _range(figures: list[float]) -> float:
    return max(figures) / min(figures) - 1


def _between_us(run: EngineRun) -> float:
    return run.between_us


def _judged_us(run: EngineRun) -> float:
    return run.judged_us


def restart(part: RestartPart, name: str) -> list[str]:
    """Starts; midnights where there were any."""
    runs, customers = part.runs, part.customers
    grown = over(runs, lambda run: (run.after_bytes - run.before_bytes) / customers)
    rows = [
        ("restored, ready", f"{over(runs, lambda r: r.restored_s).show()} s"),
        ("first event processed", f"{over(runs, lambda r: r.first_event_s).show()} s"),
        (f"all {part.events:,} events read again", f"{over(runs, lambda r: r.reread_s).show()} s"),
        ("memory before the restore", f"{over(runs, lambda r: r.before_bytes / MB).show(0)} MB"),
        ("memory once all was read", f"{over(runs, lambda r: r.after_bytes / MB).show(0)} MB"),
        ("most memory", f"{over(runs, lambda r: r.peak_bytes / MB).show(0)} MB"),
        ("grown by", f"{grown.show(0)} bytes a customer"),
    ]
    page = [
        f"## Restart with {customers:,} customers, {name}",
        about.RESTART.format(
            bytes=part.snapshot_bytes / customers, packed=part.packed_bytes / customers, events=part.events
        ),
        table(("", ""), rows),
    ]
    if part.alone or part.day is not None:
        page += [f"### A midnight of {customers:,} customers", about.MIDNIGHT]
    if part.alone:
        page.append(table(("without Kafka", ""), _alone(part.alone)))
    if part.day is not None:
        page.append(table(("a worker, after its last start", ""), _day(part.day)))
    return [*page, told(part.conditions)]


def _alone(runs: Sequence[MidnightRun]) -> list[tuple[str, str]]:
    first = runs[0]
    names = (("step", "a step"), ("count", "counting for the metrics"), ("copy", "copying for the snapshot"))
    longest = [
        (f"{name}, the longest", f"{over(runs, lambda run, key=key: run.longest_ms[key]).show()} ms")  # type: ignore[misc] # a default that binds
        for key, name in names
    ]
    return [
        ("CPU in all", f"{over(runs, lambda run: run.cpu_s).show(2)} s"),
        ("of it encoding", f"{over(runs, lambda run: run.encode_s).show(2)} s for {first.outputs:,} outputs"),
        ("beside it copying and packing snapshots", f"{over(runs, lambda run: run.keep_s).show(2)} s"),
        *longest,
        ("memory before", f"{over(runs, lambda run: run.resident_bytes / MB).show(0)} MB"),
        ("most memory", f"{over(runs, lambda run: run.peak_bytes / MB).show(0)} MB"),
    ]


def _day(day: DayRun) -> list[tuple[str, str]]:
    latency = day.latency
    return [
        ("everybody judged", f"{day.judged:,} in {day.seconds:.1f} s, {day.cpu_s:.1f} s of CPU"),
        ("snapshots written too", f"{day.saved_seconds:.1f} s, {day.saved_cpu_s:.1f} s of CPU"),
        ("alerts announced meanwhile, of those expected", f"{latency.announced:,} of {latency.probes:,}"),
        ("event to alert meanwhile, half of them within", f"{latency.p50_ms:,.0f} ms"),
        ("event to alert meanwhile, 99 % within", f"{latency.p99_ms:,.0f} ms"),
        ("event to alert meanwhile, the slowest", f"{latency.most_ms:,.0f} ms"),
        ("most memory", f"{day.peak_bytes / MB:,.0f} MB"),
    ]


def replay(part: ReplayPart) -> list[str]:
    """The command, as a user calls it."""
    runs = part.runs
    cpu = over(runs, lambda run: run.cpu_s)
    rows = [
        ("CPU", f"{cpu.show()} s, {cpu.median / part.events * 1e6:.1f} µs an event"),
        ("by the clock", f"{over(runs, lambda run: run.seconds).show()} s"),
        ("most memory", f"{over(runs, lambda run: run.peak_bytes / MB).show(0)} MB"),
        ("alert revisions", f"{runs[0].revisions:,}"),
    ]
    return [
        "## Replay",
        about.REPLAY.format(customers=part.customers, days=part.days, events=part.events),
        table(("", ""), rows),
        told(part.conditions),
    ]
