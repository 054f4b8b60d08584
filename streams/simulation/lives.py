"""What synthetic lives are made of: logins, orders, tickets, campaigns, habits; and the events they become.

Time inside is in days since the start, a float; a customer's course of life is a list of what happened when. Rates and
rhythms are drawn for each customer: people log in at random (Poisson), buy in a rhythm of their own that varies, ask
for help now and then without meaning to leave, and go on holiday. `streams/simulation/kinds.py` makes kinds of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Final, NamedTuple, Self

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

CHANNELS: Final = ("web", "app", "store")
HELP_CHANNELS: Final = ("phone", "chat", "mail", "store")
CURRENCY: Final = "USD"
TROUBLES: Final[dict[TicketCategory, int]] = {"delivery": 35, "return": 25, "other": 20, "billing": 12, "complaint": 8}
"""What people ask for help with when nothing special is the matter, in per cent."""


class Happening(NamedTuple):
    """Something that happened to a customer, `at` days after the start."""

    at: float
    data: EventData


class Break(NamedTuple):
    """Days on which a customer is away."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Habits:
    """How a customer who is well lives: rates a day or year, the mean gap between purchases and how it varies."""

    logins_a_day: float
    gap: float
    variation: float
    basket: float
    tickets_a_year: float
    help_channel: str

    @classmethod
    def drawn(cls, rng: Random) -> Self:
        """Habits of one customer. A few use the product daily, most a day or two a week, many hardly at all."""
        return cls(
            logins_a_day=min(1.5, max(0.03, rng.lognormvariate(-1.5, 0.8))),
            gap=min(40.0, max(7.0, rng.lognormvariate(2.9, 0.35))),
            variation=rng.uniform(0.2, 0.6),
            basket=min(200.0, max(8.0, rng.lognormvariate(3.6, 0.55))),
            tickets_a_year=rng.uniform(0.3, 2.0),
            help_channel=rng.choice(HELP_CHANNELS),
        )


def to_events(
    customer_id: str, happenings: list[Happening], *, start_ms: int, days: float, because: str = ""
) -> list[Event]:
    """Events of one customer within the simulated days, by time, with ids that never repeat.

    `because` of something else than the life itself, its events have ids of their own.
    """
    events = []
    for nth, happening in enumerate(sorted(happenings, key=lambda one: (one.at, _FEEDS[type(one.data)]))):
        if 0 <= happening.at < days:
            time_ms = start_ms + int(happening.at * 86_400) * 1000  # producers rarely know more than the second
            feed = _FEEDS[type(happening.data)]
            name = (
                "sim-" + sha256(f"{customer_id}\0{because}{nth}".encode()).hexdigest()[:24]
            )  # an id has at most 64 letters
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


def breaks(rng: Random, begin: float, end: float) -> list[Break]:
    """Holidays and the like: about one a year, of a few days to two weeks."""
    away = []
    at = begin + rng.expovariate(1 / 300)
    while at < end:
        away.append(Break(at, at + rng.uniform(4, 15)))
        at = away[-1].end + rng.expovariate(1 / 300)
    return away


def purchases(
    rng: Random, begin: float, end: float, habits: Habits, away: tuple[Break, ...] = ()
) -> Iterator[Happening]:
    """Purchases in the customer's own rhythm; what falls into a break is bought in the days after it."""
    shape = habits.variation**-2
    at = begin
    while at < end:
        at = next((pause.end + rng.uniform(0, 3) for pause in away if pause.begin <= at < pause.end), at)
        if at < end:
            yield from order(rng, at, habits.basket)
        at += max(1.0, rng.gammavariate(shape, habits.gap / shape))


def order(rng: Random, day: float, basket: float) -> Iterator[Happening]:
    """One purchase and the login before it."""
    at = at_daytime(rng, day)
    amount = round(max(1.0, rng.gammavariate(6, basket / 6)), 2)
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


def everyday_tickets(rng: Random, begin: float, end: float, habits: Habits) -> Iterator[Happening]:
    """Help asked for now and then, mostly on the same channel; one in thirty is not solved at the first go."""
    at = begin + rng.expovariate(habits.tickets_a_year / 365)
    while at < end:
        channel = habits.help_channel if rng.random() < 0.85 else rng.choice(HELP_CHANNELS)
        category = rng.choices(list(TROUBLES), list(TROUBLES.values()))[0]
        opened, resolved = ticket(rng, at, category, channel=channel)
        yield from (opened, resolved)
        if rng.random() < 1 / 30 and isinstance(opened.data, Ticket):
            again = Ticket(opened.data.ticket_id, "reopened", category, channel)
            yield Happening(resolved.at + rng.uniform(0.1, 3), again)
            yield Happening(resolved.at + rng.uniform(3.1, 6), Ticket(again.ticket_id, "resolved", category, channel))
        at += rng.expovariate(habits.tickets_a_year / 365)


def first_days(rng: Random, begin: float, end: float) -> Iterator[Happening]:
    """A customer who gets on looks around in the first ten days more often than later."""
    yield Happening(at_daytime(rng, begin), Login(channel="app"))
    yield from logins(rng, begin + 1, min(end, begin + 10), 0.6)


def steady(rng: Random, habits: Habits, begin: float, end: float, *, is_new: bool = True) -> list[Happening]:
    """A customer who is well: logs in, buys, reads, is away now and then, and sometimes needs help."""
    away = tuple(breaks(rng, begin, end))
    happenings = [
        *(first_days(rng, begin, end) if is_new else ()),
        *logins(rng, begin, end, habits.logins_a_day),
        *purchases(rng, begin + rng.uniform(0, 3), end, habits, away),
        *campaigns(rng, begin, end, click=0.4),
        *everyday_tickets(rng, begin, end, habits),
    ]
    return [one for one in happenings if not _is_missed(one, away)]


def _is_missed(happening: Happening, away: tuple[Break, ...]) -> bool:
    """Nobody logs in or clicks while away."""
    is_own = isinstance(happening.data, Login) or (
        isinstance(happening.data, Email) and happening.data.action != "sent"
    )
    return is_own and any(pause.begin <= happening.at < pause.end for pause in away)


def fade(rng: Random, habits: Habits, begin: float, end: float) -> Iterator[Happening]:
    """A customer who leaves: buys nothing more and looks in ever less often; mails go on unread."""
    half_life = rng.uniform(3, 14)
    at = begin + rng.expovariate(habits.logins_a_day)
    while at < end:
        if rng.random() < 0.5 ** ((at - begin) / half_life):
            yield Happening(at_daytime(rng, at), Login(channel="web"))
        at += rng.expovariate(habits.logins_a_day)
    yield from campaigns(rng, begin, end, click=0.02)
