"""What the engine was designed to cost, line by line, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from benchmarks.markdown import MB
from benchmarks.race import ONE, WITH_MODEL
from benchmarks.results import EnginePart, RacePart, ReplayPart, RestartPart, Results, over, ratio

GRADES: Final = ("aim", "must", "missed")


class Figure(NamedTuple):
    """A measured value against its bounds, `text` with its unit; `is_least`: the bounds are from below."""

    value: float
    must: float
    aim: float
    text: str
    is_least: bool = False

    @property
    def grade(self) -> int:
        """By number in GRADES."""
        sign = -1 if self.is_least else 1
        return (sign * self.value > sign * self.aim) + (sign * self.value > sign * self.must)


class Budget(NamedTuple):
    """A line: what it is about, what was asked for, in words, and what was measured."""

    what: str
    must: str
    aim: str
    figures: tuple[Figure, ...]
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """A row of the table; the worst figure decides."""
        measured = ", ".join(figure.text for figure in self.figures) + (f" ({self.note})" if self.note else "")
        return self.what, self.must, self.aim, measured, GRADES[max(figure.grade for figure in self.figures)]


HEADS: Final = ("", "must", "aim", "measured", "kept")


def budgets_of(results: Results) -> list[Budget]:
    """The lines for which there are figures."""
    found: list[Budget] = []
    if results.engine is not None:
        found += _engine(results.engine)
    if results.race is not None:
        found += _worker(results.race)
    if results.restart_model is not None:
        found += _midnight(results.restart_model)
    if results.replay is not None:
        found.append(_replay(results.replay))
    restarts = (("rules alone", results.restart, 700.0), ("model on", results.restart_model, 1_300.0))
    known = [(name, part, most) for name, part, most in restarts if part is not None]
    found += [_restart(name, part) for name, part, _ in known]
    found += [_memory(name, part, most) for name, part, most in known]
    if results.engine is not None:
        found.append(_small(results.engine))
    return found


def _engine(part: EnginePart) -> Iterator[Budget]:
    bounds = (("rules alone", part.rules, 14, 10), ("model on", part.model, 18, 13))
    for name, runs, must, aim in bounds:
        spent = over(runs, lambda run: run.event_us)
        yield Budget(
            f"engine alone, an event all in, 50,000 customers, {name}",
            f"≤ {must} µs",
            f"≤ {aim} µs",
            (Figure(spent.median, must, aim, f"{spent.show()} µs"),),
            f"{runs[0].customers:,} customers",
        )


def _worker(part: RacePart) -> Iterator[Budget]:
    first = part.systems[0]
    for name in (ONE.name, WITH_MODEL.name):
        system = part.find(name)
        if system is None or not first.runs:
            continue
        speed = 1 / ratio(system, first, "seconds")
        rate = over(system.runs, lambda run: part.events / run.seconds)
        yield Budget(
            f"{name}, against the plain loop that calls the same engine",
            "≥ 0.6 and ≥ 40,000/s",
            "≥ 0.75 and ≥ 60,000/s",
            (
                Figure(speed, 0.6, 0.75, f"{speed:.2f}", is_least=True),
                Figure(rate.median, 40_000, 60_000, f"{rate.show(0)}/s", is_least=True),
            ),
            "the loop with rules alone" if system.name == WITH_MODEL.name else "",
        )


def _midnight(part: RestartPart) -> Iterator[Budget]:
    what, note = "midnight of 1,000,000 customers, model on", f"{part.customers:,} customers"
    must, aim = "≤ 4 s of CPU, no event waits over 300 ms", "≤ 2 s"
    if part.alone:
        cpu = over(part.alone, lambda run: run.cpu_s)
        step = over(part.alone, lambda run: max(run.longest_ms.values()))
        spent = Figure(cpu.median, 4, 2, f"{cpu.show(2)} s of CPU")
        longest = Figure(step.median, 300, 300, f"longest step {step.show(0)} ms")
        yield Budget(f"{what}, without Kafka", must, aim, (spent, longest), note)
    if part.day is not None:
        day = part.day
        spent = Figure(day.cpu_s, 4, 2, f"{day.cpu_s:.1f} s of CPU")
        longest = Figure(day.latency.most_ms, 300, 300, f"slowest alert {day.latency.most_ms:,.0f} ms")
        yield Budget(f"{what}, a worker with all it does", must, aim, (spent, longest), note)


def _replay(part: ReplayPart) -> Budget:
    cpu = over(part.runs, lambda run: run.cpu_s)
    peak = over(part.runs, lambda run: run.peak_bytes / MB)
    return Budget(
        "`replay` of 20,000 customers x 365 days, rules alone",
        "≤ 35 s of CPU, ≤ 400 MB",
        "≤ 20 s, ≤ 300 MB",
        (Figure(cpu.median, 35, 20, f"{cpu.show()} s"), Figure(peak.median, 400, 300, f"{peak.show(0)} MB")),
        f"{part.customers:,} x {part.days}, {part.events:,} events, {part.runs[0].revisions:,} revisions",
    )


def _restart(name: str, part: RestartPart) -> Budget:
    reread = over(part.runs, lambda run: run.reread_s)
    return Budget(
        f"restart with 1,000,000 customers and a day of events to read again, {name}",
        "≤ 12 s",
        "≤ 8 s",
        (Figure(reread.median, 12, 8, f"{reread.show()} s until all was read again"),),
        f"{part.customers:,} customers, {part.events:,} events",
    )


def _memory(name: str, part: RestartPart, most: float) -> Budget:
    grown = over(part.runs, lambda run: (run.after_bytes - run.before_bytes) / part.customers)
    return Budget(
        f"memory a customer (60-day load), {name}",
        f"≤ {most:,.0f} B",
        "less",
        (Figure(grown.median, most, most, f"{grown.show(0)} B"),),
        f"{part.customers:,} customers",
    )


def _small(part: EnginePart) -> Budget:
    spent = over(part.small, lambda run: run.midnight_ms)
    first = part.small[0]
    return Budget(
        "small base (500 customers a partition), a midnight, model on",
        "≤ 4 ms",
        "≤ 2 ms",
        (Figure(spent.median, 4, 2, f"{spent.show(2)} ms"),),
        f"{first.customers / first.partitions:,.0f} a partition",
    )
