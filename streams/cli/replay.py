"""`churn-signals replay FILE…`: the engine without Kafka, in order of time: what the alerts must be."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson

from models.catalogue.rules import Rules
from models.digests.lists import Lists
from models.what_if.comparison import Comparison, compare
from models.what_if.decided import RunRecorder
from streams.cli.event_files import (
    OLD_FILE,
    files_argument,
    left_out_options,
    paths_read,
    rejecting,
    rejects_option,
    settings_with,
)
from streams.cli.instant import INSTANT
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.cli.replay_sinks import Sinks
from streams.cli.replay_summary import became_of_commands, model_of, summary_of
from streams.cli.replay_text import print_summary
from streams.cli.replay_then import THEN, GivenThen, catalogues_then, check_begins_before, say_not_reached
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import load_rules
from streams.files.commands import Spoken, read_commands
from streams.files.packed_history import Replayed
from streams.files.reading import EventFile
from streams.memory import collect_seldom
from streams.replaying import check_learns, go_through, read_events, tracked, warn
from streams.report.what_if import sentence as in_a_sentence
from streams.text.terminal import complain, say_json
from streams.what_if import How, beside, last_day

EXAMPLES = """\b
Examples:
  churn-signals replay events.jsonl.gz --alerts alerts.jsonl --states states.jsonl
  churn-signals replay CDNOW_master.txt --catalogue purchases.yaml --until 1998-07-02T00:00:00Z
  churn-signals replay events.jsonl --against mine.yaml --html what-if.html
  churn-signals replay events.jsonl --catalogue first.yaml --then 1997-06-01=second.yaml
  churn-signals replay orders.csv:shopify tickets.json:zendesk --until 2026-01-01T00:00:00Z
  churn-signals replay events.jsonl.gz --learn
  churn-signals replay events.jsonl.gz --commands commands.jsonl --receipts receipts.jsonl
  churn-signals replay events.jsonl.gz --digests digests.jsonl
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReplayOptions:
    """What the command line says."""

    files: tuple[EventFile, ...]
    mapping_name: str | None
    rejects: Output | None
    alerts: Output | None
    stages: Output | None
    states: Output | None
    commands: Path | None
    receipts: Output | None
    suppressed: Output | None
    outcomes: Output | None
    digests: Output | None
    until_ms: int | None
    partitions: int | None
    shift_by: int
    now_ms: int | None
    exclude: Path | None
    catalogue: Path | None
    then: tuple[GivenThen, ...]
    against: Path | None
    html: Output | None
    models: Path | None
    learn: bool
    as_json: bool

    @property
    def read(self) -> list[Path | None]:
        """The files that are read."""
        named = (self.commands, self.exclude, self.catalogue, self.against, self.models)
        return [*paths_read(self.files, self.mapping_name), *named, *(one.path for one in self.then)]

    @property
    def written(self) -> list[Output | None]:
        """The files that are written."""
        decided = (self.alerts, self.stages, self.states, self.receipts, self.suppressed, self.outcomes, self.digests)
        return [*decided, self.rejects, self.html]


@click.command(epilog=EXAMPLES)
@files_argument
@click.option("--alerts", type=OUTPUT, help="Write every revision of every alert, a line each.")
@click.option("--stages", type=OUTPUT, help="Write every transition of the lifecycle, a line each.")
@click.option("--states", type=OUTPUT, help="Write every customer's record, canonical, a line each.")
@click.option("--commands", type=OLD_FILE, help="What people said, a command a line, as on the topic; never shifted.")
@click.option(
    "--suppressed", type=OUTPUT, help="Write every revision that was not sent, with what held it, a line each."
)
@click.option(
    "--outcomes", type=OUTPUT, help="Write what came of each alert that was part of an experiment, a line each."
)
@click.option("--receipts", type=OUTPUT, help="Write what became of each command, a line each.")
@click.option("--digests", type=OUTPUT, help="Write what each owner had to do, an owner and day a line; see `digest`.")
@click.option(
    "--until",
    "until_ms",
    type=INSTANT,
    metavar="T",
    help="Move the clock of every feed to this instant at the end, as `tick --at` does.",
)
@click.option("--partitions", type=click.IntRange(1, 10_000), help="Partitions; without it CHURN_PARTITIONS.")
@click.option(
    "--shift-by", type=int, default=0, help="Move the events by whole days, as `produce --shift-to-now` said."
)
@left_out_options
@click.option("--catalogue", type=OLD_FILE, help="Rules to replay with.")
@click.option(
    "--then", type=THEN, multiple=True, help="Other rules from the first midnight behind a day on; may be repeated."
)
@click.option("--against", type=OLD_FILE, help="Other rules: which alerts would be gained, lost, earlier or later.")
@click.option("--html", type=OUTPUT, help="With --against: write a page for people of what would change.")
@click.option(
    "--models",
    type=OLD_FILE,
    help="Versions of the model and which was used when, by `model dump`; without them the model says nothing.",
)
@click.option("--learn", is_flag=True, help="Learn the model on the way, as a learner beside the workers would have.")
@rejects_option
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def replay(**given: Any) -> int:
    """Run the engine over event files without Kafka: what the worker publishes must equal this, id by id."""
    asked = _ReplayOptions(**given)
    if asked.learn and asked.models is not None:
        raise click.UsageError("--learn makes versions of the model of its own: give it or --models, not both.")
    if asked.html is not None and asked.against is None:
        raise click.UsageError("--html shows what other rules would change: give them with --against.")
    if asked.then and (asked.learn or asked.against is not None):
        raise click.UsageError("--then changes the rules on the way: give it without --against and --learn.")
    refuse_overwriting(asked.read, asked.written)
    said = read_commands(asked.commands, asked.now_ms)
    ours, other = _hows(asked, said)
    collect_seldom()
    with rejecting(asked.rejects) as rejects:
        events = read_events(
            asked.files, asked.mapping_name, rejects=rejects,
            now_ms=asked.now_ms, exclude=asked.exclude, shift_by=asked.shift_by,
        )  # fmt: skip
    for sentence in said.sentences():
        complain(sentence)
    warn(events.history, ours.rules, is_clock_moved=asked.until_ms is not None)
    if other is not None:
        warn(events.history, other.rules, is_clock_moved=asked.until_ms is not None, of=f"--against {asked.against}: ")
    summary = _replayed(asked, ours, other, events, said)
    for sentence in events.strangers():
        complain(f"--exclude: {sentence}")
    page = None if asked.html is None else str(asked.html.path)
    say_json(orjson.dumps(summary)) if asked.as_json else print_summary(summary, page)
    return EXIT_PROBLEM if events.history.bad or events.history.is_silent or said.bad else EXIT_DONE


def _hows(asked: _ReplayOptions, said: Spoken) -> tuple[How, How | None]:
    """How it is replayed, and how the other catalogue is. Raises SetupError before anything is read."""
    settings = settings_with(asked.catalogue)
    count = asked.partitions or settings.partitions
    # One that stands for all is quickest and decides alike; versions of a model and records are by partition.
    fewest = 1 if asked.models is None and not asked.learn and not asked.then else count
    partitions = count if asked.partitions or asked.states is not None else fewest
    ours = How(
        rules=load_rules(settings),
        partitions=partitions,
        together=count // partitions,
        alerts_from_ms=settings.alerts_from_ms or 0,
        until_ms=asked.until_ms,
        models=asked.models,
        learn=asked.learn,
        commands=tuple(said.commands),
        then=catalogues_then(asked.then, settings, count),
    )
    if asked.learn:
        check_learns(ours.rules)
    if asked.against is None:
        return ours, None
    return ours, replace(
        ours, rules=load_rules(settings.replace(catalogue=asked.against)), partitions=fewest, together=count // fewest
    )


def _replayed(asked: _ReplayOptions, ours: How, other: How | None, events: Replayed, said: Spoken) -> dict[str, object]:
    """Replay, write what was asked for, and sum up."""
    engine, theirs = ours.engine(), None
    with ExitStack() as stack:
        written = (asked.alerts, asked.stages, asked.receipts, asked.suppressed, asked.outcomes)
        for opened in (*written, asked.states, asked.digests):
            if opened is not None:
                stack.enter_context(opened)
        sinks = Sinks(*written, digests=asked.digests)
        if asked.digests is not None:
            sinks.lists = Lists(ours.rules, len(engine.partitions), others=[one.rules for one in ours.then])
        check_begins_before(asked.then, _first_day(asked, events, ours.rules))
        if other is None:
            go_through(engine, ours.taken(tracked(events)), asked.until_ms, sinks.take)
        else:
            sinks.decided = RunRecorder(ours.rules, len(engine.partitions), sinks.lists)
            name = str(asked.against)
            theirs = beside(
                other, name, events, lambda taken: go_through(engine, ours.taken(taken), asked.until_ms, sinks.take)
            )
        if asked.states is not None:
            for state in engine.states():
                asked.states.write(orjson.dumps(state) + b"\n")
    say_not_reached(asked.then, engine)
    summary = summary_of(engine, sinks, events)
    if asked.commands is not None:
        summary["commands"] = became_of_commands(engine, sinks, said)
    if asked.learn:
        summary["model"] = model_of(engine)
    if theirs is not None:
        assert sinks.decided is not None  # gathered above
        first_day = _first_day(asked, events, ours.rules)
        own = sinks.decided.until(last_day(engine))
        summary["against"] = _told(asked, compare(own, theirs, first_day))
    return summary


def _first_day(asked: _ReplayOptions, events: Replayed, rules: Rules) -> int | None:
    first = next(events.history.replayed(asked.shift_by), None)
    return None if first is None else rules.basis.calendar.day_of(first.time_ms)


def _told(asked: _ReplayOptions, found: Comparison) -> dict[str, Any]:
    """What would change, as values; and as a page if asked for."""
    name = "" if asked.against is None else asked.against.name
    if asked.html is not None:
        from streams.report.what_if_page import what_if_page  # what draws takes a second to import

        asked.html.write_all(what_if_page(found, name))
    values: dict[str, Any] = msgspec.to_builtins(found)
    return {"name": name, "says": in_a_sentence(found, name), **values}
