"""`churn-signals replay FILE…`: the engine without Kafka, in order of time: what the alerts must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from rich.progress import track

from models.catalogue.currencies import amount_of
from models.catalogue.rules import Rules, without_model
from models.customers.columns import NEVER
from models.engine.ledger import total_counts
from models.engine.population import Population, population_of
from models.engine.replay import Replay
from schemas.command import Command
from schemas.event import PURCHASE, Event
from streams import clock
from streams.cli.event_files import files_argument, paths_read, rejecting, rejects_option
from streams.cli.instant import INSTANT
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.cli.replay_sinks import Sinks
from streams.cli.replay_text import print_summary
from streams.errors import EXIT_DONE, EXIT_PROBLEM, SetupError
from streams.files.catalogue_file import load_rules
from streams.files.commands import Spoken, read_commands
from streams.files.edge import Edge
from streams.files.history import History
from streams.files.id_list import read_ids
from streams.files.mapping_file import load_mapping
from streams.files.packed_history import Replayed, read_packed
from streams.files.reading import EventFile
from streams.settings import Settings, environment_settings
from streams.text.terminal import complain, say_json, terminal

EXAMPLES = """\b
Examples:
  churn-signals replay events.jsonl.gz --alerts alerts.jsonl --states states.jsonl
  churn-signals replay CDNOW_master.txt --catalogue purchases.yaml --until 1998-07-02T00:00:00Z
  churn-signals replay events.jsonl --against mine.yaml
  churn-signals replay orders.csv:shopify tickets.json:zendesk --until 2026-01-01T00:00:00Z
  churn-signals replay events.jsonl.gz --learn
  churn-signals replay events.jsonl.gz --commands commands.jsonl --receipts receipts.jsonl
"""


DRAIN_EVERY = 20_000
"""Events after which what was decided is written: memory stays bounded."""


_OLD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


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
    until_ms: int | None
    partitions: int | None
    shift_by: int
    now_ms: int | None
    exclude: Path | None
    catalogue: Path | None
    against: Path | None
    models: Path | None
    learn: bool
    as_json: bool


@click.command(epilog=EXAMPLES)
@files_argument
@click.option("--alerts", type=OUTPUT, help="Write every revision of every alert, a line each.")
@click.option("--stages", type=OUTPUT, help="Write every transition of the lifecycle, a line each.")
@click.option("--states", type=OUTPUT, help="Write every customer's record, canonical, a line each.")
@click.option("--commands", type=_OLD_FILE, help="What people said, a command a line, as on the topic; never shifted.")
@click.option(
    "--suppressed", type=OUTPUT, help="Write every revision that was not sent, with what held it, a line each."
)
@click.option("--receipts", type=OUTPUT, help="Write what became of each command, a line each.")
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
@click.option(
    "--now", "now_ms", type=INSTANT, metavar="T", help="Refuse what a worker refuses at this time: later events."
)
@click.option("--exclude", type=_OLD_FILE, help="Event ids to leave out, one a line.")
@click.option("--catalogue", type=_OLD_FILE, help="Rules to replay with.")
@click.option("--against", type=_OLD_FILE, help="Other rules: what differs.")
@click.option(
    "--models",
    type=_OLD_FILE,
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
    named = (asked.commands, asked.exclude, asked.catalogue, asked.against, asked.models)
    refuse_overwriting(
        [*paths_read(asked.files, asked.mapping_name), *named],
        [asked.alerts, asked.stages, asked.states, asked.receipts, asked.suppressed, asked.rejects],
    )
    settings = environment_settings()
    if asked.catalogue is not None:
        settings = settings.replace(catalogue=asked.catalogue)
    mapping = load_mapping(asked.mapping_name) if asked.mapping_name else None
    edge = Edge(asked.now_ms, clock.now_ms(), asked.shift_by)
    with rejecting(asked.rejects) as rejects:
        history = read_packed(asked.files, mapping, edge.check, rejects=rejects)
    events = Replayed(history, asked.shift_by, set() if asked.exclude is None else read_ids(asked.exclude))
    said = read_commands(asked.commands, asked.now_ms)
    rules = load_rules(settings)
    if asked.learn and rules.basis.learning is None:
        raise SetupError("--learn", "the catalogue has no model", "Add a `model:` section, or replay without.")
    _warn(history, rules, edge, is_clock_moved=asked.until_ms is not None)
    summary = _replayed(asked, settings, events, said)
    for sentence in said.sentences():
        complain(sentence)
    for sentence in events.strangers():
        complain(f"--exclude: {sentence}")
    say_json(orjson.dumps(summary)) if asked.as_json else print_summary(summary)
    return EXIT_PROBLEM if history.bad or history.is_silent or said.bad else EXIT_DONE


def _replayed(asked: _ReplayOptions, settings: Settings, events: Replayed, said: Spoken) -> dict[str, object]:
    """Replay, write what was asked for, and sum up."""
    count = asked.partitions or settings.partitions
    with ExitStack() as stack:
        for opened in (asked.alerts, asked.stages, asked.states, asked.receipts, asked.suppressed):
            if opened is not None:
                stack.enter_context(opened)
        sinks = Sinks(asked.alerts, asked.stages, asked.receipts, asked.suppressed)
        engine = _engine(settings, count, asked.models, learn=asked.learn)
        _run(engine, said.among(_tracked(events)), asked.until_ms, sinks)
        if asked.states is not None:
            for state in engine.states():
                asked.states.write(orjson.dumps(state) + b"\n")
    other = None
    if asked.against is not None:
        other = Sinks()
        others = _engine(settings.replace(catalogue=asked.against), count, asked.models, learn=asked.learn)
        _run(others, said.among(_tracked(events)), asked.until_ms, other)
    summary = _summary(engine, sinks, other, events)
    if asked.commands is not None:
        waiting = sum(len(partition.inbox.waiting) for partition in engine.partitions)
        told = {"done": sinks.answered["done"], "refused": sinks.answered["refused"], "waiting": waiting}
        summary["commands"] = told | {"bad_lines": len(said.bad)}
    if asked.learn:
        summary["model"] = _model_of(engine)
    return summary


def _warn(history: History, rules: Rules, edge: Edge, *, is_clock_moved: bool) -> None:
    """Say what of the history will not count, and why nothing may come of it."""
    unheard = [] if is_clock_moved else history.without_events(rules.basis.feeds)
    for sentence in (*history.sentences(), *edge.sentences(), *history.without_rate(rules.basis.rates), *unheard):
        complain(sentence)


def _engine(settings: Settings, partitions: int, models: Path | None, *, learn: bool) -> Replay:
    """The engine by a catalogue; without a model to score with it takes no snapshots: nobody would learn from them."""
    rules = load_rules(settings)
    alerts_from_ms = settings.alerts_from_ms or 0
    if learn and rules.basis.learning is not None:
        from models.engine.learning_replay import LearningReplay  # River takes a second to import

        return LearningReplay(rules, partitions, alerts_from_ms)
    if models is None:
        return Replay(without_model(rules), partitions, alerts_from_ms)
    from streams.readback.model_dump import load  # River takes a second to import

    return Replay(rules, partitions, alerts_from_ms, load(models, rules).of)


def _run(engine: Replay, taken: Iterable[Event | Command], until_ms: int | None, sinks: Sinks) -> None:
    for number, one in enumerate(taken, start=1):
        engine.take(one)
        if number % DRAIN_EVERY == 0:
            sinks.take(engine.drain())
    if until_ms is not None:
        engine.until(until_ms)
    sinks.take(engine.drain())


def _tracked(events: Replayed) -> Iterator[Event]:
    console = terminal(stderr=True)
    if not console.is_terminal:
        yield from events
        return
    yield from track(events, total=len(events), description="replaying", console=console, transient=True)


def _summary(engine: Replay, sinks: Sinks, other: Sinks | None, events: Replayed) -> dict[str, object]:
    population = Population()
    for partition in engine.partitions:
        population += population_of(partition)
    basis, by_signal = engine.rules.basis, dict[str, dict[str, int]]()
    sells = PURCHASE in basis.feeds
    for (signal, status), count in sorted(sinks.fired.items()):
        by_signal.setdefault(signal, {})[status] = count
    summary: dict[str, object] = {
        "boundary": basis.calendar.text_of(population.boundary) if population.boundary < NEVER else None,
        "zone": basis.calendar.zone,
        "customers": population.customers.total(),
        "stages": dict(sorted((+population.customers).items())),
        "at_risk_now": population.at_risk,
        "spend_at_risk": amount_of(population.spend_at_risk, basis.currency) if sells else None,
        "value_at_risk": amount_of(population.value_at_risk, basis.currency) if sells else None,
        "spend_capped": population.spend_capped,
        "alerts": len(sinks.ids),
        "revisions": sinks.revisions,
        "suppressed": dict(sorted(sinks.held.items())),
        "decided": sum(partition.review.follow_up.decided for partition in engine.partitions),
        "transitions": sinks.transitions,
        "by_signal": by_signal,
        "outcomes": total_counts(partition.ledger for partition in engine.partitions),
        "bad_lines": len(events.history.bad),
        "excluded": events.left_out.total(),
        "files": [one.to_dict() for one in events.history.counts],
        "catalogue": engine.rules.hash,
    }
    if other is not None:
        summary["against"] = _difference(sinks, other)
    return summary


def _model_of(engine: Replay) -> dict[str, object]:
    """What was learned on the way."""
    from models.engine.learning_replay import LearningReplay  # River takes a second to import

    assert isinstance(engine, LearningReplay)  # asked for by --learn
    returned, churned = engine.committee.labels
    return {"is_cold": engine.committee.is_cold, "returned": returned, "churned": churned}


def _difference(ours: Sinks, theirs: Sinks) -> dict[str, dict[str, int]]:
    """By signal: alerts of the first catalogue alone, of the second alone, of both."""
    signals = sorted({*ours.ids.values(), *theirs.ids.values()})
    result = {name: {"only_first": 0, "only_second": 0, "both": 0} for name in signals}
    for alert_id, signal in ours.ids.items():
        result[signal]["both" if alert_id in theirs.ids else "only_first"] += 1
    for alert_id, signal in theirs.ids.items():
        if alert_id not in ours.ids:
            result[signal]["only_second"] += 1
    return result
