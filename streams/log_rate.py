"""Keeps a flood out of a log: clients of a broker that is away say the same a hundred times a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from streams.text.wording import counted

CLIENTS: Final = ("aiokafka", "faust", "mode", "kafka", "asyncio")
"""Beginnings of the names of loggers that speak of one thing, the brokers: together they are one source."""

FIRST_GAP_S: Final = 1.0
LONGEST_GAP_S: Final = 60.0
"""A source that goes on and on is heard more and more rarely, down to once a minute."""

CALM_AFTER_S: Final = 10.0
"""A source that was quiet for so long begins anew."""


class _Source:
    """Of one source: when it may be heard again, and how many of its lines were left out since."""

    __slots__ = ("gap_s", "left_out", "next_at")

    def __init__(self) -> None:
        self.next_at, self.gap_s, self.left_out = 0.0, FIRST_GAP_S, 0


class RateLimit(logging.Filter):
    """Lets a line of a source pass a second at most, of a flood fewer; the next line says how many were left out.

    Loggers of the clients are one source together. Of our own only warnings and errors are held back, and only those
    that say exactly the same again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._sources: dict[str, _Source] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        source, now = self._source_of(record), self._clock()
        if source is None:
            return True
        if now < source.next_at:
            source.left_out += 1
            return False
        is_calm = now - source.next_at > CALM_AFTER_S
        source.gap_s = min(2 * source.gap_s, LONGEST_GAP_S) if source.left_out and not is_calm else FIRST_GAP_S
        source.next_at = now + source.gap_s
        if source.left_out:
            record.msg = f"{record.getMessage()} ({counted(source.left_out, 'more line')} left out)"
            record.args, source.left_out = (), 0
        return True

    def _source_of(self, record: logging.LogRecord) -> _Source | None:
        if record.name.partition(".")[0] in CLIENTS:
            return self._sources.setdefault("clients", _Source())
        if record.levelno < logging.WARNING:
            return None
        if len(self._sources) > 1_000:  # texts differ for ever: nothing is worth remembering for ever
            self._sources = {name: one for name, one in self._sources.items() if self._clock() < one.next_at}
        return self._sources.setdefault(f"{record.name}\0{record.getMessage()}", _Source())


def librdkafka_log() -> logging.Logger:
    """The logger of every librdkafka client: one line a second at most, whoever listens."""
    log = logging.getLogger("librdkafka")
    if not log.filters:
        log.addFilter(_AsOne())
    return log


class _AsOne(RateLimit):
    """Whatever a logger says is one source."""

    def _source_of(self, record: logging.LogRecord) -> _Source | None:  # noqa: ARG002 - all alike
        return self._sources.setdefault("", _Source())
