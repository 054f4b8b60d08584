"""`churn-signals replay FILE…`: the engine without Kafka, in order of time: what the alerts must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import click
import orjson
from rich.progress import track
from rich.table import Table

from models.catalogue.rules import Rules, without_model
from models.engine.ledger import total_counts
from models.engine.population import Population, population_of
from models.engine.replay import Replay
from models.engine.review import Message
from schemas.alert import AlertV1, Status, encode_alert
from schemas.event import Event
from schemas.stage import StageChangeV1, encode_stage_change
from streams import clock
from streams.catalogue_file import load_rules
from streams.cli.instant import INSTANT
from streams.cli.model import labels_told
from streams.cli.output import OUTPUT, Output, refuse_overwriting
from streams.edge import Edge
from streams.errors import EXIT_DONE, EXIT_PROBLEM, SetupError
from streams.history import History
from streams.packed_history import PackedHistory, read_packed
from streams.settings import Settings, environment_settings
from streams.tables import load_mapping
from streams.terminal import complain, say_json, terminal
from streams.wording import counted

EXAMPLES = """\b
Examples:
  churn-signals replay events.jsonl.gz --alerts alerts.jsonl --states states.jsonl
  churn-signals replay CDNOW_master.txt --catalogue purchases.yaml --until 1998-07-02T00:00:00Z
  churn-signals replay events.jsonl --against mine.yaml
  churn-signals replay events.jsonl.gz --learn
"""


DRAIN_EVERY = 20_000
"""Events after which what was decided is written: memory stays bounded."""


@dataclass
class Sinks:
    """Files for what a replay publishes, and counts of it."""

    alerts: Output | None
    stages: Output | None
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    revisions: int = 0
    transitions: int = 0
    ids: dict[str, str] = field(default_factory=dict)

    def take(self, messages: Iterable[Message]) -> None:
        """Write and count."""
        for message in messages:
            if isinstance(message, StageChangeV1):
                self.transitions += 1
                if self.stages is not None:
                    _write(self.stages, encode_stage_change(message))
            elif isinstance(message, AlertV1):
                self._take_alert(message)

    def _take_alert(self, alert: AlertV1) -> None:
        self.revisions += 1
        if self.alerts is not None:
            _write(self.alerts, encode_alert(alert))
        self.fired[alert.signal, alert.status] += 1
        self.ids.setdefault(alert.alert_id, alert.signal)


@click.command(epilog=EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mapping", "mapping_name", help="How tables become events: a YAML file, or a built-in name (cdnow).")
@click.option("--alerts", type=OUTPUT, help="Write every revision of every alert, a line each.")
@click.option("--stages", type=OUTPUT, help="Write every transition of the lifecycle, a line each.")
@click.option("--states", type=OUTPUT, help="Write every customer's record, canonical, a line each.")
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
@click.option("--exclude", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Event ids to leave out.")
@click.option("--catalogue", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Rules to replay with.")
@click.option(
    "--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Other rules: what differs."
)
@click.option(
    "--models",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Versions of the model and which was used when, by `model dump`; without them the model says nothing.",
)
@click.option("--learn", is_flag=True, help="Learn the model on the way, as a learner beside the workers would have.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def replay(  # noqa: PLR0913 - one for each option
    *,
    files: tuple[Path, ...],
    mapping_name: str | None,
    alerts: Output | None,
    stages: Output | None,
    states: Output | None,
    until_ms: int | None,
    partitions: int | None,
    shift_by: int,
    now_ms: int | None,
    exclude: Path | None,
    catalogue: Path | None,
    against: Path | None,
    models: Path | None,
    learn: bool,
    as_json: bool,
) -> int:
    """Run the engine over event files without Kafka: what the worker publishes must equal this, id by id."""
    if learn and models is not None:
        raise click.UsageError("--learn makes versions of the model of its own: give it or --models, not both.")
    refuse_overwriting([*files, exclude, catalogue, against, models], [alerts, stages, states])
    settings = environment_settings()
    if catalogue is not None:
        settings = settings.replace(catalogue=catalogue)
    edge = Edge(now_ms, clock.now_ms(), shift_by)
    history = read_packed(files, load_mapping(mapping_name) if mapping_name else None, edge.check)
    rules = load_rules(settings)
    if learn and rules.basis.learning is None:
        raise SetupError("--learn", "the catalogue has no model", "Add a `model:` section, or replay without.")
    _warn(history, rules, edge, is_clock_moved=until_ms is not None)
    excluded = set() if exclude is None else set(exclude.read_text().split())
    events = _Events(history, shift_by, excluded)
    count = partitions or settings.partitions
    with ExitStack() as stack:
        for opened in (alerts, stages, states):
            if opened is not None:
                stack.enter_context(opened)
        sinks = Sinks(alerts, stages)
        engine = _run(_engine(settings, count, models, learn=learn), events, until_ms, sinks)
        if states is not None:
            for state in engine.states():
                _write(states, orjson.dumps(state))
    other = None
    if against is not None:
        other = Sinks(None, None)
        _run(_engine(settings.replace(catalogue=against), count, models, learn=learn), events, until_ms, other)
    summary = _summary(engine, sinks, other, len(history.bad))
    if learn:
        summary["model"] = _model_of(engine)
    say_json(orjson.dumps(summary)) if as_json else _print(summary)
    return EXIT_PROBLEM if history.bad else EXIT_DONE


def _warn(history: History, rules: Rules, edge: Edge, *, is_clock_moved: bool) -> None:
    """Say what of the history will not count, and why nothing may come of it."""
    unheard = [] if is_clock_moved else history.without_events(rules.basis.feeds)
    for sentence in (*history.bad_told(), *edge.told(), *history.without_rate(rules.basis.rates), *unheard):
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
    from streams.model_dump import load  # River takes a second to import

    return Replay(rules, partitions, alerts_from_ms, load(models, rules).of)


class _Events:
    """The events to replay, as often as they are asked for."""

    def __init__(self, history: PackedHistory, shift_days: int, excluded: set[str]) -> None:
        self._history, self._shift_days, self._excluded = history, shift_days, excluded

    def __len__(self) -> int:
        return len(self._history.runs)

    def __iter__(self) -> Iterator[Event]:
        return (one for one in self._history.replayed(self._shift_days) if one.id not in self._excluded)


def _run(engine: Replay, events: _Events, until_ms: int | None, sinks: Sinks) -> Replay:
    for number, event in enumerate(_tracked(events), start=1):
        engine.take(event)
        if number % DRAIN_EVERY == 0:
            sinks.take(engine.drain())
    if until_ms is not None:
        engine.until(until_ms)
    sinks.take(engine.drain())
    return engine


def _tracked(events: _Events) -> Iterator[Event]:
    console = terminal(stderr=True)
    if not console.is_terminal:
        yield from events
        return
    yield from track(events, total=len(events), description="replaying", console=console, transient=True)


def _summary(engine: Replay, sinks: Sinks, other: Sinks | None, bad: int) -> dict[str, object]:
    population = Population()
    for partition in engine.partitions:
        population += population_of(partition)
    by_signal: dict[str, dict[str, int]] = {}
    for (signal, status), count in sorted(sinks.fired.items()):
        by_signal.setdefault(signal, {})[status] = count
    summary: dict[str, object] = {
        "customers": population.customers.total(),
        "stages": dict(sorted((+population.customers).items())),
        "at_risk_now": population.at_risk,
        "spend_at_risk": population.spend_at_risk / 100,
        "value_at_risk": population.value_at_risk / 100,
        "spend_capped": population.spend_capped,
        "alerts": len(sinks.ids),
        "revisions": sinks.revisions,
        "transitions": sinks.transitions,
        "by_signal": by_signal,
        "outcomes": total_counts(partition.ledger for partition in engine.partitions),
        "bad_lines": bad,
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


def _model_told(model: dict[str, int]) -> str:
    state = "cold, it raises no alerts yet" if model["is_cold"] else "warm"
    return f"model: {state}; {labels_told(model['returned'], model['churned'])}"


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


def _print(summary: dict[str, object]) -> None:
    console = terminal()
    stages = summary["stages"]
    assert isinstance(stages, dict)
    shown = f" ({', '.join(f'{count:,} {stage}' for stage, count in stages.items())})" if stages else ""
    console.print(f"{_counted(summary, 'customer')}{shown}; {summary['at_risk_now']:,} at risk now")
    model = summary.get("model")
    if isinstance(model, dict):
        console.print(_model_told(model))
    if summary["spend_capped"]:
        told = f"{summary['spend_capped']:,} of them spent more than is counted, 90 million million of the currency"
        console.print(f"{told}: look at the catalogue's rates and at who posts these amounts")
    console.print(f"{_counted(summary, 'alert')} in {_counted(summary, 'revision')}")
    statuses = get_args(Status)
    by_signal = summary["by_signal"]
    assert isinstance(by_signal, dict)
    table = Table("signal", *statuses)
    for signal, counts in by_signal.items():
        table.add_row(signal, *(f"{counts.get(status, 0):,}" for status in statuses))
    console.print(table)
    against = summary.get("against")
    if isinstance(against, dict):
        table = Table("signal", "alerts of both", "of the first alone", "of the second alone")
        for signal, row in against.items():
            table.add_row(signal, f"{row['both']:,}", f"{row['only_first']:,}", f"{row['only_second']:,}")
        console.print(table)


def _counted(summary: dict[str, object], noun: str) -> str:
    number = summary[f"{noun}s"]
    assert isinstance(number, int)
    return counted(number, noun)


def _write(opened: Output, payload: bytes) -> None:
    opened.write(payload + b"\n")
