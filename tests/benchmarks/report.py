"""The figures as a Markdown page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import about
from benchmarks.budgets import HEADS, budgets_of
from benchmarks.engine_alone import EngineRun
from benchmarks.load import DAYS, EVENTS_EACH
from benchmarks.markdown import MB, table, told
from benchmarks.report_company import growth, replay, restart
from benchmarks.results import EnginePart, RacePart, Results, SteadyPart, over, ratio


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
    parts += _budgets(results)
    if results.engine is not None:
        parts += _engine(results.engine)
    if results.race is not None:
        parts += _race(results.race)
    if results.peers is not None:
        parts += _peers(results.peers)
    if results.steady is not None:
        parts += _steady(results.steady)
    if results.growth is not None:
        parts += growth(results.growth)
    for name, part in (("rules alone", results.restart), ("model on", results.restart_model)):
        if part is not None:
            parts += restart(part, name)
    if results.replay is not None:
        parts += replay(results.replay)
    return "\n\n".join(parts) + "\n"


def _budgets(results: Results) -> list[str]:
    rows = [one.cells() for one in budgets_of(results)]
    return ["## Against what it should cost", about.BUDGETS, table(HEADS, rows)] if rows else []


def _engine(part: EnginePart) -> list[str]:
    columns = [part.rules, part.model, part.small]
    first, small = part.rules[0], part.small[0]

    def row(name: str, figure: Callable[[EngineRun], float], unit: str, digits: int = 1) -> tuple[str, ...]:
        return name, *(f"{over(runs, figure).show(digits)} {unit}" for runs in columns)

    rows = [
        *(row(f"CPU an event: {name}", _share(field), "µs") for field, name in _PARTS.items()),
        row("CPU an event, all in", lambda run: run.event_us, "µs"),
        ("events a second in one process", *(_rate(runs) for runs in columns)),
        row("CPU a customer at a midnight", lambda run: run.judged_us, "µs", 2),
        row("CPU a midnight of a partition", lambda run: run.midnight_ms, "ms", 2),
        ("customers judged, each once a midnight", *(f"{runs[0].judged:,}" for runs in columns)),
        row("CPU to encode an output and write it", lambda run: run.output_us, "µs"),
        ("outputs, of them alert revisions", *(f"{runs[0].outputs:,}, {runs[0].revisions:,}" for runs in columns)),
        row("columns, bytes a customer", lambda run: run.column_bytes / run.customers, "", 0),
        row("growth of the process, bytes a customer", lambda run: run.resident_bytes / run.customers, "", 0),
    ]
    return [
        "## The engine alone",
        about.ENGINE.format(events=first.events, customers=first.customers, few=small.customers, of=small.partitions),
        table(("", "rules alone", "model on", "few customers, model on"), rows),
        told(part.conditions),
    ]


_PARTS = {
    "decode_s": "bytes to event",
    "observe_s": "folding it into its day",
    "close_s": "closing days, moving windows, snapshots of the model",
    "judge_s": "judging everybody, alerts as values",
    "encode_s": "encoding outputs, writing them to a file",
}


def _share(field: str) -> Callable[[EngineRun], float]:
    """A part of the CPU, in microseconds an event."""
    return lambda run: float(getattr(run, field)) / run.events * 1e6


def _rate(runs: Sequence[EngineRun]) -> str:
    return f"{1e6 / over(runs, lambda run: run.event_us).median:,.0f}"


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
