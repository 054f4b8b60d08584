"""The two functions to keep in mind: `observe` folds an event into a record, `review` decides as of a boundary.

Observing commutes: any order of the same events gives the same record. Deciding reads closed days only, so it too is a
function of the set of events. Neither reads a clock or sends anything; what is to be sent comes back as outputs.
"""

import struct
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final, Literal

from models.activity import REFUSALS, day_buckets, fold, forget
from models.alerting import Telling
from models.announcement import begins, first_true_ms
from models.bounds import FAR, FOREVER, days_until, remaining
from models.calendar import DAY_MS
from models.corroboration import witnesses_of
from models.customer import NEVER, Customer, Episode
from models.episodes import Judge, Output, publish
from models.learning.foresight import Foreseen, Foresight, Insight
from models.lifecycle import Standing
from models.signals.catalogue import Rules
from models.signals.measures import ALL_FEEDS, EVERY_FEED, RISK, STAGE, View, standing
from models.signals.terms import bits_of
from schemas.alert import Money
from schemas.event import FEEDS, PURCHASE, Email, Event, Ticket
from schemas.stage import StageChangeV1, encode_stage_change, stage_change_id

Observed = Literal["applied", "duplicate", "id_conflict"]
_SEEN: Final = struct.Struct(">8sII")
"""One event id in `Customer.seen`: hash of the id within its feed, fingerprint of the content, day."""
_FEEDS_OF: Final = [tuple(feed for feed in range(len(FEEDS)) if bits >> feed & 1) for bits in range(EVERY_FEED + 1)]
_SALTS: Final = tuple(name.encode() for name in FEEDS)


class Engine:
    """The rules at work on one customer at a time. Holds nothing about customers."""

    def __init__(self, rules: Rules, alerts_from_ms: int = 0) -> None:
        self.rules = rules
        self.basis = rules.basis
        self.calendar = rules.basis.calendar
        self.alerts_from_ms = alerts_from_ms
        self._announced = tuple(rules.announced(feed) for feed in range(len(FEEDS)))
        self._grave = {signal.id for signal in rules.signals if signal.is_grave}
        self._rest_days = {signal.id: max(1, signal.cooldown_days) for signal in rules.signals}
        self._stage_place = len(rules.signals)
        self._watched = [bits_of(signal.watches) for signal in rules.signals]
        self._places_by_feed = [
            (*_places_watching(rules, feed, ALL_FEEDS), self._stage_place) for feed in range(len(FEEDS))
        ]
        self._announced_places = [
            [place for place, signal in enumerate(rules.signals) if signal.announced_feed == feed]
            for feed in range(len(FEEDS))
        ]
        self._witnesses = witnesses_of(rules)
        self._places_by_risk = _places_watching(rules, RISK)
        self._places_by_stage = _places_watching(rules, STAGE)
        learning = rules.basis.learning
        self._foresight = None if learning is None else Foresight(learning, rules.basis)
        self._seen_days = -(-rules.basis.lateness_ms // DAY_MS) + 1

    # -- observe

    def observe(self, customer: Customer, event: Event, offset: int, day: int) -> Observed:
        """Fold an event into the record. The same id again is a duplicate, or a conflict when its content differs.

        Ids are compared within days of event time, not of arrival: how much older ids are still kept must not matter.
        """
        feed = event.feed
        customer.offsets[feed] = offset
        name = blake2b(event.id.encode(), digest_size=8, salt=_SALTS[feed]).digest()
        seen = customer.seen
        place = seen.find(name)
        while place >= 0 and (place % _SEEN.size or abs(_SEEN.unpack_from(seen, place)[2] - day) >= self._seen_days):
            place = seen.find(name, place + 1)
        if place >= 0:
            fingerprint = _SEEN.unpack_from(seen, place)[1]
            return "duplicate" if fingerprint == event.fingerprint else "id_conflict"
        customer.seen = seen + _SEEN.pack(name, event.fingerprint, day)
        if day < customer.fresh.get(feed, NEVER):
            customer.fresh[feed] = day
        fold(customer, event, day, self.basis.rates)
        return "applied"

    def news_from(self, customer: Customer, event: Event) -> int:
        """The first boundary at which a review need hear of an event: what can begin an announced episode at once."""
        if self.may_announce(event):
            customer.deaf[event.feed] = 0
        return customer.reviewed + customer.deaf[event.feed]

    def may_announce(self, event: Event) -> bool:
        """Whether an event can begin an episode of a signal that is announced at once."""
        if not self._announced[event.feed]:
            return False
        data = event.data
        if isinstance(data, Ticket):
            return data.action != "resolved"
        return isinstance(data, Email) and data.action in REFUSALS

    def announce(self, customer: Customer, customer_id: str, feed: int, day: int) -> list[Output]:
        """First revisions of the episodes that begin on a day still open; a function of that feed's days up to it."""
        outputs = []
        for signal in self._announced[feed]:
            known = customer.announced.get(signal.id, [])
            if day in known:
                continue
            score = begins(signal, customer, day, self.basis)
            if score is None:
                continue
            customer.announced[signal.id] = sorted([*known, day])
            observed_ms = first_true_ms(signal, customer, day, self.basis)
            episode = Episode(day, 1, signal.severity, score, None, signal.owner, observed_ms, score)
            telling = Telling(customer_id, "firing", episode, None, self.alerts_from_ms, is_announcement=True)
            outputs.append(publish(self.rules, signal, View(customer, day + 1, self.basis), telling))
        return outputs

    # -- review

    def foresee(self, reviewed: Mapping[str, Customer], boundary: int, insight: Insight) -> dict[str, Foreseen]:
        """What the model says of those about to be reviewed whose snapshot day it is; by customer."""
        return {} if self._foresight is None else self._foresight.foresee(reviewed, boundary, insight)

    def review(
        self, customer: Customer, customer_id: str, boundary: int, foreseen: Foreseen | None = None
    ) -> list[Output]:
        """Decide everything as of a boundary, from closed days only, and set the next day on which to look again.

        A signal whose answer silence cannot have changed, with nothing new closed since, is not looked at again. What
        was foreseen on the customer's snapshot day opens the signals that ask for the model's score.
        """
        view = View(customer, boundary, self.basis)
        if view.first_day is None or view.first_day < view.floor:
            forget(customer, view.floor)
        judge = Judge(self.rules, customer, customer_id, view, self.alerts_from_ms)
        passed = boundary - customer.reviewed
        customer.quiet = remaining(customer.quiet, passed)
        customer.hears_after = remaining(customer.hears_after, passed)
        news = self._open_what_is_new(customer, boundary)
        if foreseen is not None:
            judge.outputs += foreseen.lessons
            view.explain = foreseen.explain
            for place in self._places_by_risk:
                customer.quiet[place] = 0
        if view.first_day is not None:
            self._review_stage(judge)
            self._review_signals(judge)
            customer.deaf = _soonest(customer, min(self.basis.keep_days, FAR))
        else:
            customer.deaf = bytearray(len(FEEDS))
        judge.conclude(self._witnesses, is_anew=len(news) == len(FEEDS))
        if news or not customer.quiet[-1]:
            self._take_stock(customer, boundary, news)
        if customer.fresh:
            self._hear_of_open_days(customer, boundary)
        self._drop_old_ids(customer, boundary)
        if customer.cooling:
            rest = self._rest_days
            customer.cooling = {k: v for k, v in customer.cooling.items() if boundary < v[0] + rest.get(k, 1)}
        customer.reviewed = boundary
        customer.due = _next_look(customer, boundary)
        if self._foresight is not None:
            customer.due = min(customer.due, self._foresight.next_day(customer, customer_id, view))
        return judge.outputs

    def _open_what_is_new(self, customer: Customer, boundary: int) -> Sequence[int]:
        """The feeds with days closed since the last review. What their news can change, now or later, is judged now.

        Judging a signal early costs less than a review for it alone when its time has come.
        """
        if customer.has_late or not customer.quiet or not customer.hears:
            customer.quiet = bytearray(self._stage_place + 2)
            customer.hears, customer.hears_after = (bytearray(self._stage_place + 1) for _ in range(2))
            return range(len(FEEDS))
        quiet, hears = customer.quiet, customer.hears
        news = [feed for feed, day in customer.fresh.items() if day < boundary]
        for feed in news:
            for place in self._places_by_feed[feed]:
                if hears[place] >> feed & 1:
                    quiet[place] = 0
            for place in self._announced_places[feed]:
                quiet[place] = 0
        return news

    def _is_clocked_by_purchases(self, customer: Customer, boundary: int) -> bool:
        """Whether only a purchase can restart the customer's clock of silence, so that other news leaves the stage."""
        if self.basis.lifecycle.silence != "purchase" or PURCHASE not in self.basis.feeds:
            return False
        return customer.forgotten[PURCHASE] >= 0 or min(customer.purchases, default=boundary) < boundary

    def _review_stage(self, judge: Judge) -> None:
        customer, view = judge.customer, judge.view
        stage_place = self._stage_place
        if customer.quiet[stage_place]:
            return
        found = standing(view)
        if found is None:
            return
        if found.stage != customer.stage:
            judge.outputs.append(self._stage_change(judge, found))
            customer.stage, customer.stage_since = found.stage, view.boundary
            for place in self._places_by_stage:
                customer.quiet[place] = 0
            for place, signal in enumerate(self.rules.signals):
                if signal.id in customer.episodes:
                    customer.quiet[place] = 0
        customer.quiet[stage_place] = days_until(found.until, view.boundary)
        feeds, after = self._stage_hears(customer, view.boundary, found)
        customer.hears[stage_place], customer.hears_after[stage_place] = feeds, after

    def _stage_hears(self, customer: Customer, boundary: int, found: Standing) -> tuple[int, int]:
        """Which news can change the stage before silence does, a bit a feed, and after how many days.

        All that restarts the clock, unless it runs still. Then only purchases, which change the usual gap too and with
        it the days for which a customer counts as active; as many as everybody has remain from the purchase on.
        """
        restarts = (PURCHASE,) if self._is_clocked_by_purchases(customer, boundary) else self.basis.feeds
        if found.stage not in ("new", "active", "reactivated"):
            return bits_of(frozenset(restarts)), 0
        if PURCHASE not in self.basis.feeds:
            return 0, 0
        limits = self.basis.lifecycle
        return 1 << PURCHASE, min(limits.active_days + 1, limits.dormant_days, FAR)

    def _review_signals(self, judge: Judge) -> None:
        boundary, customer = judge.view.boundary, judge.customer
        quiet, hears, hears_after = customer.quiet, customer.hears, customer.hears_after
        for place, signal in enumerate(self.rules.signals):
            if not quiet[place]:
                until, deaf, feeds = judge.judge(signal)
                quiet[place] = days_until(until, boundary)
                hears[place] = feeds & self._watched[place]
                hears_after[place] = days_until(deaf, boundary)

    def _stage_change(self, judge: Judge, found: Standing) -> Output:
        customer, boundary = judge.customer, judge.view.boundary
        at = self.calendar.text_of(boundary)
        spend, _ = judge.view.scalar("spend_total")
        change = StageChangeV1(
            id=stage_change_id(judge.customer_id, at),
            customer_id=judge.customer_id,
            at=at,
            from_stage=customer.stage,
            to_stage=found.stage,
            cause="activity" if found.silent_days == 0 else f"{found.silent_days} days of silence",
            days_in_previous=boundary - customer.stage_since if customer.stage else None,
            spend_so_far=Money(float(spend) if isinstance(spend, int | float) else 0.0, self.basis.currency),
            historical=self.calendar.start_of(boundary) < self.alerts_from_ms,
            catalogue=self.rules.hash,
        )
        return Output("stage", change.id, encode_stage_change(change))

    def _take_stock(self, customer: Customer, boundary: int, news: Sequence[int]) -> None:
        """After news: which days are still open, and when the newest can be forgotten."""
        customer.has_late = False
        newest, fresh = -1, customer.fresh
        for feed, days in enumerate(day_buckets(customer)):
            if days and (latest := max(days)) > newest:
                newest = latest
            if feed in news and feed in fresh:
                still_open = [day for day in days if day >= boundary]
                if still_open:
                    fresh[feed] = min(still_open)
                else:
                    del fresh[feed]
        until = NEVER if newest < 0 else newest + self.basis.keep_days + 1
        customer.quiet[-1] = days_until(until, boundary)

    def _hear_of_open_days(self, customer: Customer, boundary: int) -> None:
        """Hear at once of what can begin an announced episode on days that are still open, see `news_from`."""
        for feed, days in enumerate(day_buckets(customer)):
            if self._announced[feed] and any(days[day].notes for day in days if day >= boundary):
                customer.deaf[feed] = 0

    def _drop_old_ids(self, customer: Customer, boundary: int) -> None:
        """Forget event ids of days from which an event would be too late to be applied."""
        seen, oldest = customer.seen, boundary - self._seen_days
        if seen and _SEEN.unpack_from(seen)[2] < oldest:
            kept = [entry for entry in _SEEN.iter_unpack(seen) if entry[2] >= oldest]
            customer.seen = b"".join([_SEEN.pack(*entry) for entry in kept])

    def is_at_risk(self, customer: Customer) -> bool:
        """Not churned, and an open negative alert of severity warning or more."""
        if customer.stage == "churned" or not (customer.episodes or customer.announced):
            return False
        return any(key in self._grave for key in (*customer.episodes, *customer.announced))


def _soonest(customer: Customer, latest: int) -> bytearray:
    """By feed, the days until its news can change something."""
    deaf = bytearray((latest,) * len(FEEDS))
    for bits, after in zip(customer.hears, customer.hears_after, strict=True):
        if bits:
            for feed in _FEEDS_OF[bits]:
                if after < deaf[feed]:  # noqa: PLR1730 - a third of the time of min(), ten times in a review
                    deaf[feed] = after
    return deaf


def _next_look(customer: Customer, boundary: int) -> int:
    """The next boundary at which silence or days still open can change something."""
    nearest = min(customer.quiet, default=FOREVER)
    if not nearest:  # seldom: before the first activity
        nearest = min([days for days in customer.quiet if days], default=FOREVER)
    due = NEVER if nearest == FOREVER else boundary + nearest
    for feed, day in customer.fresh.items():
        due = min(due, max(day + 1, boundary + customer.deaf[feed]))
    return due


def _places_watching(rules: Rules, *what: int) -> tuple[int, ...]:
    """Places in `Customer.quiet` of the signals that news of this opens."""
    return tuple(at for at, signal in enumerate(rules.signals) if signal.watches & {*what})
