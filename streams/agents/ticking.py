"""The clock as data: once a minute a partition's owner writes the time, and which feeds had nothing left to read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from models.engine.partition import Partition
from schemas.event import FEEDS
from schemas.tick import Tick, encode_tick
from schemas.topics import Topics

TICK_EVERY_S = 60.0
"""Silence is judged in days; a minute keeps a quiet feed's clock close to the wall's and costs nothing."""


def due_tick(partition: Partition, idle: Collection[str], topics: Topics, now_ms: int) -> Tick | None:
    """The tick of a partition, None while its stream is not live.

    A stream is live when its newest event is within the bound of lateness: history that is being posted must not be
    overtaken by the clock, which would make all of it late. `idle`: the topics of which everything there is was taken;
    the tick names the partition's own position in them, as the broker's end counts markers and deleted records too.
    """
    newest = max(partition.watermark.highs)
    if newest < now_ms - partition.basis.lateness_ms:
        return None
    covered = partition.ledger.covered
    feeds = {FEEDS[feed]: covered[feed] + 1 for feed, topic in enumerate(topics.events) if topic in idle}
    return Tick(now_ms, feeds) if feeds else None


async def keep_time(
    partitions: Mapping[int, Partition],
    idle_of: Callable[[int], Collection[str]],
    send: Callable[[int, bytes], None],
    topics: Topics,
    now_ms: Callable[[], int],
) -> None:
    """Write ticks for ever, one per owned partition and minute."""
    while True:
        await asyncio.sleep(TICK_EVERY_S)
        for number, partition in list(partitions.items()):
            tick = due_tick(partition, idle_of(number), topics, now_ms())
            if tick is not None:
                send(number, encode_tick(tick))
