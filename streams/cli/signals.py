"""`churn-signals signals FILE…|--live`: how often those alerted come back by themselves, on one's own history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from models.catalogue.constants import HORIZON
from models.catalogue.rules import Rules, sending_all
from models.hit_rate.following import ReplayFollower
from models.hit_rate.rates import HitRates, hit_rates
from streams.cli.event_files import (
    OLD_FILE,
    files_or_live,
    left_out_options,
    paths_read,
    rejecting,
    rejects_option,
    settings_with,
)
from streams.cli.instant import INSTANT
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import load_rules
from streams.files.id_list import read_ids
from streams.files.packed_history import Replayed
from streams.files.reading import EventFile
from streams.memory import collect_seldom
from streams.replaying import check_learns, engine_of, read_events, tracked, warn
from streams.report.encoding import indented
from streams.report.hits import HitReport, MadeFrom, encode_kept, report_on
from streams.report.hits_text import print_report
from streams.settings import Settings
from streams.text.terminal import complain, say_json, terminal
from streams.text.wording import counted, moment

EXAMPLES = """\b
Examples:
  churn-signals signals events.jsonl.gz
  churn-signals signals orders.csv:shopify tickets.json:zendesk --html signals.html
  churn-signals signals CDNOW_master.txt --catalogue purchases.yaml --horizon-days 90
  churn-signals signals events.jsonl.gz --learn --json
  churn-signals signals --live --keep hit_rates.json
"""
MAX_HORIZON_DAYS = 3_650


@dataclass(frozen=True, slots=True, kw_only=True)
class _SignalsOptions:
    """What the command line says."""

    files: tuple[EventFile, ...]
    live: bool
    mapping_name: str | None
    rejects: Output | None
    catalogue: Path | None
    horizon_days: int | None
    until_ms: int | None
    now_ms: int | None
    exclude: Path | None
    learn: bool
    html: Output | None
    keep: Output | None
    as_json: bool


@click.command(epilog=EXAMPLES)
@files_or_live
@click.option("--catalogue", type=OLD_FILE, help="Signals to judge; without it those in force.")
@click.option(
    "--horizon-days",
    type=click.IntRange(1, MAX_HORIZON_DAYS),
    help="Days within which a customer comes back; without it the `horizon_days` of the catalogue's model, else 60.",
)
@click.option(
    "--until",
    "until_ms",
    type=INSTANT,
    metavar="T",
    help="Up to when the files are complete: silence until then is silence. Without it, up to their last event.",
)
@left_out_options
@click.option("--learn", is_flag=True, help="Learn the model on the way, for signals that ask it.")
@rejects_option
@click.option("--html", type=OUTPUT, help="Write a page for people.")
@click.option("--keep", type=OUTPUT, help="Write the hit rates for a catalogue to name: `hit_rates: FILE`.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def signals(**given: Any) -> int:
    """Say how often customers alerted in the past came back by themselves, against everybody alike, by signal."""
    asked = _checked(_SignalsOptions(**given))
    read = [*paths_read(asked.files, asked.mapping_name), asked.exclude, asked.catalogue]
    refuse_overwriting(read, [asked.html, asked.keep, asked.rejects])
    settings = settings_with(asked.catalogue)
    rules = sending_all(load_rules(settings))
    if asked.learn:
        check_learns(rules)
    collect_seldom()
    asked, events, refused = _live(asked, settings) if asked.live else (asked, *_from_files(asked))
    warn(events.history, rules, is_clock_moved=asked.until_ms is not None)
    rates = _rates(asked, rules, events)
    for sentence in events.strangers():
        complain(f"--exclude: {sentence}")
    _tell(asked, _report(asked, rules, events, rates, refused))
    return EXIT_PROBLEM if events.history.bad or events.history.is_silent else EXIT_DONE


def _checked(asked: _SignalsOptions) -> _SignalsOptions:
    """What the command line says, if it is one thing."""
    if asked.live == bool(asked.files):
        raise click.UsageError("give event files, or --live, and not both")
    if asked.live and (asked.mapping_name or asked.rejects or asked.now_ms):
        raise click.UsageError("--mapping, --rejects and --now are for files, not for --live")
    return asked


def _from_files(asked: _SignalsOptions) -> tuple[Replayed, int]:
    """The events of files, and how many lines were bad."""
    with rejecting(asked.rejects) as rejects:
        events = read_events(
            asked.files, asked.mapping_name, rejects=rejects, now_ms=asked.now_ms, exclude=asked.exclude
        )
    return events, len(events.history.bad)


def _live(asked: _SignalsOptions, settings: Settings) -> tuple[_SignalsOptions, Replayed, int]:
    """The events of the topics from before anybody was told of alerts, that time, and how many records were refused."""
    from streams.readback.events import read_live, told_from_ms  # Kafka's client takes a while to import

    told_ms = told_from_ms(settings)
    until_ms = told_ms if asked.until_ms is None else asked.until_ms
    found = read_live(settings, until_ms)
    for sentence in found.sentences():
        complain(sentence)
    if told_ms is not None and until_ms is not None:
        since = moment(told_ms, settings.zone)
        if until_ms > told_ms:
            complain(f"warning: since {since} people were told of alerts: who came back then may have been won")
        elif found.later:
            complain(f"{counted(found.later, 'event')} since {since} left out: people were told of alerts from then on")
    events = found.replayed(set() if asked.exclude is None else read_ids(asked.exclude))
    return replace(asked, until_ms=until_ms), events, found.refused.total()


def _rates(asked: _SignalsOptions, rules: Rules, events: Replayed) -> HitRates:
    """Replay the history and ask what came of each alert; one partition stands for all."""
    together = settings_with(asked.catalogue).partitions
    follower = ReplayFollower(engine_of(rules, 1, 0, learn=asked.learn, together=together))
    for event in tracked(events):
        follower.take(event)
    if asked.until_ms is not None:
        follower.until(asked.until_ms)
    horizon_days = asked.horizon_days or int(rules.basis.constants[HORIZON])
    console = terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("comparing", total=None)
        followed = follower.followed()
        return hit_rates(
            followed, rules, horizon_days, lambda done, of: progress.update(task, completed=done, total=of)
        )


def _report(asked: _SignalsOptions, rules: Rules, events: Replayed, rates: HitRates, refused: int) -> HitReport:
    made = MadeFrom(
        files=tuple(file.name for file in events.history.files),
        events=len(events) - events.left_out.total(),
        bad_lines=refused,
        catalogue=rules.hash,
        is_learned=asked.learn,
        program=version("churn-signals"),
    )
    return report_on(made, rates, frozenset(signal.id for signal in rules.signals if signal.asks_model))


def _tell(asked: _SignalsOptions, report: HitReport) -> None:
    """Write what was asked for, and say what was found."""
    if asked.html is not None:
        from streams.report.hits_page import hits_page  # what draws takes a second to import

        asked.html.write_all(hits_page(report))
    if asked.keep is not None and not report.rates.boundary:
        complain("--keep: nobody is judged, so no hit rates are written")
    elif asked.keep is not None:
        with asked.keep:
            asked.keep.write(encode_kept(report))
    say_json(indented(report)) if asked.as_json else print_report(terminal(), report)
