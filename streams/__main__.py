"""The program: `churn-signals COMMAND`, or `python -m streams COMMAND`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from streams.ending import run_to_end

COMMANDS: Final[dict[str, str]] = {
    "worker": "Run the agents: events in, alerts out.",
    "learner": "Learn from what became of customers: the model.",
    "dispatcher": "Give each owner a list of the day.",
    "topics": "Create or check the topics.",
    "produce": "Post event files, merged by event time.",
    "mapping": "See what a mapping makes of a file; have one proposed.",
    "tick": "Post the time, as data, to every partition.",
    "replay": "The same engine without Kafka: what the alerts must be.",
    "signals": "How often those alerted came back by themselves, by signal.",
    "uplift": "What telling is worth: those told against those held out.",
    "precision": "How often signals are right, and thresholds to think about.",
    "backtest": "Learn on line over history and judge every score.",
    "simulate": "Make synthetic customers of known kinds.",
    "alerts": "Read the alerts, the highest revision of each.",
    "digest": "Who is to be called today, owner by owner.",
    "ack": "Take an alert on: it is not escalated.",
    "outcome": "Say what came of an alert.",
    "snooze": "Not now: nothing of an alert is sent for a while.",
    "opt-out": "Leave a customer alone.",
    "opt-in": "A customer may be told of again.",
    "erase": "Forget a customer, for ever.",
    "merge": "Two ids are one customer.",
    "model": "The model that was learned: version, quality, experts.",
    "watch": "A live board: at risk now, stages, alerts, rates, lag.",
    "customer": "One customer: stage, numbers, reasons, open alerts.",
    "catalogue": "Validate a signal catalogue.",
    "dead-letters": "Look at rejected records and post them again.",
    "doctor": "Look for what is wrong with broker, topics, permissions, clock.",
    "settings": "Show the effective settings, secrets masked.",
    "schemas": "Export JSON Schemas and AsyncAPI.",
}
"""Command and what it does; `streams/cli/<command>.py` holds it under its name, dashes as underscores."""

EXAMPLES: Final = """\b
Examples:
  churn-signals topics create
  churn-signals worker
  churn-signals produce events.jsonl.gz
  churn-signals watch
  churn-signals alerts --open
  churn-signals doctor

\b
Settings are CHURN_* in the environment (`churn-signals settings --list`).
Exit codes: 0 done, 1 the work found a problem or a fault, 2 wrong usage or
settings, 3 stopped at the dead-letter limit, 70 stopped because nothing
moved, 130 and 143 ended by Ctrl-C and SIGTERM.
"""


class _Commands(click.Group):
    """Imports a command when it is asked for: `--help` and the small commands stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"streams.cli.{name}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"streams.cli.{name}.{name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="churn-signals")
def program() -> None:
    """Say, while there is still time, which customers are drifting away and why."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code; whatever goes wrong is said in one message, not a traceback."""
    sys.exit(run_to_end(lambda: program.main(args=arguments, prog_name="churn-signals", standalone_mode=False)))


if __name__ == "__main__":
    main()
