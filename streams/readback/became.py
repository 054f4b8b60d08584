"""What became of alerts, read back from the topics: outcomes of experiments, receipts, alerts sent and held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from schemas.alert import AlertV1
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1
from schemas.suppressed import SuppressedV1
from schemas.topics import Topics
from streams.errors import SetupError
from streams.files.published import outcome_of, record_of
from streams.readback.state import read_topic
from streams.settings import Settings

T = TypeVar("T")


def read_outcomes(settings: Settings) -> Iterator[OutcomeV1]:
    """Every outcome on the topic up to its present end. Raises SetupError without it, and for what is not ours."""
    return _read(settings, Topics(settings.prefix).outcomes, outcome_of)


def read_became(settings: Settings) -> Iterator[AlertV1 | SuppressedV1 | ReceiptV1 | OutcomeV1]:
    """The same with receipts, and with alerts sent and held."""
    topics = Topics(settings.prefix)
    for topic in (topics.alerts, topics.suppressed, topics.receipts, topics.outcomes):
        yield from _read(settings, topic, record_of)


def _read(settings: Settings, topic: str, decode: Callable[[bytes], T]) -> Iterator[T]:
    for _, value in read_topic(settings, topic):
        if value:
            try:
                yield decode(value)
            except (msgspec.MsgspecError, ValueError) as error:
                raise SetupError(f"topic {topic}", f"a record is not ours: {error}", "Check CHURN_PREFIX.") from error
