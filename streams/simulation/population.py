"""A population of synthetic customers, the truth about each included. The same seed gives the same customers.

Each customer draws from a generator of its own, so that more customers or another order change nothing about the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from models.detection.truth import LEAVING, Facts, Sign, Truth, What, signs_of
from schemas.event import PURCHASE, Event, Login, Purchase, Ticket
from schemas.topics import DAY_MS
from streams.simulation.kinds import KINDS
from streams.simulation.lives import to_events


@dataclass(frozen=True, slots=True)
class World:
    """Who is simulated: customers number 0 to `customers` - 1, from `start_ms` for so many days."""

    customers: int
    days: int
    seed: int
    start_ms: int

    @property
    def end_ms(self) -> int:
        """The first instant after the simulated days."""
        return self.start_ms + self.days * DAY_MS


def simulate(world: World) -> tuple[list[Event], list[Truth]]:
    """Return all events in order of time, and the truth about each customer with at least one event."""
    return simulate_some(world, range(world.customers))


def simulate_some(world: World, numbers: Iterable[int]) -> tuple[list[Event], list[Truth]]:
    """The events of some customers in order of time, and the truth about those with any event."""
    events: list[Event] = []
    truths: list[Truth] = []
    for number in numbers:
        lived, truth = live(world, number)
        if lived:
            truths.append(truth)
            events += lived
    events.sort(key=lambda event: (event.time_ms, event.feed))
    return events, truths


def customer_id(number: int) -> str:
    """The id of a customer, which says nothing about its kind."""
    return f"sim-{number:06d}"


def live(world: World, number: int) -> tuple[list[Event], Truth]:
    """One customer's events by time, and the truth about it. What would happen after the last day does not happen."""
    rng = Random(f"{world.seed}:{number}")  # noqa: S311 - a simulation, no secret
    kind = rng.choices(list(KINDS), [share for share, _ in KINDS.values()])[0]
    life = KINDS[kind][1](rng, float(world.days))
    name = customer_id(number)
    events = to_events(name, life.happenings, start_ms=world.start_ms, days=world.days)

    def instant(day: int) -> int:
        return world.start_ms + day * DAY_MS

    changes = [change for change in life.changes if change.at < world.days]
    leaves = [change.at for change in changes if change.what in LEAVING]
    truth = Truth(
        customer_id=name,
        kind=kind,
        begins_at_ms=instant(life.begins_at),
        turns_at_ms=None if life.turns_at is None or life.turns_at >= world.days else instant(life.turns_at),
        leaves_at_ms=instant(leaves[0]) if leaves else None,
        events=len(events),
        active_days=len({one.time_ms // DAY_MS for one in events if isinstance(one.data, Login | Purchase)}),
        signs=_signs(events, [(change.what, instant(change.at)) for change in changes]),
    )
    return events, truth


def _signs(events: list[Event], changes: list[tuple[What, int]]) -> tuple[Sign, ...]:
    return tuple(sign for what, at_ms in changes for sign in signs_of(what, at_ms, facts_around(events, at_ms)))


def facts_around(events: list[Event], at_ms: int) -> Facts:
    """What one customer's events hold around an instant that begins a day."""
    bought = [one for one in events if one.feed == PURCHASE and one.time_ms < at_ms]
    seen = {(one.time_ms - at_ms) // DAY_MS for one in events if isinstance(one.data, Login | Purchase)}
    opened = [
        (one.time_ms, one.data)
        for one in events
        if isinstance(one.data, Ticket) and one.data.action == "opened" and at_ms <= one.time_ms < at_ms + 14 * DAY_MS
    ]
    soon = [data for time_ms, data in opened if time_ms < at_ms + 7 * DAY_MS]
    troubles = Counter(data.category for _, data in opened if data.category in ("complaint", "billing", "delivery"))
    return Facts(
        purchases=len(bought),
        recent_purchases=sum(one.time_ms >= at_ms - 30 * DAY_MS for one in bought),
        spend=sum(one.data.amount for one in bought if isinstance(one.data, Purchase)),
        active_days=sum(-56 <= day < 0 for day in seen),
        early_days=len(seen & {1, 2}),
        tickets=len(soon),
        channels=len({data.channel for data in soon}),
        same_trouble=max(troubles.values(), default=0),
    )
