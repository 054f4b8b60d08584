"""What an event adds to the measures of its day, and the facts of a customer as `states` shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from models.config import Basis
from schemas.event import EMAIL, FEEDS, LOGIN, PURCHASE, TICKET, Email, Event, Login, Purchase, Ticket

CATEGORIES: Final = ("complaint", "billing", "delivery", "return", "other")
MAIL_ACTIONS: Final = ("sent", "opened", "clicked", "unsubscribed", "complained", "bounced")
_STRONG: Final = {"clicked": "clicks", "unsubscribed": "unsubscribes", "complained": "unsubscribes"}
MAX_NOTES, MAX_CHANNELS = 10, 4
"""Evidence kept of a day and feed, the first by (time, id); ticket channels kept of a day, the first by name."""


class Happened(NamedTuple):
    """An applied event and its day; `adds` counts by measure, by action, and by what the engagement index weighs."""

    day: int
    event: Event
    adds: Mapping[str, int]

    @property
    def is_activity(self) -> bool:
        """A purchase, a login, a ticket opened or reopened, an e-mail clicked, unsubscribed or complained."""
        return not self.adds.keys().isdisjoint(("purchases", "logins", "tickets", "email_activity"))

    @property
    def is_evidence(self) -> bool:
        """What can begin an announced episode: a ticket opened or reopened, an e-mail refused."""
        return not self.adds.keys().isdisjoint(("tickets", "unsubscribes"))


def happened(event: Event, basis: Basis) -> Happened:
    """The event with what it means."""
    adds: dict[str, int] = {}
    match event.data:
        case Purchase(amount=amount, currency=currency, items=items):
            rate = basis.rates.get(currency)
            minor = 0 if rate is None else round(amount * rate * 100)
            adds = {"purchase": 1, "purchases": 1, "spend": minor, "items": items, "unrated": int(rate is None)}
        case Login():
            adds = {"login": 1, "logins": 1}
        case Ticket(action="opened", category=category):
            measure = "complaints" if category == "complaint" else f"{category}_tickets"
            adds = {"ticket": 1, "tickets": 1, category: 1, measure: 1}
        case Ticket(action=action):
            adds = {"ticket": 1, "tickets": 1, "tickets_reopened": 1} if action == "reopened" else {"tickets_resolved": 1}
        case Email(action=action, machine_open=machine_open) if not (action == "opened" and machine_open):
            adds = {action: 1} | ({_STRONG[action]: 1, "email_activity": 1} if action in _STRONG else {})
    return Happened(basis.calendar.day_of(event.time_ms), event, adds)


def total(of: Iterable[Happened], name: str) -> int:
    """The sum of what is added to a measure."""
    return sum(one.adds.get(name, 0) for one in of)


def notes_of(seen: Iterable[Happened], feed: int, day: int) -> list[Happened]:
    """The evidence kept of a day."""
    notes = [one for one in seen if one.day == day and one.event.feed == feed and one.is_evidence]
    return sorted(notes, key=lambda one: (one.event.time_ms, one.event.id))[:MAX_NOTES]


def channels_of(seen: Iterable[Happened], day: int) -> list[str]:
    """The ticket channels kept of a day."""
    tickets = [one.event.data for one in seen if one.day == day and "tickets" in one.adds]
    return sorted({t.channel for t in tickets if isinstance(t, Ticket) and t.action == "opened" and t.channel})[:MAX_CHANNELS]


def facts(seen: list[Happened], floor: int) -> dict[str, Any]:
    """What was observed, open days too; of days before `floor` only the totals and the first activity are kept."""

    def by_day(feed: int, row: Callable[[int, list[Happened]], Any]) -> dict[str, Any]:
        kept = [one for one in seen if one.event.feed == feed and one.day >= floor and one.adds]
        return {str(day): row(day, [one for one in kept if one.day == day]) for day in sorted({one.day for one in kept})}

    def notes(feed: int, day: int) -> list[list[Any]]:
        told = [(note.event, note.event.data) for note in notes_of(seen, feed, day)]
        return [
            [event.time_ms, event.id, *(getattr(data, name, "") or "" for name in ("action", "category", "channel"))]
            for event, data in told
        ]

    active = [[one.event.time_ms for one in seen if one.is_activity and one.event.feed == feed] for feed in range(len(FEEDS))]
    return {
        "first": [min(times, default=-1) for times in active],
        "totals": [total(seen, name) for name in ("purchases", "spend", "unrated")],
        "purchases": by_day(PURCHASE, lambda _, of: [total(of, name) for name in ("purchases", "spend", "items")]),
        "logins": by_day(LOGIN, lambda _, of: total(of, "logins")),
        "tickets": by_day(TICKET, lambda day, of: [
            [total(of, name) for name in CATEGORIES], total(of, "tickets_reopened"), total(of, "tickets_resolved"),
            channels_of(of, day), notes(TICKET, day)]),
        "emails": by_day(EMAIL, lambda day, of: [[total(of, name) for name in MAIL_ACTIONS], notes(EMAIL, day)]),
    }  # fmt: skip
