"""Logging of the programs that run for long: one line an incident, to standard error."""

from __future__ import annotations

import logging
import sys

from streams.log_rate import RateLimit


def log_to_stderr(*, verbose: bool) -> None:
    """Begin to log; `verbose` also lets Faust and the clients speak."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(RateLimit())
    for chatty in ("faust", "mode", "aiokafka"):
        logging.getLogger(chatty).setLevel(logging.INFO if verbose else logging.WARNING)
