"""Histories of a few customers who come nearly every day, and feeds that go silent for some days among them."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET, Event
from support.builders import DAY_MS, HOUR_MS
from support.troubled import FIRST_DAY, make_event

OFTEN = {PURCHASE: 0.5, LOGIN: 0.8, TICKET: 0.2, EMAIL: 0.3}
"""How likely a customer does something in a feed on a day."""


def silent_history(dice: Random, feeds: Collection[int], *, customers: int = 6, days: int = 75) -> list[Event]:
    """Events in the order of arrival; one of the feeds, or all of them, are silent once or twice.

    Some customers leave while a feed is silent. A few events come days later than they happened.
    """
    gaps = [_gap(dice, feeds, days) for _ in range(dice.choice((1, 1, 2)))]
    leaves = {who: dice.choice((days, gaps[0][1] + dice.randrange(-12, 3))) for who in range(customers)}
    arriving: list[tuple[int, Event]] = []
    number = 0
    for day in range(days):
        for who in range(customers):
            for feed, often in OFTEN.items():
                if dice.random() > often or (day > leaves[who] and dice.random() < 0.97):
                    continue
                number += 1
                at_ms = (FIRST_DAY + day) * DAY_MS + dice.randrange(6, 23) * HOUR_MS + number
                hour = at_ms // HOUR_MS - FIRST_DAY * 24
                if not any(feed in of and first <= hour < end for of, _, first, end in gaps):
                    late_ms = dice.choice((0,) * 60 + (2, 5)) * DAY_MS
                    arriving.append((at_ms + late_ms, make_event(feed, f"c{who}", at_ms, number, dice.randrange(60))))
    return [event for _, event in sorted(arriving, key=lambda one: one[0])]


def _gap(dice: Random, feeds: Collection[int], days: int) -> tuple[Collection[int], int, int, int]:
    """Feeds, the day on which they go silent, and the hours from the first to behind the last."""
    day = dice.randrange(20, days - 5)
    silent = feeds if dice.random() < 0.2 else (dice.choice(sorted(feeds)),)
    first = 24 * day + dice.choice((0, 0, 7, 15, 22))
    return silent, day, first, first + dice.choice((24, 40, 72, 120, 220, 24 * days))
