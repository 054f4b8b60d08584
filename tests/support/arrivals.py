"""One history in many orders of arrival, such as topics could really hold: nothing is later than the bound B allows.

Records keep their event time as timestamp. What `shuffled` displaces by less than B within a topic, and `delayed` by at
most B between topics, no boundary has passed when it arrives.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.event import FEEDS, Event
from support.builders import DAY_MS, HOUR_MS, line

B_MS: Final = HOUR_MS
"""The default of CHURN_DISORDER_S."""

DUPLICATES: Final = 0.05
HOLD_MS: Final = 6 * HOUR_MS
"""How long one delay of a topic lasts, in event time."""


class Arrival(NamedTuple):
    """One record to post; `feed`: the place of its topic among the inputs."""

    feed: int
    key: bytes
    value: bytes
    time_ms: int


def merged(events: Sequence[Event]) -> list[Arrival]:
    """All topics together, in the order of time."""
    return [Arrival(event.feed, event.customer_id.encode(), line(event), event.time_ms) for event in events]


def topic_after_topic(events: Sequence[Event], order: Sequence[str]) -> list[Arrival]:
    """One whole topic, then the next."""
    places = [order.index(feed) for feed in FEEDS]
    return sorted(merged(events), key=lambda arrival: places[arrival.feed])


def duplicated(events: Sequence[Event], seed: int) -> list[Arrival]:
    """Merged; one in twenty comes again, most of them soon, some days later."""
    dice = random.Random(seed)
    timed = [(arrival.time_ms, arrival) for arrival in merged(events)]
    for at_ms, arrival in dice.sample(timed, round(len(timed) * DUPLICATES)):
        later = dice.choice((0, 60_000, HOUR_MS, DAY_MS, 6 * DAY_MS))
        timed.append((at_ms + round(dice.random() * later), arrival))
    return [arrival for _, arrival in sorted(timed, key=lambda entry: entry[0])]


def delayed(events: Sequence[Event], seed: int) -> list[Arrival]:
    """Each topic in order, but behind the others by up to B, anew every six hours of event time."""
    dice = random.Random(seed)
    lags: dict[tuple[int, int], int] = {}
    clocks = [0] * len(FEEDS)
    timed = []
    for arrival in merged(events):
        lag = lags.setdefault((arrival.feed, arrival.time_ms // HOLD_MS), dice.randrange(B_MS))
        clocks[arrival.feed] = max(clocks[arrival.feed], arrival.time_ms + lag)
        timed.append((clocks[arrival.feed], arrival))
    return [arrival for _, arrival in sorted(timed, key=lambda entry: entry[0])]


def shuffled(events: Sequence[Event], seed: int) -> list[Arrival]:
    """Every record late by up to B on its own: within a topic the timestamps go up and down."""
    dice = random.Random(seed)
    return sorted(merged(events), key=lambda arrival: arrival.time_ms + dice.randrange(B_MS))
