"""Notices topics that were deleted and made again: their offsets begin anew, and all would look like redeliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from models.engine.ledger import COMMANDS, MOVED
from models.engine.partition import Partition
from schemas.topics import Topics
from streams.transport.errors import StopWorkerError

LOOK_EVERY_S = 1.0
LOOKS = 5
"""Looks in a row that must see the same before the worker stops: a broker that has just started may tell of an end that
it moves a moment later."""


def find_restarted(
    partitions: Mapping[int, Partition], idle_of: Callable[[int], Mapping[str, int]], topics: Topics
) -> StopWorkerError | None:
    """Why the worker must stop, when a topic was read to its end and that lies before what was read in earlier times.

    `idle_of`: of a partition, the topics of which everything there is was taken, with the offset up to which. A new
    topic that has grown beyond the old one already is not recognised.
    """
    for number, partition in partitions.items():
        idle = idle_of(number)
        places = [*enumerate(topics.events), (COMMANDS, topics.commands), (MOVED, topics.moved)]
        for place, topic in places:
            read = partition.ledger.covered[place] + 1
            if idle.get(topic, read) < read:
                return StopWorkerError(
                    f"{topic}/{number} ends at offset {idle[topic]}, but was read up to {read} before: the topic was "
                    "made anew or cut off. Offsets and state no longer agree: raise CHURN_APP_VERSION and begin with a "
                    "new changelog"
                )
    return None


async def watch_for_restarted(
    partitions: Mapping[int, Partition],
    idle_of: Callable[[int], Mapping[str, int]],
    fail: Callable[[StopWorkerError], Awaitable[None]],
    topics: Topics,
) -> None:
    """Look for ever, once a second; `fail` ends the worker once several looks in a row agree."""
    seen = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        reason = find_restarted(partitions, idle_of, topics)
        seen = 0 if reason is None else seen + 1
        if reason is not None and seen >= LOOKS:
            await fail(reason)
            return
