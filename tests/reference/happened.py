"""What one event adds to the daily measures, and the facts of a customer as `states` shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from models.config import Basis
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET, Email, Event, Login, Purchase, Ticket

CATEGORIES: Final = ("complaint", "billing", "delivery", "return", "other")
MAIL_ACTIONS: Final = ("sent", "opened", "clicked", "unsubscribed", "complained", "bounced")
MAX_NOTES: Final = 10
"""Events kept of a day and feed as evidence: the first by (time, id)."""
MAX_CHANNELS: Final = 4
"""Ticket channels kept of a day: the first by name."""


class Happened(NamedTuple):
    """An applied event, its day, what it adds to each daily measure, and the actions it counts as for engagement."""

    day: int
    event: Event
    adds: Mapping[str, int]
    actions: tuple[str, ...]

    @property
    def is_activity(self) -> bool:
        """A purchase, a login, a ticket opened or reopened, an e-mail clicked, unsubscribed or complained."""
        return any(name in self.adds for name in ("purchases", "logins", "tickets", "email_activity"))

    @property
    def is_evidence(self) -> bool:
        """What can begin an announced episode: a ticket opened or reopened, an e-mail refused."""
        return "tickets" in self.adds or "unsubscribes" in self.adds


def happened(event: Event, basis: Basis) -> Happened:
    """The event with what it means."""
    day = basis.calendar.day_of(event.time_ms)
    match event.data:
        case Purchase(amount=amount, currency=currency, items=items):
            minor = round(amount * basis.rates[currency] * 100) if currency in basis.rates else 0
            return Happened(day, event, {"purchases": 1, "spend": minor, "items": items}, ("purchase",))
        case Login():
            return Happened(day, event, {"logins": 1}, ("login",))
        case Ticket(action="opened", category=category):
            measure = {"complaint": "complaints", "other": "other"}.get(category, f"{category}_tickets")
            return Happened(day, event, {"tickets": 1, measure: 1}, ("ticket", category))
        case Ticket(action="reopened"):
            return Happened(day, event, {"tickets": 1, "tickets_reopened": 1}, ("ticket",))
        case Ticket():
            return Happened(day, event, {"tickets_resolved": 1}, ())
        case Email(action="clicked"):
            return Happened(day, event, {"clicks": 1, "email_activity": 1}, ("clicked",))
        case Email(action="unsubscribed" | "complained" as action):
            return Happened(day, event, {"unsubscribes": 1, "email_activity": 1}, (action,))
        case Email(action="opened", machine_open=True):
            return Happened(day, event, {}, ())
        case Email(action=action):
            return Happened(day, event, {}, (action,))


def notes_of(seen: Iterable[Happened], feed: int, day: int) -> list[Happened]:
    """The evidence kept of a day."""
    noted = (one for one in seen if one.is_evidence and (one.event.feed, one.day) == (feed, day))
    return sorted(noted, key=lambda one: (one.event.time_ms, one.event.id))[:MAX_NOTES]


def channels_of(seen: Iterable[Happened], day: int) -> list[str]:
    """The ticket channels kept of a day."""
    tickets = (one.event.data for one in seen if one.day == day)
    return sorted({t.channel for t in tickets if isinstance(t, Ticket) and t.action == "opened" and t.channel})[
        :MAX_CHANNELS
    ]


def facts(seen: list[Happened], floor: int, rates: Mapping[str, float]) -> dict[str, Any]:
    """What was observed, open days included; days before `floor` are forgotten, but for totals and first activity."""
    bought = [one for one in seen if one.event.feed == PURCHASE]
    unrated = [one for one in bought if isinstance(one.event.data, Purchase) and one.event.data.currency not in rates]
    days = [
        {day: [h for h in seen if h.event.feed == feed and h.day == day and h.event.feed == feed]
         for day in sorted({h.day for h in seen if h.event.feed == feed and h.day >= floor and _leaves_a_trace(h)})}
        for feed in range(4)
    ]  # fmt: skip
    return {
        "first": [
            min((h.event.time_ms for h in seen if h.event.feed == feed and h.is_activity), default=-1)
            for feed in range(4)
        ],
        "totals": [len(bought), _sum(bought, "spend"), len(unrated)],
        "purchases": {
            str(d): [_sum(of, "purchases"), _sum(of, "spend"), _sum(of, "items")] for d, of in days[PURCHASE].items()
        },
        "logins": {str(day): len(of) for day, of in days[LOGIN].items()},
        "tickets": {str(day): _ticket_day(of, day) for day, of in days[TICKET].items()},
        "emails": {
            str(day): [[sum(name in h.actions for h in of) for name in MAIL_ACTIONS], _notes(of, EMAIL, day)]
            for day, of in days[EMAIL].items()
        },
    }


def _leaves_a_trace(one: Happened) -> bool:
    return bool(one.adds or one.actions)


def _ticket_day(of: list[Happened], day: int) -> list[Any]:
    opened = [sum(name in one.actions for one in of) for name in CATEGORIES]
    return [
        opened, _sum(of, "tickets_reopened"), _sum(of, "tickets_resolved"), channels_of(of, day), _notes(of, TICKET, day)
    ]  # fmt: skip


def _notes(of: list[Happened], feed: int, day: int) -> list[list[Any]]:
    rows = []
    for event in (one.event for one in notes_of(of, feed, day)):
        data = event.data
        more = [data.category, data.channel or ""] if isinstance(data, Ticket) else ["", ""]
        rows.append([event.time_ms, event.id, data.action if isinstance(data, Ticket | Email) else "", *more])
    return rows


def _sum(of: Iterable[Happened], name: str) -> int:
    return sum(one.adds.get(name, 0) for one in of)
