"""Measures of a customer as of a boundary: counts over whole-day windows, clocks of silence, stage, slope.

Every measure answers a `Reading`: its value (None = unknown) and the first later boundary at which the value can
change *by silence alone*. That second half is what lets the schedule skip reviews without changing any result.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, TypeVar

from msgspec.structs import replace

from models import engagement, lifecycle
from models.activity import active_days, day_buckets
from models.config import Basis
from models.customer import (
    EMAIL_ACTIONS,
    NEVER,
    TICKET_CATEGORIES,
    Customer,
    EmailDay,
    Note,
    Risk,
    TicketDay,
    risks_in_force,
)
from models.signals.band import Band
from schemas.alert import Driver
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

USUAL_DAYS: Final = 56
"""'Usual' is the level of the 56 days before the window: two months of weekdays, in whole weeks."""
USUAL_HISTORY: Final = 42
"""Days of history before the window without which 'usual' is unknown: a newcomer is never compared with nothing."""

Value = float | int | str | None
Reading = tuple[Value, int]
"""A value (None: unknown) and the first later boundary at which silence alone can change it."""
Counts = dict[int, int]
"""What was counted, by day, closed or not; days with nothing are left out."""
Bucket = TypeVar("Bucket")

UNKNOWN: Final[Reading] = (None, NEVER)


class Series:
    """Daily counts of one thing over the closed days, with running sums: a window costs two bisections."""

    __slots__ = ("days", "is_signed", "sums")

    def __init__(self, counts: Counts, first: int, boundary: int, *, is_signed: bool) -> None:
        """Of these counts only the days from `first` on that are before the boundary.

        `is_signed`: some may be negative.
        """
        self.is_signed = is_signed
        days = sorted(counts)
        if days and (days[0] < first or days[-1] >= boundary):
            days = days[bisect_left(days, first) : bisect_left(days, boundary)]
        self.days = days
        total, self.sums = 0, [0]
        for day in days:
            total += counts[day]
            self.sums.append(total)

    def window(self, boundary: int, length: int, skip: int) -> tuple[int, int]:
        """(sum over the `length` days that end `skip` days before the boundary, until)."""
        days = self.days
        low = bisect_left(days, boundary - skip - length)
        high = bisect_left(days, boundary - skip, low) if skip else len(days)
        until = days[low] + skip + length + 1 if low < high else NEVER
        if skip and high < len(days):
            until = min(until, days[high] + skip + 1)
        return self.sums[high] - self.sums[low], until

    def judged(self, boundary: int, length: int, skip: int, band: Band) -> tuple[bool, int]:
        """Whether a window's sum lies in a band, and the first later boundary at which silence flips it."""
        days, sums, least, most = self.days, self.sums, band.least, band.most
        low = bisect_left(days, boundary - skip - length)
        end = len(days)
        high = bisect_left(days, boundary - skip, low) if skip else end
        is_in = least <= sums[high] - sums[low] <= most
        truth = is_in is band.is_inside
        if not self.is_signed and least > sums[end] - sums[low]:
            return truth, NEVER  # all that is left, in one window, would not do
        while low < high or high < end:
            leaves = days[low] + skip + length + 1 if low < high else NEVER
            enters = days[high] + skip + 1 if high < end else NEVER
            if enters <= leaves:
                high += 1
            if leaves <= enters:
                low += 1
            if (least <= sums[high] - sums[low] <= most) is not is_in:
                return truth, min(leaves, enters)
        return truth, NEVER

    def since(self, day: int) -> int:
        """The sum over all closed days from `day` on."""
        return self.sums[-1] - self.sums[bisect_left(self.days, day)]


class View:
    """A customer as of a boundary: days before it are closed and seen, later ones are not looked at.

    `since` is the first day of the episode under judgement, for windows that begin with it. `explain` tells what moved
    the model's score, on the day it was given.
    """

    __slots__ = (
        "_scalars", "_series", "basis", "boundary", "customer", "explain", "first_day", "floor", "since", "standing",
    )  # fmt: skip

    def __init__(self, customer: Customer, boundary: int, basis: Basis) -> None:
        self.customer = customer
        self.boundary = boundary
        self.basis = basis
        self.floor = boundary - basis.keep_days
        self.since = NEVER
        self.explain: Callable[[], tuple[Driver, ...]] | None = None
        self.first_day = self._first_day()
        self._series: dict[str, Series] = {}
        self._scalars: dict[str, Reading] = {}
        self.standing: lifecycle.Standing | None = None

    def _first_day(self) -> int | None:
        """The day of the first activity in a declared feed, None when there is none before the boundary."""
        first_ms = -1
        for feed, time_ms in enumerate(self.customer.first):
            if time_ms >= 0 and not 0 <= first_ms <= time_ms and feed in self.basis.feeds:
                first_ms = time_ms
        day = NEVER if first_ms < 0 else self.basis.calendar.day_of(first_ms)
        return day if day < self.boundary else None

    @property
    def last_day(self) -> int:
        """The newest closed day."""
        return self.boundary - 1

    def count(self, name: str, length: int, skip: int) -> Reading:
        """The sum of a daily measure over the `length` days that end `skip` days before the boundary."""
        if not self.knows(name):
            return UNKNOWN
        total, until = self.series(name).window(self.boundary, length, skip)
        return (total / SCALES[name] if name in SCALES else total, until)

    def count_since_start(self, name: str) -> Reading:
        """The sum of a daily measure from the first day of the episode on; silence changes it by forgetting only."""
        total, _ = self.count(name, max(0, self.boundary - self.since), 0)
        days = self.series(name).days
        place = bisect_left(days, self.since)
        return (total, days[place] + self.basis.keep_days + 1 if place < len(days) else NEVER)

    def usual(self, name: str, length: int) -> Reading:
        """What is usual in `length` days, by the 56 days before them; unknown with under 42 days of history there."""
        if self.first_day is None or not self.knows(name):
            return UNKNOWN
        missing = USUAL_HISTORY - (self.boundary - length - self.first_day)
        if missing > 0:
            return (None, self.boundary + missing)
        total, until = self.series(name).window(self.boundary, USUAL_DAYS, length)
        return (total * length / (USUAL_DAYS * SCALES.get(name, 1)), until)

    def channels(self, length: int) -> Reading:
        """Distinct channels of tickets opened in a window."""
        if TICKET not in self.basis.feeds:
            return UNKNOWN
        first = self.boundary - length
        days = [day for day in self.customer.tickets if first <= day < self.boundary]
        names = {name for day in days for name in self.customer.tickets[day].channels}
        return (len(names), min(days) + length + 1 if days else NEVER)

    def knows(self, name: str) -> bool:
        """Whether the feed behind a daily measure is declared: without its feed a measure is unknown, not zero."""
        feed = FEED_OF[name]
        return feed == ALL_FEEDS or feed in self.basis.feeds

    def series(self, name: str) -> Series:
        """The daily series behind a measure, built once a view."""
        found = self._series.get(name)
        if found is None:
            found = self._series[name] = Series(
                _COUNTS[name](self), self.floor, self.boundary, is_signed=name in SIGNED
            )
        return found

    def scalar(self, name: str) -> Reading:
        """A measure without a window, computed once a view."""
        found = self._scalars.get(name)
        if found is None:
            found = self._scalars[name] = SCALARS[name](self)
        return found

    def notes(self, feed: int, length: int) -> list[Note]:
        """Evidence of the last `length` closed days in a feed, oldest first."""
        days = self.customer.tickets if feed == TICKET else self.customer.emails
        chosen = sorted(day for day in days if self.boundary - length <= day < self.boundary)
        return [note for day in chosen for note in days[day].notes]

    def last_active(self, feeds: tuple[int, ...]) -> int | None:
        """The newest closed day with activity in one feed, or in all that are declared; None when there was none."""
        declared = [feed for feed in feeds if feed in self.basis.feeds]
        if not declared:
            return None
        days = self.series("active_days" if len(declared) > 1 else ACTIVITY_SERIES[declared[0]]).days
        newest = days[-1] if days else max([self.customer.forgotten[feed] for feed in declared])
        return newest if newest >= 0 else None

    def open_purchases(self, column: int) -> int:
        """Purchases (column 0) or minor units spent (column 1) on days not yet closed."""
        return sum(bucket[column] for day, bucket in self.customer.purchases.items() if day >= self.boundary)


def _counted(days: dict[int, Bucket], counter: Callable[[Bucket], int]) -> Counts:
    return {day: n for day, bucket in days.items() if (n := counter(bucket))}


def _purchases(column: int) -> Callable[[View], Counts]:
    return lambda view: _counted(view.customer.purchases, itemgetter(column))


def _tickets(counter: Callable[[TicketDay], int]) -> Callable[[View], Counts]:
    return lambda view: _counted(view.customer.tickets, counter)


def _emails(*actions: str) -> Callable[[View], Counts]:
    places = [EMAIL_ACTIONS.index(name) for name in actions]

    def counter(bucket: EmailDay) -> int:
        counts = bucket.actions
        return sum([counts[place] for place in places])

    return lambda view: _counted(view.customer.emails, counter)


def _opened(category: str) -> Callable[[View], Counts]:
    place = TICKET_CATEGORIES.index(category)
    return _tickets(lambda bucket: bucket.opened[place])


def _active_days(view: View) -> Counts:
    found: Counts = {}
    for feed, of_feed in enumerate(day_buckets(view.customer)):
        if of_feed and feed in view.basis.feeds:
            found.update(dict.fromkeys(active_days(feed, of_feed), 1))
    return found


def _engagement(view: View) -> Counts:
    basis = view.basis
    return engagement.daily_index(view.customer, basis.feeds, basis.engagement, view.floor, view.boundary)


_COUNTS: Final[dict[str, Callable[[View], Counts]]] = {
    "purchases": _purchases(0),
    "spend": _purchases(1),
    "items": _purchases(2),
    "logins": lambda view: view.customer.logins,
    "tickets": _tickets(lambda bucket: sum(bucket.opened) + bucket.reopened),
    "tickets_reopened": _tickets(lambda bucket: bucket.reopened),
    "tickets_resolved": _tickets(lambda bucket: bucket.resolved),
    "complaints": _opened("complaint"),
    "billing_tickets": _opened("billing"),
    "delivery_tickets": _opened("delivery"),
    "return_tickets": _opened("return"),
    "clicks": _emails("clicked"),
    "unsubscribes": _emails("unsubscribed", "complained"),
    "email_activity": _emails("clicked", "unsubscribed", "complained"),
    "active_days": _active_days,
    "engagement": _engagement,
}
ACTIVITY_SERIES: Final = ("purchases", "logins", "tickets", "email_activity")
"""The daily series that says on which days a feed shows activity, by feed."""
SCALES: Final = {"spend": 100, "engagement": 10}
"""Integers the series are kept in, per unit shown: minor units of money, tenths of an engagement point."""
MOST_A_DAY = {"active_days": 1}
"""What a day can add at most: how many days of news it takes at least until a window holds so much."""
SIGNED = frozenset(("engagement",))
"""Measures that an event can also lower: complaints and refusals have negative points."""
EVERY_FEED: Final = (1 << len(ACTIVITY_SERIES)) - 1
"""All feeds, a bit each."""
ALL_FEEDS: Final = -1
FIRST_ACTIVITY: Final = -2
STAGE: Final = -3
RISK: Final = -4
"""What an expression may read besides a feed: all feeds' activity, the first activity, the stage, the model's score."""
FEED_OF: Final[dict[str, int]] = {
    **dict.fromkeys(("purchases", "spend", "items"), PURCHASE),
    "logins": LOGIN,
    **{name: TICKET for name in _COUNTS if "ticket" in name or name == "complaints"},
    **dict.fromkeys(("clicks", "unsubscribes", "email_activity"), EMAIL),
    **dict.fromkeys(("active_days", "engagement"), ALL_FEEDS),
}
"""The feed a daily measure is counted from."""


def _days_since(*feeds: int) -> Callable[[View], Reading]:
    """Whole days from the last activity; one never used has been silent since the customer was first seen."""

    def clock(view: View) -> Reading:
        if view.first_day is None or not any(feed in view.basis.feeds for feed in feeds):
            return UNKNOWN
        last = view.last_active(feeds)
        return (view.last_day - (view.first_day if last is None else last), view.boundary + 1)

    return clock


def _days_since_purchase(view: View) -> Reading:
    last = view.last_active((PURCHASE,))
    return UNKNOWN if last is None else (view.last_day - last, view.boundary + 1)


def _days_since_first(view: View) -> Reading:
    return UNKNOWN if view.first_day is None else (view.last_day - view.first_day, view.boundary + 1)


def _days_since_first_ticket(view: View) -> Reading:
    first = view.customer.first[TICKET]
    day = view.basis.calendar.day_of(first) if first >= 0 else view.boundary
    known = TICKET in view.basis.feeds and day < view.boundary
    return (view.last_day - day, view.boundary + 1) if known else UNKNOWN


def _purchases_total(view: View) -> Reading:
    known = PURCHASE in view.basis.feeds
    return (view.customer.totals[0] - view.open_purchases(0), NEVER) if known else UNKNOWN


def _spend_total(view: View) -> Reading:
    known = PURCHASE in view.basis.feeds
    return ((view.customer.totals[1] - view.open_purchases(1)) / 100, NEVER) if known else UNKNOWN


def _median_gap(view: View) -> Reading:
    days = view.series("purchases").days if PURCHASE in view.basis.feeds else []
    gap = lifecycle.own_gap(days)
    return UNKNOWN if gap is None else (gap, days[0] + view.basis.keep_days + 1)


def _slope(part: str) -> Callable[[View], Reading]:
    def read(view: View) -> Reading:
        if view.first_day is None:
            return UNKNOWN
        found = slope(view)
        return (None if found is None else getattr(found, part), view.boundary + 1)

    return read


def slope(view: View) -> engagement.Slope | None:
    """The trend of the engagement as of the view's boundary; None where there is nothing to fit."""
    if view.first_day is None:
        return None
    series = view.series("engagement")
    pairs = [(day, series.sums[place + 1] - series.sums[place]) for place, day in enumerate(series.days)]
    return engagement.slope(pairs, view.last_day, view.boundary - view.first_day, view.basis.engagement)


def _risk(read: Callable[[Sequence[Risk]], float | None]) -> Callable[[View], Reading]:
    """What the scores say, from one snapshot day to the next; unknown to who is not in the risk set any more."""

    def reading(view: View) -> Reading:
        learning = view.basis.learning
        risks = risks_in_force(view.customer, view.boundary, learning)
        if learning is None or not risks:
            return UNKNOWN
        return (read(risks), risks[-1].boundary + learning.step_days)

    return reading


def _usual_risk(risks: Sequence[Risk]) -> float | None:
    """The mean of the scores before the newest one: those of 28 days, for as long as they are kept."""
    return sum(risk.value for risk in risks[:-1]) / (len(risks) - 1) if len(risks) > 1 else None


def _stage(view: View) -> Reading:
    found = standing(view)
    return UNKNOWN if found is None else (found.stage, found.until)


def standing(view: View) -> lifecycle.Standing | None:
    """The stage as of the view's boundary, judged once a view; None before the first activity."""
    if view.standing is None and view.first_day is not None:
        view.standing = _standing(view, view.first_day)
    return view.standing


def _standing(view: View, first_day: int) -> lifecycle.Standing:
    limits = view.basis.lifecycle
    bought = _days_since_purchase(view)[0] is not None
    feeds = (PURCHASE,) if limits.silence == "purchase" and bought else view.basis.feeds
    last = view.last_active(feeds)
    clock_days, has_older = _clock_days(view, feeds)
    gap, gap_until = _median_gap(view)
    past = lifecycle.Past(
        last_day=view.last_day,
        first_day=first_day,
        clock_days=clock_days,
        clock_day=first_day if last is None else last,
        has_older=has_older,
        gap=None if gap is None else float(gap),
    )
    found = lifecycle.standing(past, limits)
    judged_by_gap = found.stage in ("active", "lapsed")
    return replace(found, until=min(found.until, gap_until)) if judged_by_gap else found


def _clock_days(view: View, feeds: tuple[int, ...]) -> tuple[list[int], bool]:
    """Days that restarted the clock, and whether there were older ones; before the first purchase any activity did."""
    forgotten = view.customer.forgotten
    if feeds != (PURCHASE,):
        return view.series("active_days").days, max(forgotten[feed] for feed in feeds) >= 0
    days = view.series("purchases").days
    is_newcomer = (
        bool(days) and forgotten[PURCHASE] < 0 and view.last_day - days[0] < view.basis.lifecycle.reactivated_days
    )
    if not is_newcomer:
        return days, forgotten[PURCHASE] >= 0
    before = [day for day in view.series("active_days").days if day < days[0]]
    return before + days, max(forgotten[feed] for feed in view.basis.feeds) >= 0


CLOCKS: dict[str, Callable[[View], Reading]] = {
    "days_since_first": _days_since_first,
    "days_since_activity": _days_since(0, 1, 2, 3),
    "days_since_purchase": _days_since_purchase,
    "days_since_login": _days_since(LOGIN),
    "days_since_first_ticket": _days_since_first_ticket,
}
"""Measures that grow by one with every silent day: when a comparison of one flips is known to the day."""
SCALARS: Final[dict[str, Callable[[View], Reading]]] = {
    **CLOCKS,
    "purchases_total": _purchases_total,
    "spend_total": _spend_total,
    "median_gap": _median_gap,
    "slope_z": _slope("z"),
    "slope_change": _slope("change"),
    "stage": _stage,
    "risk": _risk(lambda risks: risks[-1].value),
    "risk_usual": _risk(_usual_risk),
    "risk_rank": _risk(lambda risks: risks[-1].rank),
}
FEED_OF_SCALAR: dict[str, int] = dict.fromkeys(SCALARS, ALL_FEEDS) | {
    "stage": STAGE,
    **dict.fromkeys(("risk", "risk_usual", "risk_rank"), RISK),
    "days_since_first": FIRST_ACTIVITY,
    "days_since_login": LOGIN,  # and the first activity, which is known once there is anything to judge
    "days_since_first_ticket": TICKET,
    "days_since_purchase": PURCHASE,
    "purchases_total": PURCHASE,
    "spend_total": PURCHASE,
    "median_gap": PURCHASE,
}
"""What a scalar is computed from."""
SLOPES = frozenset(("slope_z", "slope_change"))
"""Scalars computed from daily series and the boundary alone: they can be read as of a later boundary too."""
RISING = frozenset(("purchases_total", "spend_total"))
"""Scalars that news can raise and not lower; of the clocks the opposite is true."""
FIRSTS = frozenset(("days_since_first", "days_since_first_ticket"))
"""Clocks that, once they run, no news sets back."""
