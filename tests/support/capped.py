"""Signals of silence and of tickets under a cap, and what was sent and held of them.

Days count from the customer's only login, at noon of day 0; boundary T is the midnight that begins day T. A signal that
sees `n` days of silence fires at boundary n + 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, without_model
from models.engine.replay import Replay
from models.engine.review import Message
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.event import Event
from schemas.instant import from_rfc3339
from schemas.suppressed import SuppressedV1
from streams.files.commands import among
from support.builders import DAY_MS, HOUR_MS, login
from support.troubled import FIRST_DAY, catalogue
from support.upsets import extra_signal

RESPOND_MS = 5 * HOUR_MS


def at(day: float) -> int:
    return int((FIRST_DAY + day) * DAY_MS)


def silent(days: int, **more: Any) -> dict[str, Any]:
    """A signal that sees so many days without a login."""
    return extra_signal(f"days_since_login >= {days}", "logins(since start) > 0", "days_since_login", **more)


def tickets(**more: Any) -> dict[str, Any]:
    """A signal that sees any ticket of three days."""
    return extra_signal("tickets(3d) >= 1", "tickets(3d) == 0", "tickets(3d)", **more)


def rules(signals: Mapping[str, Any], days: int = 7, zone: str = "UTC") -> Rules:
    own = catalogue() | {"feeds": ["login", "ticket"], "experiment": {"holdout": 0}, "signals": dict(signals)}
    return without_model(build_rules(own | {"attention": {"contact_days": days}}, zone=zone))


class Outcome:
    """What was sent and what was held, by what a replay or a partition published."""

    def __init__(self, messages: Iterable[Message]) -> None:
        messages = list(messages)
        self.alerts = [one for one in messages if isinstance(one, AlertV1)]
        self.held = [one for one in messages if isinstance(one, SuppressedV1)]

    @property
    def sent(self) -> dict[str, float]:
        """By signal the day on which somebody first heard of it."""
        firsts = [one for one in self.alerts if one.status == "firing"]
        assert len({one.alert_id for one in firsts}) == len(firsts), "nobody hears of an alert for the first time twice"
        return {one.signal: day_of(one.due_at, -RESPOND_MS) for one in firsts}

    def held_of(self, signal: str) -> list[tuple[int, str, float | None]]:
        """The boundary, the rule, and the day from which on it could pass."""
        own = [one for one in self.held if one.alert.signal == signal]
        return [
            (int(day_of(one.at)), one.rule, None if one.passes_at is None else day_of(one.passes_at)) for one in own
        ]


def day_of(instant: str | None, more_ms: int = 0) -> float:
    assert instant is not None
    return (from_rfc3339(instant) + more_ms - at(0)) / DAY_MS


def replayed(of: Rules, until: int, *others: Event | Command) -> Outcome:
    events = [login(at_ms=at(0.5), id="l"), *(one for one in others if isinstance(one, Event))]
    commands = [one for one in others if isinstance(one, Command)]
    replay = Replay(of, 1)
    for one in among(commands, sorted(events, key=lambda event: event.time_ms)):
        replay.take(one)
    replay.until(at(until) + 2 * HOUR_MS)
    return Outcome(replay.drain())
