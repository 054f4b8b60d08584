"""What the programs that run on and on do alike: `worker`, `learner` and `dispatcher`."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from models.catalogue.rules import Rules
from streams.clock import now_ms
from streams.errors import EXIT_DONE
from streams.files.catalogue_file import load_rules
from streams.health import serve_health
from streams.kafka.connection import librdkafka_config
from streams.kafka.topic_reader import read_messages
from streams.logs import log_to_stderr
from streams.settings import Settings, environment_settings

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from models.calendar import Calendar
    from streams.agents.sole import SoleAgent
    from streams.transport.app import Inputs
    from streams.transport.changelog import Changelog
    from streams.transport.producer import Outputs
    from streams.transport.status import Status

A = TypeVar("A", bound="SoleAgent")


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


def run_sole(
    settings: Settings,
    rules: Rules,
    *,
    inputs: Inputs,
    state_topic: str,
    agent: Callable[[Outputs, Changelog], A],
    metrics: Callable[[A, Status, Calendar, Callable[[], int]], Collector],
) -> int:
    """Run an agent that is alone in the deployment, with its page; it is made from what it writes to.

    Its state is a record for each key on a topic of one partition. Returns the exit code.
    """
    # Faust takes a second to import: wrong settings are told before.
    from streams.transport.app import build_app
    from streams.transport.changelog import Changelog
    from streams.transport.producer import Outputs
    from streams.transport.record_state import RecordState
    from streams.transport.run import run_worker

    outputs = Outputs(librdkafka_config(settings))
    changelog = Changelog(outputs, state_topic)
    sole = agent(outputs, changelog)
    app = build_app(settings, sole, outputs=outputs, state=RecordState(changelog, sole), inputs=inputs)
    sole.progress = app.status.worked
    with serve_health(settings, app.status, metrics(sole, app.status, rules.basis.calendar, now_ms)) as page:
        say_it_starts(inputs.agent, rules, page.address)
        return run_worker(app, page.last_word)


def say_it_starts(program: str, rules: Rules, address: str) -> None:
    """One line for whoever reads the log."""
    told = "%s starts: catalogue %s, metrics and health at %s"
    logging.getLogger("churn").info(told, program, rules.hash, address)
