"""`churn-signals catalogue check FILE`: every mistake of a signal catalogue, with its line and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import orjson

from models.alerts.attention.contacts import can_wait, contacts
from models.calendar import date_of
from models.catalogue.rules import Rules
from models.catalogue.suggestion import did_you_mean
from models.config import Basis
from models.customers.sketch import MIN_VALUES
from streams.errors import EXIT_DONE, EXIT_PROBLEM
from streams.files.catalogue_file import (
    BadCatalogueError,
    PlacedMistake,
    default_text,
    load_rules,
    notes_on,
    own_owners,
)
from streams.settings import environment_settings
from streams.text.plain import plain
from streams.text.terminal import complain, say, say_json
from streams.text.wording import counted


@click.group()
def catalogue() -> None:
    """Validate a signal catalogue, show the one in the product, or say which one judges since when."""


@catalogue.command(
    epilog="\b\nExamples:\n  churn-signals catalogue check mine.yaml\n  churn-signals catalogue check mine.yaml --json"
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The mistakes as a JSON list.")
def check(*, file: Path, as_json: bool) -> int:
    """Say what is wrong with a catalogue, line by line; exit code 1 when anything is."""
    settings = environment_settings().replace(catalogue=file)
    try:
        rules = load_rules(settings)
    except BadCatalogueError as error:
        _print(file, error.mistakes, as_json=as_json)
        return EXIT_PROBLEM
    message = f"{file}: {len(rules.signals)} signals, no mistakes; catalogue {rules.hash}"
    say("[]" if as_json else message)
    if rules.hit_rates.by_signal and not as_json:
        known = sum(rules.hit_rate_of(signal.id) is not None for signal in rules.signals)
        others = sorted(rules.hit_rates.by_signal.keys() - {signal.id for signal in rules.signals})
        left = f"; of no signal here: {', '.join(others)}" if others else ""
        say(plain(f"{file}: hit rates of {counted(known, 'signal')}, until {rules.hit_rates.until[:10]}{left}"))
    for note in [] if as_json else _notes(file, rules):
        say(plain(f"{file}: note: {note}"))
    return EXIT_DONE


def _on_running(basis: Basis) -> list[str]:
    """Which constants run, and from when on."""
    if basis.learning is None:
        return [
            f"{name} stays {one.start:g}: constants run by the model, which is off"
            for name, one in basis.running.items()
        ]
    return [
        f"{name} is {one.start:g} until {counted(MIN_VALUES, 'value')} of {one.of} are known, then a {one.quantile:g} "
        "quantile of them"
        for name, one in basis.running.items()
    ]


def _notes(file: Path, rules: Rules) -> list[str]:
    return [*notes_on(file), *_on_owners(file, rules), *_on_contacts(rules), *_on_running(rules.basis)]


def _on_owners(file: Path, rules: Rules) -> list[str]:
    """Owners of the file itself who have nothing to answer: most are typing errors."""
    asked = {rules.outage_alert.owner, *(signal.owner for signal in rules.signals), *rules.escalates_to.values()}
    found = [name for name in own_owners(file) if name not in asked]
    told = "no signal has this owner, and nothing is escalated to them"
    return [f"owners.{name}: {told}. {did_you_mean(name, asked)}".strip() for name in found]


def _on_contacts(rules: Rules) -> list[str]:
    """How often customers are suggested to be contacted, and which signals wait for that."""
    waiting = [signal.id for signal in rules.signals if can_wait(signal)]
    at_once = [signal.id for signal in rules.signals if contacts(signal) and not can_wait(signal)]
    if not waiting and not at_once:
        return []
    if not rules.contact_days:
        return ["nothing limits how often a customer is suggested to be contacted: `attention: {contact_days: N}` does"]
    told = f"a customer is suggested to be contacted once in {counted(rules.contact_days, 'day')}"
    others = f"; those of {', '.join(at_once)} do not" if at_once else ""
    return [f"{told}: alerts of {counted(len(waiting), 'signal')} wait, unless they are critical{others}"]


def _print(file: Path, mistakes: list[PlacedMistake], *, as_json: bool) -> None:
    if as_json:
        found = [{"line": at.line, "path": ".".join(at.mistake.path), "reason": at.mistake.reason} for at in mistakes]
        say_json(orjson.dumps(found))
        return
    for at in mistakes:
        say(plain(f"{file}:{str(at).removeprefix('line ')}"))


@catalogue.command(epilog="\b\nExamples:\n  churn-signals catalogue history\n  churn-signals catalogue history --json")
@click.option("--json", "as_json", is_flag=True, help="A line for each partition and catalogue.")
def history(*, as_json: bool) -> int:
    """Which catalogue judges since when, and how `replay` decides the same; read from the changelog."""
    from streams.readback.decided import read_decided  # the broker's client takes its time

    found = read_decided(environment_settings())
    if as_json:
        for number, one in sorted(found.items()):
            for at, name in one.judged_by:
                say_json(orjson.dumps({"partition": number, "since": date_of(at), "catalogue": name}))
        return EXIT_DONE
    of: dict[tuple[tuple[int, str], ...], list[int]] = {}
    for number, one in sorted(found.items()):
        of.setdefault(one.judged_by, []).append(number)
    if not any(of):
        complain("no midnight was passed yet: no catalogue has judged anybody")
        return EXIT_PROBLEM
    for judged_by, numbers in of.items():
        for line in _history(judged_by, "" if len(of) == 1 else f"partition {', '.join(map(str, numbers))}: "):
            say(line)
    ours = load_rules(environment_settings()).hash
    say(f"CHURN_CATALOGUE here is {ours}. To decide alike: churn-signals replay FILE… {_options(of)}")
    return EXIT_DONE


def _history(judged_by: tuple[tuple[int, str], ...], where: str) -> list[str]:
    """A line for each catalogue."""
    return [f"{where}catalogue {name} from the midnight {date_of(at)} on" for at, name in judged_by]


def _options(of: Mapping[tuple[tuple[int, str], ...], list[int]]) -> str:
    """What `replay` is to be given: hashes stand for the files."""
    first = next(judged_by[0][1] for judged_by in of if judged_by)
    found = [f"--catalogue FILE[{first}]"]
    for judged_by, numbers in of.items():
        for at, name in judged_by[1:]:
            places = [""] if len(of) == 1 else [f"{number}:" for number in numbers]
            found += [f"--then {place}{date_of(at - 1)}=FILE[{name}]" for place in places]
    return " ".join(found)


@catalogue.command(epilog="\b\nExample:\n  churn-signals catalogue show > mine.yaml")
def show() -> int:
    """Print the catalogue in the product: the best start for one's own."""
    say(default_text(), nl=False)
    return EXIT_DONE
