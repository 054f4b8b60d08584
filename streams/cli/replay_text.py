"""The summary of a replay as text."""

from __future__ import annotations

from typing import get_args

from rich.table import Table

from schemas.alert import Status
from streams.cli.model import labels_told
from streams.text.terminal import terminal
from streams.text.wording import counted, moment


def print_summary(summary: dict[str, object]) -> None:
    """Print it to standard output."""
    console = terminal()
    stages = summary["stages"]
    assert isinstance(stages, dict)
    shown = f" ({', '.join(f'{count:,} {stage}' for stage, count in stages.items())})" if stages else ""
    console.print(f"{_counted(summary, 'customer')}{shown}; {summary['at_risk_now']:,} at risk{_as_of(summary)}")
    console.print(_not_counted(summary), end="")
    model = summary.get("model")
    if isinstance(model, dict):
        console.print(_model_told(model))
    if summary["spend_capped"]:
        told = f"{summary['spend_capped']:,} of them spent more than is counted, 90 million million of the currency"
        console.print(f"{told}: look at the catalogue's rates and at who posts these amounts")
    commands = summary.get("commands")
    if isinstance(commands, dict):
        told = ", ".join(f"{commands[name]:,} {name}" for name in ("done", "refused", "waiting") if commands[name])
        console.print(f"commands: {told or 'none'}")
    console.print(f"{_counted(summary, 'alert')} in {_counted(summary, 'revision')}{_held(summary)}")
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


def _held(summary: dict[str, object]) -> str:
    """What was decided and not sent, by rule; nothing where all was sent."""
    held = summary["suppressed"]
    assert isinstance(held, dict)
    told = ", ".join(f"{count:,} {rule.replace('_', ' ')}" for rule, count in held.items())
    return f" that were sent; of {summary['decided']:,} decided the others were held: {told}" if told else ""


def _as_of(summary: dict[str, object]) -> str:
    """The midnight up to which the events have decided: those of later days are taken, not judged."""
    if not isinstance(summary["boundary"], str):
        return ": no midnight has passed, nobody is judged yet (`--until` moves the clock)"
    return f" as of {moment(summary['boundary'], str(summary['zone']))}"


def _not_counted(summary: dict[str, object]) -> str:
    """Events that came twice or too late, by their number; nothing where all counted."""
    outcomes = summary["outcomes"]
    assert isinstance(outcomes, dict)
    words = {"duplicate": "events that came again and count once", "late": "events too late to count"}
    found = {told: sum(counts[name] for counts in outcomes.values()) for name, told in words.items()}
    told = "; ".join(f"{words}: {number:,}" for words, number in found.items() if number)
    return f"{told}\n" if told else ""


def _counted(summary: dict[str, object], noun: str) -> str:
    number = summary[f"{noun}s"]
    assert isinstance(number, int)
    return counted(number, noun)


def _model_told(model: dict[str, int]) -> str:
    state = "cold, it raises no alerts yet" if model["is_cold"] else "warm"
    return f"model: {state}; {labels_told(model['returned'], model['churned'])}"
