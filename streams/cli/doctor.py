"""`churn-signals doctor`: everything that is commonly wrong, looked at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click
import orjson

from streams.diagnosis.diagnosis import diagnose
from streams.errors import EXIT_SETUP
from streams.settings import environment_settings
from streams.text.plain import plain
from streams.text.terminal import say, say_json

MARKS: Final = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


@click.command(epilog="\b\nExamples:\n  churn-signals doctor\n  churn-signals doctor --json")
@click.option("--json", "as_json", is_flag=True, help="The observations as a JSON list.")
def doctor(*, as_json: bool) -> None:
    """Look for what is wrong with broker, topics, permissions, clock; exit code 2 when something is."""
    observations = []
    for observation in diagnose(environment_settings()):
        observations.append(observation)
        if not as_json:
            say(plain(f"{MARKS[observation.level]} {observation.subject}: {observation.text}"))
    if as_json:
        say_json(orjson.dumps([asdict(observation) for observation in observations]))
    if any(observation.level == "problem" for observation in observations):
        click.get_current_context().exit(EXIT_SETUP)
