"""Every command of the program with the least it asks for, taken from the program itself, and how a run must end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from streams.__main__ import program
from support.many_runs import Case, Ended


@dataclass(frozen=True, slots=True)
class Verb:
    """A command that does something, by the words that call it."""

    words: tuple[str, ...]
    command: click.Command

    def options(self, *kinds: object) -> Iterator[str]:
        """Its options of some types."""
        for param in self.command.params:
            if isinstance(param, click.Option) and any(
                param.type is kind or (isinstance(kind, type) and type(param.type) is kind) for kind in kinds
            ):
                yield param.opts[0]


def verbs(command: click.Command = program, words: tuple[str, ...] = ()) -> Iterator[Verb]:
    if not isinstance(command, click.Group):
        yield Verb(words, command)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from verbs(below, (*words, name))


GOOD_CATALOGUE = "deploy/catalogues/purchases.yaml"
VERBS = list(verbs())
READS_STDIN_OF_NO_ONE = {"watch": ("--once",)}
"""What a command needs to run without a terminal."""


def arguments(verb: Verb, folder: Path) -> list[str]:
    """The least that a command asks for, all of it good. A new kind of required parameter must be added here."""
    good = {
        "files": str(folder / "good.jsonl"), "horizon_days": "14",
        "file": str(folder / "good.jsonl") if verb.words[0] == "mapping" else GOOD_CATALOGUE,
        "risk_set_days": "14", "out": str(folder / f"out-{'-'.join(verb.words)}"), "folder": str(folder / "contract"),
        "alert_id": "0123456789abcdef" * 2, "result": "kept", "customer_id": "f1", "until_ms": "7d", "alias": "f2",
    }  # fmt: skip
    found = [*verb.words, *READS_STDIN_OF_NO_ONE.get(verb.words[-1], ())]
    for param in verb.command.params:
        if param.required or param.name == "files":  # which --live stands in for
            assert param.name in good, f"{' '.join(verb.words)}: give {param.name} a good value in this test"
            found += [good[param.name]] if isinstance(param, click.Argument) else [param.opts[0], good[param.name]]
    if verb.words == ("customer",):
        found.append("f1")
    if verb.words == ("replay",):
        found += ["--catalogue", GOOD_CATALOGUE, "--until", "2026-02-15T00:00:00Z", "--partitions", "1"]
    if verb.words == ("simulate",):
        found += ["--customers", "5", "--days", "20"]
    if verb.words == ("dead-letters", "replay"):
        found.append("--yes")
    return found


def check(ran: list[tuple[Case, Ended]], *codes: int) -> None:
    """No trace, no fault, nothing that acts on a terminal, an exit code that is documented, and a reason if not 0."""
    wrong = []
    for case, ended in ran:
        told = ended.out + ended.err
        is_well = (
            ended.code in (codes or (0, 1, 2, 3, 70))
            and "Traceback" not in told
            and "a fault in the program" not in told
            and "Exception ignored" not in told
            and not set(told) & set("\x1b\x07\x9b\u202e")
            and (ended.code in (0, 130, 143) or told.strip())
            and len(ended.err) < 20_000
        )
        if not is_well:
            wrong.append(f"{case}\n    {ended}")
    assert not wrong, "\n".join(wrong)


def nowhere() -> dict[str, str]:
    """A broker that is none: nobody listens at its port."""
    return {"CHURN_BOOTSTRAP": "127.0.0.1:1", "CHURN_METRICS_PORT": "0"}


def asks_broker(ended: Ended) -> bool:
    return "no broker answers" in ended.out + ended.err
