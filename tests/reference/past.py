"""One customer as of a boundary: every measure of the language, counted anew from the events of closed days."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from math import sqrt
from statistics import median
from typing import Any, Final, NamedTuple

from models.config import Basis
from schemas.alert import NoContact
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET, Email, Event, Login, Purchase, Ticket

Value = float | str | None
"""None is unknown."""
STAGES: Final = ("new", "active", "lapsed", "dormant", "churned", "reactivated")
MAX_SUM: Final = 2**53 - 1
"""What is beyond counts as this: the spend of a day, and of several days together."""
_MEASURES_OF: Final = {
    PURCHASE: "purchases spend items days_since_purchase purchases_total spend_total median_gap longest_gap",
    LOGIN: "logins days_since_login",
    TICKET: "tickets tickets_reopened tickets_resolved complaints billing_tickets delivery_tickets return_tickets "
    "ticket_channels days_since_first_ticket",
    EMAIL: "clicks unsubscribes email_activity",
}
FEED_OF: Final = {name: feed for feed, names in _MEASURES_OF.items() for name in names.split()}
"""The one feed that a measure is counted from; without it the measure is unknown, not zero."""
_MAIL: Final = {"clicked": "clicks", "unsubscribed": "unsubscribes", "complained": "unsubscribes"}


class Happened(NamedTuple):
    """An applied event and its day; `adds` counts by measure, by action, and by what the engagement index weighs."""

    day: int
    event: Event
    adds: Mapping[str, int]

    @property
    def is_activity(self) -> bool:
        return bool(self.adds.keys() & {"purchases", "logins", "tickets", "email_activity"})

    @property
    def is_evidence(self) -> bool:
        return bool(self.adds.keys() & {"tickets", "unsubscribes"})


def happened(event: Event, basis: Basis) -> Happened:
    adds: dict[str, int] = {}
    match event.data:
        case Purchase(amount=amount, currency=currency, items=items):
            rate = basis.rates.get(currency)
            adds = {"purchase": 1, "purchases": 1, "items": items, "unrated": int(rate is None)}
            adds["spend"] = round(min(amount * (rate or 0) * basis.minor_units, MAX_SUM))
        case Login():
            adds = {"login": 1, "logins": 1}
        case Ticket(action="opened", category=category):
            measure = "complaints" if category == "complaint" else f"{category}_tickets"
            adds = {"ticket": 1, "tickets": 1, category: 1, measure: 1}
        case Ticket(action="reopened"):
            adds = {"ticket": 1, "tickets": 1, "tickets_reopened": 1}
        case Ticket():
            adds = {"tickets_resolved": 1}
        case Email(action=action, machine_open=machine_open) if not (action == "opened" and machine_open):
            adds = {action: 1} | ({_MAIL[action]: 1, "email_activity": 1} if action in _MAIL else {})
    return Happened(basis.calendar.day_of(event.time_ms), event, adds)


def notes_of(seen: Iterable[Happened], feed: int, day: int) -> list[Happened]:
    """The evidence kept of a day: the first ten by time and id, one of another content with the same id by that."""
    notes = [one for one in seen if one.day == day and one.event.feed == feed and one.is_evidence]
    return sorted(notes, key=lambda one: note_of(one.event))[:10]


def refused_of(seen: Iterable[Happened]) -> tuple[NoContact, ...]:
    """How e-mails were refused, whatever came later, and whether or not e-mails are declared."""
    actions = {one.event.data.action for one in seen if isinstance(one.event.data, Email)}
    known: tuple[NoContact, ...] = ("unsubscribed", "complained")
    return tuple(one for one in known if one in actions)


def note_of(event: Event) -> tuple[Any, ...]:
    """What is kept as evidence."""
    texts = (getattr(event.data, name, None) or "" for name in ("action", "category", "channel"))
    return event.time_ms, event.id, *texts


def channels_of(seen: Iterable[Happened], day: int) -> list[str]:
    """The channels kept of the tickets opened on a day: the first four by name."""
    tickets = [one.event.data for one in seen if one.day == day and isinstance(one.event.data, Ticket)]
    return sorted({ticket.channel for ticket in tickets if ticket.action == "opened" and ticket.channel})[:4]


class Score(NamedTuple):
    """What the model said on a customer's snapshot day."""

    boundary: int
    risk: float
    rank: float | None


class Past:
    """What happened on the days before the boundary, in declared feeds."""

    def __init__(
        self, basis: Basis, boundary: int, seen: Iterable[Happened], scores: Sequence[Score] = (),
        skipped: Sequence[int] = (), lost: Mapping[int, Collection[int]] | None = None,
    ) -> None:  # fmt: skip
        """`skipped`: snapshot days on which nobody was looked at; `lost`: by feed, the days on which it was down."""
        self.basis, self.boundary, self.scores = basis, boundary, scores
        self.skipped, self.lost = skipped, lost or {}
        self.seen = [one for one in seen if one.day < boundary and one.event.feed in basis.feeds]

    @cached_property
    def counts(self) -> Mapping[str, Counter[int]]:
        found: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for one in self.seen:
            for name, amount in one.adds.items():
                found[name][one.day] = min(found[name][one.day] + amount, MAX_SUM)
        found["active_days"] = Counter({one.day for one in self.seen if one.is_activity})
        for name, tenths in self.basis.engagement.tenths.items():
            cap = self.basis.engagement.caps[name]
            found["engagement"].update({day: tenths * min(count, cap) for day, count in found[name].items()})
        return found

    def scale(self, name: str) -> int:
        return {"spend": self.basis.minor_units, "engagement": 10}.get(name, 1)

    def count(self, name: str, length: int, skip: int = 0) -> float | None:
        """The sum over the `length` days that end `skip` days before the boundary; unknown without the feed."""
        if FEED_OF.get(name, self.basis.feeds[0]) not in self.basis.feeds:
            return None
        end = self.boundary - skip
        amount = min(sum(amount for day, amount in self.counts[name].items() if end - length <= day < end), MAX_SUM)
        return amount if (scale := self.scale(name)) == 1 else amount / scale

    def usual(self, name: str, length: int) -> float | None:
        """What `length` days usually hold, by the 56 days before them; unknown with under 42 days of history there."""
        level, first, scale = self.count(name, 56, length), self.first_day, self.scale(name)
        if level is None or first is None or self.boundary - length - first < 42:
            return None
        return float(round(level * scale) * length) / (56 * scale)

    def channels(self, length: int) -> int | None:
        days = range(self.boundary - length, self.boundary)
        names = {name for day in days for name in channels_of(self.seen, day)}
        return len(names) if TICKET in self.basis.feeds else None

    def days_of(self, name: str) -> list[int]:
        return sorted(day for day, amount in self.counts[name].items() if amount)

    @property
    def first_day(self) -> int | None:
        return min(self.days_of("active_days"), default=None)

    def days_since(self, days: Sequence[int], feed: int | None = None) -> int | None:  # noqa: ARG002 - of days known
        """Whole days from the newest of these, days of a feed or of all, to the newest closed day."""
        return self.boundary - 1 - days[-1] if days else None

    def login_silence(self) -> int | None:
        """Whole days from the last login; who never logged in is silent since the first activity."""
        logins, first = self.days_of("logins"), self.days_of("active_days")[:1]
        silent = self.days_since(logins, LOGIN) if logins else self.days_since(first)
        return silent if LOGIN in self.basis.feeds else None

    def median_gap(self) -> float | None:
        """The median of at least three gaps between the purchase days that are kept."""
        days = [day for day in self.days_of("purchases") if day >= self.boundary - self.basis.keep_days]
        return float(median(later - earlier for earlier, later in pairwise(days))) if len(days) > 3 else None

    def longest_gap(self) -> int:
        """The longest gap between the purchase days that are kept, 0 without one."""
        days = [day for day in self.days_of("purchases") if day >= self.boundary - self.basis.keep_days]
        return max((later - earlier for earlier, later in pairwise(days)), default=0)

    @cached_property
    def slope(self) -> tuple[float, float] | tuple[None, None]:
        """(28 x slope / level, z) of engagement, by weighted least squares over every day of history."""
        weights, first = self.basis.engagement, self.first_day
        ages = range(0 if first is None else min(self.boundary - first, weights.history_days))
        tenths = [self.counts["engagement"][self.boundary - 1 - age] for age in ages]
        points = [(2 ** (-age / weights.half_life_days), -age, y / 10) for age, y in zip(ages, tenths, strict=True)]
        s0, q0 = sum(w for w, _, _ in points), sum(w * w for w, _, _ in points)
        if len(points) < 3 or not any(tenths) or (level := sum(w * y for w, _, y in points) / s0) <= 0:
            return None, None
        centre, n_eff = sum(w * u for w, u, _ in points) / s0, s0 * s0 / q0
        noise = (sum(w * y * y for w, _, y in points) / s0 - level**2) * n_eff / (n_eff - 1)
        rise = sum(w * (u - centre) * y for w, u, y in points)
        spread = sum(w * (u - centre) ** 2 for w, u, _ in points)
        factor = sum((w * (u - centre)) ** 2 for w, u, _ in points)
        return 28 * rise / spread / level, rise / sqrt(max(noise, level / 2) * factor)

    @cached_property
    def standing(self) -> tuple[str, int] | tuple[None, None]:
        """(stage, days of silence behind it), the first that matches; none before the first activity."""
        limits, last_day, active = self.basis.lifecycle, self.boundary - 1, self.days_of("active_days")
        if not active:
            return None, None
        bought = self.days_of("purchases")
        clock = active if limits.silence == "activity" or not bought else [d for d in active if d < bought[0]] + bought
        silent, gap = last_day - clock[-1], self.median_gap()
        feeds = (PURCHASE,) if bought and limits.silence == "purchase" else self.basis.feeds
        lost = {day for feed in feeds for day in self.lost.get(feed, ()) if day > clock[-1]}
        known = silent - len(lost)
        restarts = [later for earlier, later in pairwise(clock) if later - earlier >= limits.dormant_days]
        usual = limits.active_days if gap is None else max(limits.active_days, limits.gap_factor * gap)
        ordered = {
            "churned": known > limits.churned_days,
            "dormant": known >= limits.dormant_days,
            "reactivated": any(last_day - day < limits.reactivated_days for day in restarts),
            "new": last_day - active[0] < limits.new_days,
            "active": known <= min(limits.dormant_days - 1, int(usual)),
            "lapsed": True,
        }
        return next(stage for stage, is_so in ordered.items() if is_so), silent

    def risk(self) -> Score | None:
        """The newest score; none once another snapshot was due."""
        step = self.basis.learning.step_days if self.basis.learning else 0
        return self.scores[-1] if self.scores and self._apart(self.scores[-1].boundary, self.boundary) < step else None

    def _apart(self, one: int, other: int) -> int:
        """Days between two boundaries, without the steps that were left out."""
        step = self.basis.learning.step_days if self.basis.learning else 0
        return other - one - step * sum(one < day <= other for day in self.skipped)

    def usual_risk(self) -> float | None:
        """The mean of the scores of the 28 days before the newest."""
        newest = self.risk()
        known = [s.risk for s in self.scores[:-1] if newest and self._apart(s.boundary, newest.boundary) <= 28]
        return sum(known) / len(known) if known else None


MEASURES: Final[Mapping[str, Callable[[Past], Value]]] = {
    "never": lambda _: False,
    "days_since_first": lambda past: past.days_since(past.days_of("active_days")[:1]),
    "days_since_activity": lambda past: past.days_since(past.days_of("active_days")),
    "days_since_purchase": lambda past: past.days_since(past.days_of("purchases"), PURCHASE),
    "days_since_login": Past.login_silence,
    "days_since_first_ticket": lambda past: Past.days_since(past, past.days_of("tickets")[:1]),
    "purchases_total": lambda past: Past.count(past, "purchases", past.boundary),
    "spend_total": lambda past: Past.count(past, "spend", past.boundary),
    "median_gap": Past.median_gap,
    "longest_gap": Past.longest_gap,
    "slope_change": lambda past: past.slope[0],
    "slope_z": lambda past: past.slope[1],
    "stage": lambda past: past.standing[0],
    "risk": lambda past: score.risk if (score := past.risk()) else None,
    "risk_rank": lambda past: score.rank if (score := past.risk()) else None,
    "risk_usual": Past.usual_risk,
}
"""Measures without a window, and the condition that never holds."""
