"""Histories made for trouble: days near midnight, bursts of tickets, gaps, returns, goodbyes."""

from __future__ import annotations

import random
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from models.calendar import Calendar
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from schemas.event import Event
from support.builders import email, event, purchase, ticket

FIRST_DAY: Final = 20_000
"""2024-10-04: an autumn and a spring change of the clock follow."""
_NEAR_MIDNIGHT_S = (0, 1, 30, 1_799, 3_599, 3_600, 3_601, 43_200, 82_799, 82_800, 86_000, 86_399)


def catalogue() -> dict[str, Any]:
    """The default catalogue as parsed YAML, to be changed by a test."""
    return deepcopy(_parsed())


@cache
def _parsed() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((files("models") / "catalogue" / "default.yaml").read_text())
    return loaded


@cache
def default_rules(zone: str = "UTC") -> Rules:
    """The default catalogue, compiled."""
    return build_rules(catalogue(), zone=zone)


def at_ms(day: int, second: int, calendar: Calendar) -> int:
    """An instant on a day of the calendar; seconds past the day's end are cut."""
    start = calendar.start_of(day)
    return min(start + second * 1000, calendar.start_of(day + 1) - 1)


def make_event(kind: int, customer: str, time_ms: int, number: int, choice: int) -> Event:
    """One event by numbers: `kind` 0 to 3 is the feed, `choice` picks what it says."""
    name = f"e{number}"
    if kind == 0:
        return purchase(customer, time_ms, amount=5.0 + choice * 17.5, currency="USD", id=name, order_id=name)
    if kind == 1:
        return event("login", customer, time_ms, id=name)
    if kind == 2:
        action = ("opened", "opened", "opened", "resolved", "reopened", "resolved")[choice % 6]
        category = ("complaint", "billing", "delivery", "return", "other")[choice % 5]
        channel = (None, "web", "phone", "app")[choice % 4]
        return ticket(customer, time_ms, action, ticket_id=name, category=category, channel=channel, id=name)
    action = ("unsubscribed", "complained", "clicked", "sent", "opened", "unsubscribed", "bounced")[choice % 7]
    return email(customer, time_ms, action, id=name, machine_open=choice % 5 == 0)


def rich_history(seed: int, customers: int = 12, days: int = 150, zone: str = "UTC", scale: float = 1.0) -> list[Event]:
    """Customers of several temperaments: regular, fading, vanishing and returning, complaining in bursts."""
    rng = random.Random(seed)
    calendar = Calendar(zone)
    events: list[Event] = []

    def add(kind: int, customer: str, day: int) -> None:
        second = rng.choice(_NEAR_MIDNIGHT_S) if rng.random() < 0.5 else rng.randrange(86_400)
        events.append(make_event(kind, customer, at_ms(day, second, calendar), len(events), rng.randrange(60)))

    for index in range(customers):
        customer = f"c{index}"
        first = FIRST_DAY + (0 if index < 3 else rng.randrange(days // 2))
        away = rng.randrange(20, days)
        back = away + rng.choice((15, 40, 63, 70, 125, 500))
        buys, logs_in = rng.choice((0.03, 0.15, 0.4)) * scale, rng.choice((0.05, 0.3, 0.8)) * scale
        trouble, mails = rng.choice((0.02, 0.1, 0.25)) * scale, rng.choice((0.02, 0.1)) * scale
        for day in range(first, FIRST_DAY + days):
            if away <= day - first < back:
                if rng.random() < 0.01:
                    add(rng.choice((2, 3)), customer, day)
                continue
            for kind, chance in enumerate((buys, logs_in, trouble, mails)):
                if rng.random() < chance:
                    for _ in range(rng.choice((1, 1, 1, 2, 5)) if kind == 2 else 1):
                        add(kind, customer, day)
    return events
