"""Logins, tickets and e-mails made up around the real purchases of a file, for shops that have only those.

Customers look before they buy and ever less often afterwards; who buys often looks in often. A basket far above the
usual one makes some ask about the bill. Of those who buy no more, some complain first, on one channel after the other,
and some refuse further e-mail. Of a customer whose last purchase is recent nobody knows yet; some are on their way out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from statistics import median
from typing import Final, NamedTuple

from schemas.codec import decode_line
from schemas.event import Email, Event, Login, Purchase, TicketCategory
from schemas.topics import DAY_MS
from streams.files.history import History
from streams.simulation.lives import HELP_CHANNELS, Happening, campaigns, logins, ticket, to_events

FADES_AFTER_DAYS: Final = 60
"""How long a customer still looks in after the last purchase, ever more rarely."""
OFTEN_WITHIN_DAYS: Final = 25
"""Who buys again within so many days (the median) is a regular."""
LEAVES_AFTER_DAYS: Final = 10
"""Earlier after the last purchase nobody is called leaving."""
SEGMENTS: Final = 12
"""Groups of customers who get their newsletter in different weeks: a shop sends something every week."""
NEWSLETTER_EVERY_DAYS: Final = 7 * SEGMENTS


class Bought(NamedTuple):
    """A real purchase: when, in days since the start, and for how much."""

    at: float
    amount: float


def simulate_around(history: History, *, seed: int) -> list[Event]:
    """Return the made-up events in order of time; none is later than the last day of the file."""
    if not history.events:
        return []
    start_ms = history.events[0].time_ms // DAY_MS * DAY_MS
    end = float((history.events[-1].time_ms - start_ms) // DAY_MS + 1)
    events: list[Event] = []
    for customer_id, bought in sorted(_purchases(history, start_ms).items()):
        rng = Random(f"{seed}:{customer_id}")  # noqa: S311 - a simulation, no secret
        happenings = [*_visits(rng, bought, end), *_questions(rng, bought), *_newsletters(rng, bought, end)]
        if _is_leaving(rng, bought, end):
            happenings += _farewell(rng, bought[-1].at)
        events += to_events(customer_id, happenings, start_ms=start_ms, days=end)
    events.sort(key=lambda event: (event.time_ms, event.feed))
    return events


def _purchases(history: History, start_ms: int) -> dict[str, list[Bought]]:
    found: dict[str, list[Bought]] = defaultdict(list)
    for event in history.events:
        data = decode_line(event.value).data
        if isinstance(data, Purchase):
            found[event.key.decode()].append(Bought((event.time_ms - start_ms) / DAY_MS, data.amount))
    return found


def _visits(rng: Random, bought: Sequence[Bought], end: float) -> Iterator[Happening]:
    """A login before each purchase, some in the fortnight after it, and ever fewer."""
    often = len(bought) > 3 and median(later.at - earlier.at for earlier, later in pairwise(bought)) < OFTEN_WITHIN_DAYS
    for one, following in zip(bought, [*(other.at for other in bought[1:]), end], strict=True):
        yield Happening(one.at - rng.uniform(0.003, 0.02), Login(channel="web"))
        busy = min(following, one.at + 14)
        yield from logins(rng, one.at, busy, 0.4 if often else 0.13)
        yield from logins(rng, busy, min(following, one.at + FADES_AFTER_DAYS), 0.03)


def _questions(rng: Random, bought: Sequence[Bought]) -> Iterator[Happening]:
    """Where a parcel is, and why a bill is so high."""
    spent = 0.0
    for number, one in enumerate(bought):
        if rng.random() < 0.04:
            yield from ticket(rng, one.at + rng.uniform(1, 6), "delivery")
        if number and one.amount > 2 * spent / number and rng.random() < 0.15:
            yield from ticket(rng, one.at + rng.uniform(0.5, 3), "billing")
        spent += one.amount


def _newsletters(rng: Random, bought: Sequence[Bought], end: float) -> Iterator[Happening]:
    shift = 7 * rng.randrange(SEGMENTS) + rng.randrange(7)
    first, last = bought[0].at, min(end, bought[-1].at + FADES_AFTER_DAYS)
    for sent in campaigns(rng, first + shift, last + shift, click=0.15, every=NEWSLETTER_EVERY_DAYS):
        yield sent._replace(at=sent.at - shift)


def _is_leaving(rng: Random, bought: Sequence[Bought], end: float) -> bool:
    """Whether this was the last purchase: certain long after it, possible soon after."""
    silent = end - bought[-1].at
    return silent > FADES_AFTER_DAYS or (silent > LEAVES_AFTER_DAYS and rng.random() < 0.4)


def _farewell(rng: Random, last: float) -> Iterator[Happening]:
    """Some complain, most of them in vain and on more than one channel; some want no more e-mail."""
    if rng.random() < 0.12:
        category: TicketCategory = rng.choice(("complaint", "complaint", "billing", "delivery"))
        for channel in rng.sample(HELP_CHANNELS, rng.randint(2, 4)):
            solved = 3.0 if rng.random() < 0.2 else None
            yield from ticket(rng, last + rng.uniform(1, 8), category, channel=channel, solved_after=solved)
    if rng.random() < 0.1:
        yield Happening(last + rng.uniform(5, 50), Email(rng.choice(("unsubscribed", "unsubscribed", "complained"))))
