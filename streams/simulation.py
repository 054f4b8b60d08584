"""Synthetic customers of known kinds, the truth about each included. The same seed gives the same customers.

Time inside is in days since the start, a float; a customer's course of life is a list of what happened when. Each
customer draws from a generator of its own, so that more customers or another order change nothing about the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Final, NamedTuple

import msgspec

from schemas.codec import new_event
from schemas.event import (
    EMAIL,
    LOGIN,
    PURCHASE,
    TICKET,
    Email,
    Event,
    EventData,
    Login,
    Purchase,
    Ticket,
    TicketCategory,
)
from schemas.topics import DAY_MS

CHANNELS: Final = ("web", "app", "store")
HELP_CHANNELS: Final = ("phone", "chat", "mail", "store")
CURRENCY: Final = "USD"


class Happening(NamedTuple):
    """Something that happened to a customer, `at` days after the start."""

    at: float
    data: EventData


@dataclass(frozen=True, slots=True)
class Life:
    """What happened to a customer, and the day on which its kind began to show (None: it never turns)."""

    happenings: list[Happening]
    turns_at: float | None = None


class Truth(msgspec.Struct, frozen=True):
    """What is known about a synthetic customer and to be found out from its events."""

    customer_id: str
    kind: str
    turns_at_ms: int | None
    events: int


def simulate(*, customers: int, days: int, seed: int, start_ms: int) -> tuple[list[Event], list[Truth]]:
    """Return all events in order of time, and the truth about each customer with at least one event."""
    events: list[Event] = []
    truths: list[Truth] = []
    kinds = list(KINDS)
    weights = [KINDS[kind][0] for kind in kinds]
    for number in range(customers):
        rng = Random(f"{seed}:{number}")  # noqa: S311 - a simulation, no secret
        kind = rng.choices(kinds, weights)[0]
        life = KINDS[kind][1](rng, float(days))
        customer_id = f"sim-{number:06d}"
        lived = to_events(customer_id, life.happenings, start_ms=start_ms, days=days)
        if lived:
            turns = None if life.turns_at is None else start_ms + int(life.turns_at * DAY_MS)
            truths.append(Truth(customer_id, kind, turns, len(lived)))
            events += lived
    events.sort(key=lambda event: (event.time_ms, event.feed))
    return events, truths


def to_events(customer_id: str, happenings: list[Happening], *, start_ms: int, days: float) -> list[Event]:
    """Events of one customer within the simulated days, by time, with ids that never repeat."""
    events = []
    for nth, happening in enumerate(sorted(happenings, key=lambda one: (one.at, _FEEDS[type(one.data)]))):
        if 0 <= happening.at < days:
            time_ms = start_ms + int(happening.at * 86_400) * 1000  # producers rarely know more than the second
            feed = _FEEDS[type(happening.data)]
            name = "sim-" + sha256(f"{customer_id}\0{nth}".encode()).hexdigest()[:24]  # an id has at most 64 letters
            events.append(new_event(feed, customer_id, time_ms, happening.data, source="simulated", id=name))
    return events


_FEEDS: Final[dict[type[EventData], int]] = {Purchase: PURCHASE, Login: LOGIN, Ticket: TICKET, Email: EMAIL}


def at_daytime(rng: Random, day: float) -> float:
    """The same day at an hour at which people are awake."""
    return int(day) + (7 + 15 * rng.random()) / 24


def logins(rng: Random, begin: float, end: float, per_day: float) -> Iterator[Happening]:
    """Logins at a steady rate."""
    favourite = rng.choice(CHANNELS[:2])
    at = begin + rng.expovariate(per_day)
    while at < end:
        yield Happening(at_daytime(rng, at), Login(channel=favourite if rng.random() < 0.8 else rng.choice(CHANNELS)))
        at += rng.expovariate(per_day)


def purchases(rng: Random, begin: float, end: float, gap: float, basket: float) -> Iterator[Happening]:
    """Purchases with a regular gap of days; each follows a login of the same hour."""
    at = begin
    while at < end:
        yield from order(rng, at, basket)
        at += max(1.0, rng.gauss(gap, gap / 4))


def order(rng: Random, day: float, basket: float) -> Iterator[Happening]:
    """One purchase and the login before it."""
    at = at_daytime(rng, day)
    amount = round(max(1.0, rng.gauss(basket, basket / 4)), 2)
    order_id = f"o-{rng.getrandbits(40):010x}"
    yield Happening(at - rng.uniform(0.005, 0.03), Login(channel="web"))
    yield Happening(at, Purchase(order_id, amount, CURRENCY, rng.randint(1, 4), "web"))


def ticket(
    rng: Random, day: float, category: TicketCategory, *, channel: str | None = None, solved_after: float | None = 2.0
) -> Iterator[Happening]:
    """A ticket, and its solution unless nobody cared."""
    at = at_daytime(rng, day)
    name = f"t-{rng.getrandbits(40):010x}"
    where = channel or rng.choice(HELP_CHANNELS)
    yield Happening(at, Ticket(name, "opened", category, where, "normal"))
    if solved_after is not None:
        yield Happening(at + rng.uniform(0.1, solved_after), Ticket(name, "resolved", category, where))


def campaigns(rng: Random, begin: float, end: float, *, click: float, every: int = 28) -> Iterator[Happening]:
    """A campaign e-mail every few weeks; some are opened, some by machines, and some clicked."""
    day = begin - begin % every + every
    while day < end:
        campaign = f"k-{int(day) // every}"
        yield Happening(int(day) + 0.375, Email("sent", campaign))
        if rng.random() < 0.5:
            yield Happening(
                int(day) + 0.4 + rng.random() / 4, Email("opened", campaign, machine_open=rng.random() < 0.3)
            )
        if rng.random() < click:
            yield Happening(int(day) + 0.7 + rng.random() / 4, Email("clicked", campaign))
        day += every


def steady(rng: Random, begin: float, end: float) -> list[Happening]:
    """A customer who is well: logs in, buys, reads."""
    gap = rng.uniform(9, 28)
    return [
        *logins(rng, begin, end, rng.uniform(0.06, 0.32)),
        *purchases(rng, begin + rng.uniform(0, 3), end, gap, rng.uniform(15, 90)),
        *campaigns(rng, begin, end, click=0.4),
    ]


def _loyal(rng: Random, days: float) -> Life:
    return Life(steady(rng, rng.uniform(0, days / 10), days))


def _fading(rng: Random, days: float) -> Life:
    begin, turn = rng.uniform(0, days / 10), days * rng.uniform(0.45, 0.65)
    fading = list(logins(rng, turn, turn + 25, 0.08))
    return Life([*steady(rng, begin, turn), *fading, *campaigns(rng, turn, days, click=0.02)], turn)


def _complaining(rng: Random, days: float) -> Life:
    begin, turn = rng.uniform(0, days / 10), days * rng.uniform(0.4, 0.8)
    category: TicketCategory = rng.choice(("complaint", "billing", "delivery"))
    happenings = steady(rng, begin, days if rng.random() < 0.4 else turn + 10)
    for _ in range(rng.randint(3, 6)):
        solved = 3.0 if rng.random() < 0.5 else None
        happenings += ticket(rng, turn + rng.uniform(0, 7), category, solved_after=solved)
    if rng.random() < 0.3:
        happenings.append(Happening(turn + rng.uniform(8, 12), Email(rng.choice(("unsubscribed", "complained")))))
    return Life(happenings, turn)


def _one_off(rng: Random, days: float) -> Life:
    begin = rng.uniform(0, days)
    return Life([*order(rng, begin, rng.uniform(10, 80)), *logins(rng, begin, begin + 10, 0.1)], begin)


def _seasonal(rng: Random, days: float) -> Life:
    happenings: list[Happening] = []
    season = rng.uniform(0, days / 6)
    while season < days:
        length = rng.uniform(10, 25)
        happenings += logins(rng, season, season + length, 0.4)
        happenings += purchases(rng, season, season + length, 6, rng.uniform(20, 60))
        season += length + rng.uniform(50, 90)
    return Life(happenings)


def _returning(rng: Random, days: float) -> Life:
    leaves = days * rng.uniform(0.15, 0.3)
    returns = leaves + rng.uniform(62, 110)
    happenings = [*steady(rng, rng.uniform(0, 5), leaves), *campaigns(rng, leaves, returns, click=0.05)]
    return Life([*happenings, *steady(rng, returns, days)], returns)


def _newly_onboarded(rng: Random, days: float) -> Life:
    begin = days * rng.uniform(0.6, 0.98)
    if rng.random() < 0.5:
        return Life(steady(rng, begin, days))
    return Life([Happening(at_daytime(rng, begin), Login(channel="app"))], begin)


def _price_confused(rng: Random, days: float) -> Life:
    begin, turn = rng.uniform(0, days / 10), days * rng.uniform(0.5, 0.8)
    happenings = steady(rng, begin, days)
    for _ in range(3):
        happenings += order(rng, turn + rng.uniform(0, 4), 200)
    return Life([*happenings, *ticket(rng, turn + rng.uniform(1, 5), "billing")], turn)


def _channel_hopping(rng: Random, days: float) -> Life:
    begin, turn = rng.uniform(0, days / 10), days * rng.uniform(0.3, 0.9)
    happenings = steady(rng, begin, days)
    for channel in rng.sample(HELP_CHANNELS, 3):
        happenings += ticket(rng, turn + rng.uniform(0, 5), rng.choice(("delivery", "other")), channel=channel)
    return Life(happenings, turn)


KINDS: Final[dict[str, tuple[int, Callable[[Random, float], Life]]]] = {
    "loyal": (12, _loyal),
    "fading": (12, _fading),
    "complaining": (8, _complaining),
    "one_off": (32, _one_off),
    "seasonal": (8, _seasonal),
    "returning": (6, _returning),
    "newly_onboarded": (14, _newly_onboarded),
    "price_confused": (4, _price_confused),
    "channel_hopping": (4, _channel_hopping),
}
"""Every kind with its share in per cent and its course of life."""
