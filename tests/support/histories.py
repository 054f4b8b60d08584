"""Half a year of made-up customers: the same seed, the same events, and most signals of the catalogue fire.

Half of all events happen within an hour of a midnight: what matters to windows, boundaries and disorder happens there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.event import Event
from schemas.instant import from_rfc3339
from support.builders import DAY_MS, HOUR_MS, email, line, login, purchase, ticket

START_MS: Final = from_rfc3339("2025-03-01T00:00:00Z")
CHANNELS: Final = ("phone", "chat", "web")
TROUBLES: Final = ("complaint", "billing", "delivery", "return", "other")


@dataclass(frozen=True, slots=True)
class Size:
    """How much history."""

    events: int
    customers: int
    days: int = 180


QUICK: Final = Size(6_000, 400, 120)
FULL: Final = Size(100_000, 5_000)
SMALL: Final = {False: QUICK, True: Size(50_000, 2_500, 180)}
"""For tests that post one by one and wait in between; by whether the run is of full size."""


def history(size: Size, seed: int = 1) -> list[Event]:
    """Exactly `size.events` events of `size.customers` customers in the order of time."""
    found: list[Event] = []
    for number in range(size.customers):
        found += _Life(f"c{number:05}", size.days, random.Random(f"{seed}/{number}")).events()
    dice = random.Random(seed)
    assert len(found) <= size.events, f"{len(found)} events that matter are more than {size.events}"
    while len(found) < size.events:
        life = _Life(f"c{dice.randrange(size.customers):05}", size.days, dice)
        found += life.chatter(dice.randrange(size.days))
    return sorted(found[: size.events], key=lambda event: (event.time_ms, event.feed, event.id))


def write_history(events: list[Event], path: Path) -> Path:
    """Write an event file."""
    path.write_bytes(b"".join(line(event) + b"\n" for event in events))
    return path


class _Life:
    """One customer; `dice` decides everything."""

    def __init__(self, customer: str, days: int, dice: random.Random) -> None:
        self._customer, self._days, self._dice = customer, days, dice
        self._made = 0

    def events(self) -> list[Event]:
        kinds: tuple[tuple[Callable[[], Iterator[Event]], float], ...] = (
            (self._one_purchase, 0.34),
            (self._regular_that_falls_silent, 0.22),
            (self._comes_back, 0.1),
            (self._troubled, 0.18),
            (self._tired_of_mail, 0.12),
            (self._busy_that_fades, 0.04),
        )
        chosen = self._dice.choices([kind for kind, _ in kinds], [share for _, share in kinds])[0]
        return list(chosen())

    def chatter(self, day: int) -> list[Event]:
        """What says little: a login, an e-mail sent or opened."""
        pick = self._dice.random()
        if pick < 0.4:
            return [self._make(login, day)]
        if pick < 0.5:
            return [self._make(email, day, action="clicked")]
        if pick < 0.54:
            return [self._make(ticket, day, action="resolved", category="other", ticket_id=f"t{day}")]
        return [self._make(email, day, action="sent" if pick < 0.8 else "opened", machine_open=pick > 0.95)]

    def _make(self, build: Callable[..., Event], day: float, **more: Any) -> Event:
        self._made += 1
        whole = min(int(day), self._days - 1)
        at_ms = START_MS + whole * DAY_MS + self._time_of_day()
        name = f"{self._customer}-{self._dice.getrandbits(48):012x}"
        return build(self._customer, at_ms, id=name, **more)

    def _time_of_day(self) -> int:
        pick = self._dice.random()
        if pick < 0.25:
            return self._dice.randrange(HOUR_MS)
        if pick < 0.5:
            return DAY_MS - 1 - self._dice.randrange(HOUR_MS)
        return self._dice.randrange(DAY_MS)

    def _buy(self, day: float, amount: float | None = None) -> Event:
        spent = round(self._dice.lognormvariate(3.5, 0.8), 2) if amount is None else amount
        order = f"o{self._dice.getrandbits(32):08x}"
        return self._make(purchase, day, amount=spent, currency="USD", order_id=order, items=self._dice.randint(1, 4))

    def _one_purchase(self) -> Iterator[Event]:
        day = self._dice.uniform(0, self._days)
        yield self._buy(day)
        if self._dice.random() < 0.5:
            yield self._make(login, min(day + self._dice.uniform(0, 20), self._days - 1))

    def _regular_that_falls_silent(self) -> Iterator[Event]:
        day, end = self._dice.uniform(0, 30), self._dice.uniform(70, self._days * 1.3)
        gap = self._dice.uniform(4, 18)
        while day < min(end, self._days):
            yield self._buy(day)
            if self._dice.random() < 0.3:
                yield self._make(login, day)
            day += gap * self._dice.uniform(0.6, 1.4)

    def _comes_back(self) -> Iterator[Event]:
        day = self._dice.uniform(0, 25)
        for _ in range(self._dice.randint(1, 3)):
            yield self._buy(day)
            day += self._dice.uniform(1, 6)
        back = day + self._dice.uniform(62, 140)
        for _ in range(self._dice.randint(1, 3)):
            if back < self._days:
                yield self._buy(back)
            back += self._dice.uniform(1, 5)

    def _troubled(self) -> Iterator[Event]:
        yield self._buy(self._dice.uniform(0, 20))
        for _ in range(self._dice.randint(1, 2)):
            begun = self._dice.uniform(5, self._days - 5)
            trouble = self._dice.choice(TROUBLES)
            for number in range(self._dice.randint(2, 5)):
                action = "reopened" if number and self._dice.random() < 0.2 else "opened"
                day = begun + number * self._dice.uniform(0, 2)
                name = f"t{int(begun)}-{number}"
                channel = self._dice.choice(CHANNELS)
                yield self._make(ticket, day, action=action, category=trouble, channel=channel, ticket_id=name)
                if self._dice.random() < 0.6:
                    solved = day + self._dice.uniform(0, 12)
                    yield self._make(ticket, solved, action="resolved", category=trouble, ticket_id=name)
            if trouble == "billing":
                yield self._buy(begun, 400.0)

    def _tired_of_mail(self) -> Iterator[Event]:
        day = self._dice.uniform(0, self._days)
        for _ in range(self._dice.randint(1, 4)):
            yield self._make(email, max(0.0, day - self._dice.uniform(0, 20)), action="clicked")
        refusal = self._dice.choice(("unsubscribed", "unsubscribed", "complained"))
        yield self._make(email, day, action=refusal)
        if self._dice.random() < 0.3:
            yield self._make(email, day + self._dice.uniform(0, 2), action=refusal)

    def _busy_that_fades(self) -> Iterator[Event]:
        end = self._dice.uniform(80, self._days * 1.1)
        for day in range(self._dice.randrange(20), self._days):
            fade = 0.45 if day < end else 0.03
            if self._dice.random() < fade:
                yield self._make(login, day)
            if self._dice.random() < fade / 3:
                yield self._buy(day)
