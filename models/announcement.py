"""Announcing at once: episodes of presence signals as a function of one feed's days, however far the reviews have come.

An announced episode begins on a day with evidence on which the condition holds (today included), and ends at the first
boundary at which its end condition holds. Both are read from the feed's own days alone, so an announcement made a year
ahead of the reviews is the same as one made on the day.
"""

import msgspec

from models.config import Basis
from models.customer import EMAIL_ACTIONS, NEVER, TICKET_CATEGORIES, Customer, EmailDay, Note, TicketDay
from models.signals.catalogue import Signal
from models.signals.measures import View
from schemas.event import EMAIL, TICKET

Cooled = tuple[int, float | None]
"""The boundary at which the last episode ended, and the score it had begun with."""


def begins(signal: Signal, customer: Customer, day: int, basis: Basis) -> float | None:
    """The score with which an episode begins on this very day, else None; walks the days since the last review."""
    episode = customer.episodes.get(signal.id)
    start = None if episode is None else episode.start
    score = None if episode is None else episode.initial
    cooled = customer.cooling.get(signal.id)
    reached = customer.reviewed
    for evening in evidence_days(signal, customer, customer.reviewed, day):
        if start is not None:
            ended = _first_end(signal, customer, start, reached + 1, evening, basis)
            if ended is not None:
                start, cooled = None, (ended, score)
        reached = evening
        if start is None:
            score = start_score(signal, View(customer, evening + 1, basis), cooled)
            start = None if score is None else evening
            if evening == day:
                return score
    return None


def evidence_days(signal: Signal, customer: Customer, first: int, last: int) -> list[int]:
    """Days of the signal's feed in [first, last] on which something happened that can begin an episode."""
    days = customer.tickets if signal.announced_feed == TICKET else customer.emails
    return sorted(day for day in days if first <= day <= last and days[day].notes)


def start_score(signal: Signal, view: View, cooled: Cooled | None) -> float | None:
    """The score if the condition holds as of the view's boundary and the cool-down allows it, else None."""
    if signal.when.holds(view)[0] is not True:
        return None
    score = signal.score.read(view)
    if cooled is not None and view.boundary < cooled[0] + signal.cooldown_days:
        return score if signal.score.is_worse(score, cooled[1]) else None
    return score


def first_true_ms(signal: Signal, customer: Customer, day: int, basis: Basis) -> int:
    """When on an episode's first day its condition became true, by event time and not by arrival."""
    days = customer.tickets if signal.announced_feed == TICKET else customer.emails
    notes = days[day].notes if day in days else []
    for count in range(1, len(notes)):
        partial = _with_notes(customer, day, notes[:count], signal.announced_feed)
        if signal.when.holds(View(partial, day + 1, basis))[0] is True:
            return notes[count - 1].time_ms
    return notes[-1].time_ms if notes else basis.calendar.start_of(day + 1)


def _first_end(signal: Signal, customer: Customer, start: int, first: int, last: int, basis: Basis) -> int | None:
    """The first boundary in [first, last] at which an announced episode is over by its own feed's days."""
    feed_days = customer.tickets if signal.announced_feed == TICKET else customer.emails
    expiry = NEVER if signal.expires_days is None else start + signal.expires_days
    boundary = max(first, start + 1)
    while boundary <= last:
        view = View(customer, boundary, basis)
        view.since = start
        over, until, _, _ = signal.ends.holds(view)
        if over or boundary >= expiry:
            return boundary
        next_event = min((day + 1 for day in feed_days if day >= boundary), default=NEVER)
        boundary = max(boundary + 1, min(until, next_event, expiry))
    return None


def _with_notes(customer: Customer, day: int, notes: list[Note], feed: int | None) -> Customer:
    """The customer as if the day had held only these notes."""
    if feed == EMAIL:
        actions = [sum(note.action == name for note in notes) for name in EMAIL_ACTIONS]
        return msgspec.structs.replace(customer, emails={**customer.emails, day: EmailDay(actions, notes)})
    opened = [sum(n.action == "opened" and n.category == name for n in notes) for name in TICKET_CATEGORIES]
    bucket = TicketDay(
        opened,
        reopened=sum(note.action == "reopened" for note in notes),
        channels=sorted({note.channel for note in notes if note.channel and note.action == "opened"}),
        notes=notes,
    )
    return msgspec.structs.replace(customer, tickets={**customer.tickets, day: bucket})
