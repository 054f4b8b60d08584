"""Where the outputs of a partition go, for every system that is not the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from models.engine.review import Message
from schemas.alert import AlertV1, encode_alert, revision_key
from schemas.example import encode_lesson, lesson_key
from schemas.outcome import OutcomeV1, encode_outcome
from schemas.receipt import ReceiptV1, encode_receipt, receipt_key
from schemas.reviewed import ReviewedV1, concerns_lists, encode_reviewed, reviewed_key
from schemas.stage import StageChangeV1, encode_stage_change
from schemas.suppressed import SuppressedV1, encode_suppressed
from schemas.topics import Topics

SNAPSHOT_S: Final = 10.0
"""How often those beside the worker that keep snapshots write one; the worker does after ten seconds of work."""


class Routed(NamedTuple):
    """One record to be produced."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None


def routed(topics: Topics, partition: int, message: Message) -> Iterator[Routed]:
    """The records of one decision, on the topics and partitions where the worker puts them."""
    if isinstance(message, AlertV1):
        payload = encode_alert(message)
        yield Routed(topics.alerts, partition, revision_key(message), payload)
        if concerns_lists(message):
            yield Routed(topics.attention, 0, revision_key(message), payload)
        still_open = payload if message.is_open else None
        yield Routed(topics.alerts_open, partition, message.alert_id.encode(), still_open)
    elif isinstance(message, StageChangeV1):
        yield Routed(topics.stages, partition, message.id.encode(), encode_stage_change(message))
    elif isinstance(message, ReceiptV1):
        yield Routed(topics.receipts, partition, receipt_key(message), encode_receipt(message))
    elif isinstance(message, SuppressedV1):
        yield Routed(topics.suppressed, partition, revision_key(message.alert), encode_suppressed(message))
    elif isinstance(message, OutcomeV1):
        yield Routed(topics.outcomes, partition, message.alert_id.encode(), encode_outcome(message))
    elif isinstance(message, ReviewedV1):
        yield Routed(topics.attention, 0, reviewed_key(message), encode_reviewed(message))
    else:
        payload = encode_lesson(message)
        yield Routed(topics.examples, 0, lesson_key(message, payload), payload)


def encoded(message: Message) -> bytes:
    """The value of the record that a decision becomes."""
    if isinstance(message, AlertV1):
        return encode_alert(message)
    if isinstance(message, ReceiptV1):
        return encode_receipt(message)
    if isinstance(message, SuppressedV1):
        return encode_suppressed(message)
    if isinstance(message, OutcomeV1):
        return encode_outcome(message)
    if isinstance(message, ReviewedV1):
        return encode_reviewed(message)
    return encode_stage_change(message) if isinstance(message, StageChangeV1) else encode_lesson(message)
