"""The load: fixed as events a customer and as a span of event time, because reviews cost per customer and day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from schemas.codec import encode_event, new_event
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET, Email, EventData, Login, Purchase, Ticket
from schemas.instant import from_rfc3339
from streams.files.history import HistoryEvent

EVENTS_EACH: Final = 20
DAYS: Final = 60
DAY_MS: Final = 86_400_000
START_MS: Final = from_rfc3339("2026-03-02T00:00:00Z")

FEEDS: Final = (LOGIN, EMAIL, PURCHASE, TICKET)
FEED_SHARES: Final = (0.60, 0.22, 0.13, 0.05)

QUIT_SHARE: Final = 0.3
"""Customers who fall silent somewhere in the second half; without them there would be little to tell."""

_EMAIL_ACTIONS = ("sent", "opened", "clicked", "unsubscribed", "complained", "bounced")
_EMAIL_SHARES = (0.62, 0.24, 0.11, 0.015, 0.005, 0.01)
_TICKET_ACTIONS = ("opened", "resolved", "reopened")
_TICKET_SHARES = (0.52, 0.40, 0.08)
_CATEGORIES = ("complaint", "billing", "delivery", "return", "other")


def make_load(
    customers: int, seed: int = 1, *, events_each: int = EVENTS_EACH, span_days: int = DAYS
) -> list[HistoryEvent]:
    """Events of about 250 bytes in the order of time (ties: by feed). The same seed, the same bytes."""
    dice = random.Random(seed)
    events: list[HistoryEvent] = []
    for number in range(customers):
        days = dice.uniform(span_days / 2, span_days) if dice.random() < QUIT_SHARE else float(span_days)
        for _ in range(events_each):
            time_ms = START_MS + int(dice.random() * days * DAY_MS)
            events.append(random_event(dice, f"customer-{number:07}", time_ms, len(events)))
    return sorted(events)


def random_event(dice: random.Random, customer: str, time_ms: int, place: int) -> HistoryEvent:
    """An event of a feed by its share; `place` tells it from all others."""
    feed = dice.choices(FEEDS, FEED_SHARES)[0]
    event = new_event(feed, customer, time_ms, _data(dice, feed, place), source="shop", id=f"{place:09}-{_token(dice)}")
    return HistoryEvent(time_ms, feed, place, customer.encode(), encode_event(event))


def _token(dice: random.Random) -> str:
    """The random part of an id, about as long as a UUID."""
    return f"{dice.getrandbits(104):026x}"


def _data(dice: random.Random, feed: int, place: int) -> EventData:
    if feed == LOGIN:
        return Login(channel=dice.choice(("web", "app")))
    if feed == EMAIL:
        action = dice.choices(_EMAIL_ACTIONS, _EMAIL_SHARES)[0]
        by_machine = action == "opened" and dice.random() < 0.2
        return Email(action=action, campaign_id=f"campaign-{dice.randrange(40)}", machine_open=by_machine)  # type: ignore[arg-type] # one of the literals
    if feed == PURCHASE:
        amount = round(dice.lognormvariate(3.5, 0.8), 2)
        return Purchase(
            order_id=f"order-{place:09}", amount=amount, currency="USD", items=dice.randint(1, 4), channel="web"
        )
    assert feed == TICKET
    action = dice.choices(_TICKET_ACTIONS, _TICKET_SHARES)[0]
    category = dice.choice(_CATEGORIES)
    return Ticket(ticket_id=f"ticket-{place:09}", action=action, category=category, channel="chat", severity="normal")  # type: ignore[arg-type] # as above


def write_load(events: list[HistoryEvent], path: Path) -> Path:
    """A file for the processes that are measured: a line each, feed, key and value apart by tabs."""
    with path.open("wb") as file:
        file.writelines(b"%d\t%s\t%s\n" % (event.feed, event.key, event.value) for event in events)
    return path


def read_load(path: Path, size: int = 10_000) -> Iterator[list[tuple[int, bytes, bytes]]]:
    """Feed, key and value of the events in a file, some at a time: memory then is the engine's alone."""
    with path.open("rb") as file:
        while lines := list(islice(file, size)):
            parts = (line.rstrip(b"\n").split(b"\t", 2) for line in lines)
            yield [(int(feed), key, value) for feed, key, value in parts]
