"""One customer as of a boundary: every measure of the language, counted anew from the events of closed days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import sqrt
from statistics import median
from typing import Final, NamedTuple

from models.config import Basis
from reference.happened import Happened, channels_of
from models.signals.catalogue import Signal
from reference.language import Value, words_of
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

STAGES: Final = ("new", "active", "lapsed", "dormant", "churned", "reactivated")
SCALES: Final = {"spend": 100, "engagement": 10}
FEED_OF: Final = {
    **dict.fromkeys(("purchases", "spend", "items"), PURCHASE),
    **dict.fromkeys(("days_since_purchase", "purchases_total", "spend_total", "median_gap"), PURCHASE),
    **dict.fromkeys(("logins", "days_since_login"), LOGIN),
    **dict.fromkeys(("tickets", "tickets_reopened", "tickets_resolved", "complaints", "billing_tickets"), TICKET),
    **dict.fromkeys(("delivery_tickets", "return_tickets", "ticket_channels", "days_since_first_ticket"), TICKET),
    **dict.fromkeys(("clicks", "unsubscribes", "email_activity"), EMAIL),
}
"""The one feed that a measure is counted from. Without it the measure is unknown, not zero."""
OF_ALL_FEEDS: Final = ("active_days", "engagement", "days_since_activity", "slope_z", "slope_change")
OF_MODEL: Final = ("risk", "risk_usual", "risk_rank")
USUAL_DAYS, USUAL_HISTORY, USUAL_RISK_DAYS = 56, 42, 28


class Score(NamedTuple):
    """What the model said on a customer's snapshot day."""

    boundary: int
    risk: float
    rank: float | None


@dataclass(frozen=True)
class Past:
    """What happened on the days before the boundary, in declared feeds; `since`: the first day of the episode judged."""

    basis: Basis
    boundary: int
    seen: Sequence[Happened]
    scores: Sequence[Score] = ()
    since: int | None = None

    @cached_property
    def _closed(self) -> list[Happened]:
        return [one for one in self.seen if one.day < self.boundary and one.event.feed in self.basis.feeds]

    def named(self, word: str) -> Value:
        """A constant, a stage, a measure without a window, or `never`."""
        if word in self.basis.constants:
            return self.basis.constants[word]
        if word in STAGES:
            return word
        found: Value = False if word == "never" else getattr(self, word)
        return found

    # -- windows

    def _sum(self, name: str, first: int, end: int) -> float | None:
        if FEED_OF.get(name, self.basis.feeds[0]) not in self.basis.feeds:
            return None
        if name == "active_days":
            return sum(first <= day < end for day in self._active_days)
        if name == "engagement":
            return sum(self._tenths(day) for day in self._active_or_mailed if first <= day < end)
        return sum(one.adds.get(name, 0) for one in self._closed if first <= one.day < end)

    def count(self, name: str, length: int, skip: int = 0) -> float | None:
        """The sum over the `length` days that end `skip` days before the boundary."""
        total = self._sum(name, self.boundary - skip - length, self.boundary - skip)
        return total / SCALES[name] if total is not None and name in SCALES else total

    def since_start(self, name: str) -> float | None:
        """The sum from the episode's first day on, as far as days are kept; nothing without an episode."""
        days = 0 if self.since is None else max(0, self.boundary - self.since)
        return self.count(name, min(days, self.basis.keep_days))

    def usual(self, name: str, length: int) -> float | None:
        """What `length` days usually hold, by the 56 days before them; unknown with under 42 days of history there."""
        before = self.boundary - length
        total = self._sum(name, before - USUAL_DAYS, before)
        if self.first_day is None or total is None or before - self.first_day < USUAL_HISTORY:
            return None
        return total * length / (USUAL_DAYS * SCALES.get(name, 1))

    def channels(self, length: int) -> int | None:
        """Distinct channels of tickets opened in the last `length` days."""
        if TICKET not in self.basis.feeds:
            return None
        days = range(self.boundary - length, self.boundary)
        return len({name for day in days for name in channels_of(self._closed, day)})

    # -- days

    @cached_property
    def _active_days(self) -> list[int]:
        return self._days_of(*self.basis.feeds)

    def _days_of(self, *feeds: int) -> list[int]:
        return sorted({one.day for one in self._closed if one.is_activity and one.event.feed in feeds})

    @cached_property
    def first_day(self) -> int | None:
        """The day of the first activity."""
        return self._active_days[0] if self._active_days else None

    def _days_since(self, days: list[int]) -> int | None:
        return self.boundary - 1 - days[-1] if days else None

    @property
    def days_since_first(self) -> int | None:
        """Whole days from the first activity to the newest closed day."""
        return self._days_since(self._active_days[:1])

    @property
    def days_since_activity(self) -> int | None:
        """Whole days from the last activity."""
        return self._days_since(self._active_days)

    @property
    def days_since_purchase(self) -> int | None:
        """Whole days from the last purchase; unknown when nothing was ever bought."""
        return self._days_since(self._days_of(PURCHASE))

    @property
    def days_since_login(self) -> int | None:
        """Whole days from the last login; who never logged in is silent since the first activity."""
        return self._days_since(self._days_of(LOGIN) or self._active_days[:1]) if LOGIN in self.basis.feeds else None

    @property
    def days_since_first_ticket(self) -> int | None:
        """Whole days from the first ticket opened or reopened."""
        return self._days_since(self._days_of(TICKET)[:1])

    @property
    def purchases_total(self) -> float | None:
        """Purchases ever."""
        return self._sum("purchases", 0, self.boundary)

    @property
    def spend_total(self) -> float | None:
        """Spend ever."""
        return self.count("spend", self.boundary)

    @property
    def median_gap(self) -> float | None:
        """The median gap between the purchase days that are kept, with three gaps or more."""
        days = [day for day in self._days_of(PURCHASE) if day >= self.boundary - self.basis.keep_days]
        return float(median(later - earlier for earlier, later in pairwise(days))) if len(days) > 3 else None

    # -- engagement

    @cached_property
    def _active_or_mailed(self) -> set[int]:
        return {one.day for one in self._closed if one.actions}

    def _tenths(self, day: int) -> int:
        counts = Counter(action for one in self._closed if one.day == day for action in one.actions)
        weights = self.basis.engagement
        return sum(weights.of(action)[0] * min(count, weights.of(action)[1]) for action, count in counts.items())

    @property
    def slope_z(self) -> float | None:
        """The slope of engagement over its standard error."""
        return None if self._slope is None else self._slope[1]

    @property
    def slope_change(self) -> float | None:
        """The slope of engagement over four weeks, relative to the level."""
        return None if self._slope is None else self._slope[0]

    @cached_property
    def _slope(self) -> tuple[float, float] | None:
        """(28 x slope / level, z) by weighted least squares over every day of history, zero days included."""
        weights, first = self.basis.engagement, self.first_day
        days = 0 if first is None else min(self.boundary - first, weights.history_days)
        points = [(2 ** (-age / weights.half_life_days), -age, self._tenths(self.boundary - 1 - age) / 10)
                  for age in range(days)]  # fmt: skip
        if days < 3 or not any(y for _, _, y in points):
            return None
        s0, q0 = sum(w for w, _, _ in points), sum(w * w for w, _, _ in points)
        level, centre = sum(w * y for w, _, y in points) / s0, sum(w * u for w, u, _ in points) / s0
        if level <= 0:
            return None
        n_eff = s0 * s0 / q0
        noise = (sum(w * y * y for w, _, y in points) / s0 - level**2) * n_eff / (n_eff - 1)
        rise = sum(w * (u - centre) * y for w, u, y in points)
        spread = sum(w * (u - centre) ** 2 for w, u, _ in points)
        factor = sum((w * (u - centre)) ** 2 for w, u, _ in points)
        return 28 * rise / spread / level, rise / sqrt(max(noise, level / 2) * factor)

    # -- lifecycle

    @property
    def stage(self) -> str | None:
        """The stage; None before the first activity."""
        return None if self.standing is None else self.standing[0]

    @cached_property
    def standing(self) -> tuple[str, int] | None:
        """(stage, days of silence behind it); first match wins."""
        if self.first_day is None:
            return None
        limits, last_day, clock = self.basis.lifecycle, self.boundary - 1, self._clock_days()
        silent = last_day - clock[-1]
        restarts = [later for earlier, later in pairwise(clock) if later - earlier >= limits.dormant_days]
        gap = self.median_gap
        usual = limits.active_days if gap is None else max(limits.active_days, limits.gap_factor * gap)
        ordered = (
            ("churned", silent > limits.churned_days),
            ("dormant", silent >= limits.dormant_days),
            ("reactivated", any(last_day - day < limits.reactivated_days for day in restarts)),
            ("new", last_day - self.first_day < limits.new_days),
            ("active", silent <= min(limits.dormant_days - 1, int(usual))),
            ("lapsed", True),
        )
        return next(stage for stage, is_so in ordered if is_so), silent

    def _clock_days(self) -> list[int]:
        """Days that restart the clock of silence: purchases, and before the first of them any activity."""
        bought = self._days_of(PURCHASE)
        if self.basis.lifecycle.silence == "activity" or not bought:
            return self._active_days
        return [day for day in self._active_days if day < bought[0]] + bought

    # -- the model

    @property
    def _scores_in_force(self) -> Sequence[Score]:
        """The scores, the newest last; none once another snapshot was due."""
        learning, scores = self.basis.learning, self.scores
        is_in_force = learning and scores and self.boundary - scores[-1].boundary < learning.step_days
        return scores if is_in_force else ()

    @property
    def risk(self) -> float | None:
        """The newest score."""
        return self._scores_in_force[-1].risk if self._scores_in_force else None

    @property
    def risk_rank(self) -> float | None:
        """The share of the base with at least this risk."""
        return self._scores_in_force[-1].rank if self._scores_in_force else None

    @property
    def risk_usual(self) -> float | None:
        """The mean of the scores of the 28 days before the newest."""
        *before, newest = self._scores_in_force or (None,)
        known = [s.risk for s in before if s and newest and newest.boundary - s.boundary <= USUAL_RISK_DAYS]
        return sum(known) / len(known) if known else None

    # -- what expressions rest on

    def feeds_read(self, text: str) -> set[int]:
        """The feeds whose measures an expression names."""
        return {FEED_OF[word] for word in words_of(text) if word in FEED_OF}

    def are_witnesses(self, one: Signal, other: Signal) -> bool:
        """Whether two signals are grave and rest on different feeds, so that they corroborate each other."""
        rest = [self._rests_on(s.when.text) if (s.polarity, s.severity) == ("negative", "error") else set() for s in (one, other)]
        return bool(rest[0] and rest[1]) and not rest[0] & rest[1]

    def _rests_on(self, text: str) -> set[int]:
        """A stage stands for what the clock of silence reads, the model for purchases; the age alone is no evidence."""
        words, feeds = words_of(text), self.feeds_read(text)
        by_stage = {PURCHASE} if self.basis.lifecycle.silence == "purchase" else {*self.basis.feeds}
        feeds |= by_stage if "stage" in words else set()
        feeds |= {PURCHASE} if words & {*OF_MODEL} else set()
        return feeds | ({*self.basis.feeds} if words & {*OF_ALL_FEEDS} else set())
