"""Logging of the programs that run for long: one line an incident, to standard error."""

from __future__ import annotations

import logging
import sys
from typing import Final

from streams.ending import place_of
from streams.log_rate import RateLimit
from streams.text.plain import plain

_CHATTY: Final = ("faust", "mode", "aiokafka")


def log_to_stderr(*, verbose: bool) -> None:
    """Begin to log; `verbose` also lets Faust and the clients speak, and shows where in the program an error arose."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(shows_traces=verbose))
    handler.addFilter(RateLimit())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.INFO if verbose else logging.WARNING)


class LineFormatter(logging.Formatter):
    """One line a record: a text of somebody else can neither begin another line nor act on a terminal.

    An error is told by its type and message at the end of the line; with `shows_traces` its trace follows.
    """

    def __init__(self, *, shows_traces: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._shows_traces = shows_traces

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = plain(f"{self.formatTime(record)} {record.levelname} {record.name} {_message(record)}")
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return line
        if self._shows_traces and record.exc_info:
            return f"{line}\n{self.formatException(record.exc_info)}"
        place = place_of(error)
        return f"{line}: {plain(f'{type(error).__name__}: {error}')}{f' ({place})' if place else ''}"


def _message(record: logging.LogRecord) -> str:
    """What the record says, also where its values do not fit: a slip in a library's log must not end in a trace."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return f"{record.msg} {record.args}"
