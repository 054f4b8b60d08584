"""Where the outputs of a partition go, for every system that is not the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from models.partition import Published

from schemas.topics import Topics

BY_KEY: Final = -1
"""librdkafka's number for a partition that follows from the key."""


class Routed(NamedTuple):
    """One record to be produced."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None


def routed(topics: Topics, partition: int, output: Published) -> Iterator[Routed]:
    """The records of one output, on the topics and partitions where the worker puts them."""
    key = output.customer_id.encode()
    if output.kind in ("lesson", "progress"):
        yield Routed(topics.examples, 0, None, output.payload)
    elif output.kind == "stage":
        yield Routed(topics.stages, partition, key, output.payload)
    else:
        yield Routed(topics.alerts, partition, key, output.payload)
        still_open = output.payload if output.kind == "alert_open" else None
        yield Routed(topics.alerts_open, BY_KEY, output.ref.encode(), still_open)


def is_alert(output: Published) -> bool:
    """Whether an output is a revision of an alert."""
    return output.kind not in ("stage", "lesson", "progress")
