"""Logins, tickets and e-mails made up around the real purchases of a file, for shops that have only those.

Customers look before they buy and ever less often afterwards; some of those who are about to leave complain first.
"""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Final

from schemas.event import PURCHASE, Email, Event, Login
from schemas.topics import DAY_MS
from streams.history import History
from streams.simulation import Happening, campaigns, logins, ticket, to_events

FADES_AFTER_DAYS: Final = 60
"""How long a customer still looks in after the last purchase, ever more rarely."""


def simulate_around(history: History, *, seed: int) -> list[Event]:
    """Return the made-up events in order of time; none is later than the last day of the file."""
    days_of: dict[str, list[float]] = defaultdict(list)
    if not history.events:
        return []
    start_ms = history.events[0].time_ms // DAY_MS * DAY_MS
    end = float((history.events[-1].time_ms - start_ms) // DAY_MS + 1)
    for event in history.events:
        if event.feed == PURCHASE:
            days_of[event.key.decode()].append((event.time_ms - start_ms) / DAY_MS)
    events: list[Event] = []
    for customer_id, bought in sorted(days_of.items()):
        happenings = _around(Random(f"{seed}:{customer_id}"), bought, end)  # noqa: S311 - a simulation, no secret
        events += to_events(customer_id, happenings, start_ms=start_ms, days=end)
    events.sort(key=lambda event: (event.time_ms, event.feed))
    return events


def _around(rng: Random, bought: list[float], end: float) -> list[Happening]:
    first, last = bought[0], bought[-1]
    happenings = [Happening(day - rng.uniform(0.003, 0.02), Login(channel="web")) for day in bought]
    for day, following in zip(bought, [*bought[1:], end], strict=True):
        busy = min(following, day + 14)
        happenings += logins(rng, day, busy, 0.15)
        happenings += logins(rng, busy, min(following, day + FADES_AFTER_DAYS), 0.03)
        if rng.random() < 0.04:
            happenings += ticket(rng, day + rng.uniform(1, 6), "delivery")
    happenings += campaigns(rng, first, min(end, last + FADES_AFTER_DAYS), click=0.15, every=84)
    leaves = end - last > FADES_AFTER_DAYS
    if leaves and rng.random() < 0.12:
        for _ in range(rng.randint(2, 4)):
            happenings += ticket(rng, last + rng.uniform(1, 8), rng.choice(("complaint", "billing")), solved_after=None)
    if leaves and rng.random() < 0.1:
        happenings.append(Happening(last + rng.uniform(5, 50), Email("unsubscribed")))
    return happenings
