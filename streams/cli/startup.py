"""What the programs that run on and on do alike: `worker`, `learner` and `dispatcher`."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator

from models.catalogue.rules import Rules
from streams.errors import EXIT_DONE
from streams.files.catalogue_file import load_rules
from streams.kafka.topic_reader import read_messages
from streams.logs import log_to_stderr
from streams.settings import Settings, environment_settings


def begin(*, verbose: bool) -> tuple[Settings, Rules]:
    """Let signals end the program while nothing has begun (then the loop takes over), log, read what was set."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(EXIT_DONE))
    log_to_stderr(verbose=verbose)
    settings = environment_settings()
    return settings, load_rules(settings)


def records_of(settings: Settings, topic: str, purpose: str) -> Callable[[int], Iterator[tuple[int, bytes | None]]]:
    """Read a topic of one partition from an offset to its present end: (offset, value). See `agents.sole.Reader`."""

    def read(first: int) -> Iterator[tuple[int, bytes | None]]:
        for message in read_messages(settings, topic, [0], purpose=purpose, first=first):
            yield int(message.offset() or 0), message.value()

    return read


def say_it_starts(program: str, rules: Rules, address: str) -> None:
    """One line for whoever reads the log."""
    told = "%s starts: catalogue %s, metrics and health at %s"
    logging.getLogger("churn").info(told, program, rules.hash, address)
