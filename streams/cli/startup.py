"""What the programs that run on and on do alike: `worker` and `learner`."""

from __future__ import annotations

import logging
import signal
import sys

from models.catalogue.rules import Rules
from streams.errors import EXIT_DONE
from streams.files.catalogue_file import load_rules
from streams.logs import log_to_stderr
from streams.settings import Settings, environment_settings


def begin(*, verbose: bool) -> tuple[Settings, Rules]:
    """Let signals end the program while nothing has begun (then the loop takes over), log, read what was set."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(EXIT_DONE))
    log_to_stderr(verbose=verbose)
    settings = environment_settings()
    return settings, load_rules(settings)


def say_it_starts(program: str, rules: Rules, address: str) -> None:
    """One line for whoever reads the log."""
    told = "%s starts: catalogue %s, metrics and health at %s"
    logging.getLogger("churn").info(told, program, rules.hash, address)
