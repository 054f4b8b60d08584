"""`churn-signals simulate`: synthetic customers, what is detected of them, or the missing feeds of real ones."""

from __future__ import annotations

import gzip
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.detection.truth import Truth
from schemas.codec import encode_event
from schemas.event import Event
from schemas.instant import from_rfc3339
from schemas.topics import DAY_MS
from streams.cli.event_files import EVENT_FILE, OLD_FILE, paths_read, settings_with
from streams.cli.number import NumberRange
from streams.cli.output import OUTPUT_PATH, refuse_overwriting, writing
from streams.errors import EXIT_DONE, EXIT_PROBLEM, SetupError
from streams.files.counts import by_feed
from streams.files.history import read_history
from streams.files.mapping_file import load_mapping
from streams.files.reading import EventFile
from streams.simulation.around import simulate_around
from streams.simulation.detection import Part, joined, observe, partitions_of, watched_of
from streams.simulation.population import World
from streams.simulation.population import simulate as simulate_customers
from streams.text.terminal import complain, say, terminal
from streams.text.wording import counted

EXAMPLES: Final = """\b
Examples:
  churn-signals simulate --customers 5000 --days 180 --seed 1 --out events.jsonl.gz --truth truth.jsonl
  churn-signals simulate --customers 20000 --days 365 --seed 7 --detect --report detection.json --html detection.html
  churn-signals simulate --customers 2000 --days 365 --detect --catalogue mine.yaml
  churn-signals simulate --customers 5000 --days 365 --effect 0.2 --out events.jsonl.gz
  churn-signals simulate --for CDNOW_master.txt --out others.jsonl.gz
"""
_FIRST_MS: Final = from_rfc3339("1970-01-02T00:00:00Z")
_LAST_MS: Final = from_rfc3339("2099-12-31T00:00:00Z")
"""What the contract of events allows, in every zone."""


@click.command(epilog=EXAMPLES)
@click.option("--customers", type=click.IntRange(1, 10_000_000), default=1000, show_default=True)
@click.option("--days", type=click.IntRange(1, 3_660), default=180, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same events.")
@click.option("--start", metavar="DATE", default="2026-01-01", show_default=True, help="The first day (UTC).")
@click.option(
    "--for",
    "around",
    type=EVENT_FILE,
    metavar="FILE[:MAPPING]",
    help="Add logins, tickets and e-mails to the customers of this event file instead (only these are written).",
)
@click.option("--mapping", "mapping_name", help="How the table given with --for becomes events.")
@click.option("--out", type=OUTPUT_PATH, help="Where to write; standard output without.")
@click.option("--truth", type=OUTPUT_PATH, help="Where to write, for each customer, what is truly so.")
@click.option(
    "--detect", is_flag=True, help="Run the engine over the events and say what it detected; 1: a target was missed."
)
@click.option("--report", type=OUTPUT_PATH, help="With --detect: the whole report as JSON.")
@click.option("--html", type=OUTPUT_PATH, help="With --detect: the whole report as a page with plots.")
@click.option(
    "--effect",
    type=NumberRange(0, 1),
    metavar="SHARE",
    help="Let so many of those who are told as part of an experiment buy once more because of it.",
)
@click.option("--catalogue", type=OLD_FILE, help="With --detect or --effect: the signals, instead of CHURN_CATALOGUE.")
@click.option(
    "--jobs", type=click.IntRange(1), help="With --detect: processes; without it one a core. The result is the same."
)
def simulate(  # noqa: PLR0913 - one for each option
    *,
    customers: int,
    days: int,
    seed: int,
    start: str,
    around: EventFile | None,
    mapping_name: str | None,
    out: Path | None,
    truth: Path | None,
    detect: bool,
    report: Path | None,
    html: Path | None,
    effect: float | None,
    catalogue: Path | None,
    jobs: int | None,
) -> int:
    """Write the events of synthetic customers as JSON Lines, in order of time, or say what is detected of them."""
    refuse_overwriting([*paths_read([around] if around else [], mapping_name), catalogue], [out, truth, report, html])
    world = World(customers, days, seed, _start(start, days))
    if detect:
        if around is not None or out is not None or effect is not None:
            raise click.UsageError("--detect writes no events, knows nobody who reacts, and no truth of --for")
        return _detect(world, truth=truth, report=report, html=html, catalogue=catalogue, jobs=jobs)
    if any((report, html, jobs)) or (catalogue is not None and effect is None):
        raise click.UsageError(
            "--report, --html, --catalogue and --jobs go with --detect (--catalogue with --effect too)"
        )
    if around is not None:
        if truth is not None or effect is not None:
            raise click.UsageError("--truth and --effect are of synthetic customers only, not with --for")
        history = read_history([around], load_mapping(mapping_name) if mapping_name else None)
        for sentence in history.sentences():
            complain(sentence)
        events = simulate_around(history, seed=seed)
    else:
        events = _lived(world, truth, effect, catalogue)
    _write(out, map(encode_event, events))
    _report(events)
    return EXIT_DONE


def _lived(world: World, truth: Path | None, effect: float | None, catalogue: Path | None) -> list[Event]:
    """The events of a world whose customers react to being told, or do not; the truth about them is written."""
    events, truths = simulate_customers(world)
    _write_truth(truth, truths)
    return events if effect is None else _reacting(world, events, effect, catalogue)


def _reacting(world: World, events: list[Event], effect: float, catalogue: Path | None) -> list[Event]:
    """The events with those of customers who react to being told; says how many there are."""
    from streams.files.catalogue_file import load_rules
    from streams.simulation.reacting import react

    rules = load_rules(settings_with(catalogue))
    if not any(signal.holdout for signal in rules.signals):
        remedy = "Say `experiment: {holdout: 0.05}` in the catalogue: who is tried and told is who reacts."
        raise SetupError("--effect", "the catalogue holds nobody out", remedy)
    found = react(world, events, rules, effect)
    told = sum(trial.arm == "treated" for trial in found.trials)
    held = counted(len(found.trials) - told, "trial")
    say(f"{counted(told, 'trial')} told, of which {len(found.reactions):,} reacted; {held} held out", err=True)
    return found.events


def _detect(
    world: World,
    *,
    truth: Path | None,
    report: Path | None,
    html: Path | None,
    catalogue: Path | None,
    jobs: int | None,
) -> int:
    """Simulate, replay, compare, tell."""
    from models.detection.scores import detect
    from schemas.instant import to_rfc3339
    from streams.files.catalogue_file import load_rules
    from streams.report.detection import Made, report_on
    from streams.report.detection_text import print_report
    from streams.report.encoding import indented

    settings = settings_with(catalogue)
    rules = load_rules(settings)
    with closing(observe(world, settings, jobs or os.cpu_count() or 1)) as found:
        observed = joined(world, list(_tracked(found, len(partitions_of(world)))))
    _write_truth(truth, observed.truths)
    start = to_rfc3339(world.start_ms)[:10]
    made = Made(world.customers, world.days, world.seed, start, rules.hash, version("churn-signals"))
    whole = report_on(made, detect(observed, watched_of(rules)))
    if report is not None:
        with writing(report):
            report.write_bytes(indented(whole) + b"\n")
    if html is not None:
        from streams.report.detection_page import detection_page

        with writing(html):
            html.write_text(detection_page(whole), encoding="utf-8")
    print_report(terminal(), whole)
    return EXIT_PROBLEM if whole.missed else EXIT_DONE


def _tracked(parts: Iterator[Part], total: int) -> Iterator[Part]:
    """The parts as they come, with a bar for who watches a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("partitions"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    console = terminal(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(parts, total=total, description="simulating and detecting")


def _write_truth(path: Path | None, truths: Iterable[Truth]) -> None:
    if path is not None:
        _write(path, (msgspec.json.encode(one) for one in truths))


def _start(text: str, days: int) -> int:
    try:
        start_ms = from_rfc3339(f"{text}T00:00:00Z")
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no date such as 2026-01-01", param_hint="--start") from error
    if not _FIRST_MS <= start_ms <= _LAST_MS - days * DAY_MS:
        raise click.BadParameter(f"{text} and {days} days: events lie from 1970 to 2099", param_hint="--start")
    return start_ms


def _write(path: Path | None, lines: Iterable[bytes]) -> None:
    with writing(path or Path("standard output")), _opened(path) as file:
        for line in lines:
            file.write(line + b"\n")


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file to write; gzip without a time in it, so that equal events are equal bytes."""
    if path is None or str(path) == "-":
        yield sys.stdout.buffer
    elif path.suffix == ".gz":
        with (
            path.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        ):
            yield packed
    else:
        with path.open("wb") as plain:
            yield plain


def _report(events: list[Event]) -> None:
    customers = len({event.customer_id for event in events})
    parts = by_feed(Counter(event.feed for event in events))
    say(f"{counted(len(events), 'event')} of {counted(customers, 'customer')} ({parts})", err=True)
