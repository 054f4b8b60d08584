"""The hit rate of every signal of a catalogue, on a history in which nobody was called because of it.

Of each alert whose horizon is over: did the customer come back by themselves, did the customer leave, how long after
the alert; and of everybody alike at the same boundary, how many came back. What coming back is follows from the
catalogue: a purchase, or any activity where its clock of silence is `activity` or it declares no purchases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from models.calendar import date_of
from models.catalogue.hit_rates import Return
from models.catalogue.rules import Polarity, Rules, Signal
from models.config import Basis
from models.customers.arrays import Bools
from models.customers.day_history import DayHistory, Whole
from models.customers.stages import CHURNED, LOST
from models.detection.proportion import Share, share_by_customer
from models.hit_rate.alike import is_back, sweep
from models.hit_rate.contrast import Contrast, Difference
from models.hit_rate.following import AlertSpans, Followed
from models.hit_rate.leaving import Leaving, LeavingTime
from schemas.event import EMAIL, PURCHASE, TICKET

MIN_CUSTOMERS: Final = 20
"""Customers alerted below which nothing is concluded: a single one would move a share by five points and more."""
Verdict = Literal["tells", "no difference", "the reverse", "too few", "nobody alike", "not judged", "no alerts"]


class Excess(msgspec.Struct, frozen=True):
    """How many alerts came true beyond what as many of those alike did, with the 95 % interval: difference x volume."""

    alerts: float
    low: float
    high: float


class SignalHits(msgspec.Struct, frozen=True):
    """What came of the alerts of one signal.

    `alerts` began, without those `taken_back`; of `waiting` ones the horizon is not over, and the rest is judged:
    `came_back` and `left` of them, and `compared` of those that somebody is alike to, all but `alone`. `reason`: why it
    is not judged. `foretells`: what the alerted should do less, or more, than those alike: come back.
    """

    signal: str
    polarity: Polarity
    owner: str
    foretells: Literal["fewer", "more"]
    verdict: Verdict
    reason: str | None
    alerts: int
    customers: int
    taken_back: int
    waiting: int
    came_back: Share | None
    left: Share | None
    compared: Difference | None
    alone: int
    excess: Excess | None
    dormant: LeavingTime
    churned: LeavingTime


class HitRates(msgspec.Struct, frozen=True):
    """The hit rates of a catalogue, the signal that tells most first. Days before `boundary` were known."""

    horizon_days: int
    comes_back_by: Return
    customers: int
    alerts: int
    first_day: str | None
    boundary: str | None
    signals: tuple[SignalHits, ...]
    schema_version: Literal[1] = 1


def comes_back_by(basis: Basis) -> Return:
    """What counts as coming back: that which restarts the clock of silence."""
    return "purchase" if basis.lifecycle.silence == "purchase" and PURCHASE in basis.feeds else "activity"


def not_judged(signal: Signal, by: Return) -> str | None:
    """Why coming back is no sensible outcome of a signal's alerts; None where it is one."""
    read = signal.when.feeds & {TICKET, EMAIL}
    if by == "activity" and read and signal.when.feeds <= {TICKET, EMAIL}:
        return "what it watches, tickets or e-mails, would itself count as coming back"
    return None


def hit_rates(
    followed: Followed, rules: Rules, horizon_days: int, done: Callable[[int, int], None] = lambda _done, _of: None
) -> HitRates:
    """Judge every signal; `done` hears how many boundaries of how many were gone through."""
    by = comes_back_by(rules.basis)
    returns = followed.bought if by == "purchase" else followed.active
    leaving = Leaving(followed, returns)
    cases = [_Case(signal, followed, returns, horizon_days, not_judged(signal, by)) for signal in rules.signals]
    at: dict[int, list[_Case]] = defaultdict(list)
    for case in cases:
        for boundary in case.boundaries():
            at[boundary].append(case)
    boundaries = sorted(at)
    for number, everybody in enumerate(sweep(followed, returns, horizon_days, boundaries), start=1):
        for case in at[everybody.boundary]:
            case.contrast.add(everybody, case.alerted(everybody.boundary), case.have_it(everybody.boundary))
        done(number, len(boundaries))
    found = [case.judged(leaving) for case in cases]
    is_known = followed.boundary >= 0
    return HitRates(
        horizon_days=horizon_days,
        comes_back_by=by,
        customers=followed.customers,
        alerts=sum(one.alerts for one in found),
        first_day=date_of(followed.first_day) if is_known else None,
        boundary=date_of(followed.boundary) if is_known else None,
        signals=tuple(sorted(found, key=_rank)),
    )


def _rank(one: SignalHits) -> tuple[int, float, int]:
    """What tells most first, by the alerts that came true beyond those alike; what cannot be judged last."""
    if one.excess is None:
        return 2, 0.0, -one.alerts
    return int(one.verdict == "too few"), -one.excess.alerts, -one.alerts


class _Judged(NamedTuple):
    """The alerts of a signal whose horizon is over, ordered by the boundary they began at."""

    rows: Whole
    begins: Whole


class _Case:
    """One signal while everybody is gone through."""

    def __init__(
        self, signal: Signal, followed: Followed, returns: DayHistory, horizon_days: int, reason: str | None
    ) -> None:
        begun = followed.begun.get(signal.id, _NOTHING)
        order = np.argsort(begun.begins, kind="stable")
        self._begun = AlertSpans(begun.rows[order], begun.begins[order], begun.ends[order], begun.taken_back)
        self.signal, self.reason, self._returns, self._horizon_days = signal, reason, returns, horizon_days
        is_over = self._begun.begins + horizon_days <= followed.boundary
        self._over = _Judged(self._begun.rows[is_over], self._begun.begins[is_over])
        self.contrast = Contrast(followed.customers)

    def boundaries(self) -> list[int]:
        """Those at which alerts began that are compared."""
        return [] if self.reason else [*map(int, np.unique(self._over.begins))]

    def alerted(self, boundary: int) -> Whole:
        """Whose alert began at a boundary."""
        low, high = np.searchsorted(self._over.begins, (boundary, boundary + 1))
        return self._over.rows[low:high]

    def have_it(self, boundary: int) -> Whole:
        """Who has an alert that began at a boundary or before, and is open there."""
        end = int(np.searchsorted(self._begun.begins, boundary + 1))
        is_open = (self._begun.ends[:end] > boundary) | (self._begun.begins[:end] == boundary)
        return np.unique(self._begun.rows[:end][is_open])

    def judged(self, leaving: Leaving) -> SignalHits:
        """What came of it."""
        rows, begins = self._over
        signal, count = self.signal, len(rows)
        came_back = _by_customer(rows, is_back(self._returns, rows, begins, self._horizon_days))
        compared = self.contrast.difference()
        verdict = self._verdict(came_back, compared)
        return SignalHits(
            signal=signal.id,
            polarity=signal.polarity,
            owner=signal.owner,
            foretells="fewer" if signal.polarity == "negative" else "more",
            verdict=verdict,
            reason=self.reason,
            alerts=len(self._begun.rows),
            customers=len(np.unique(self._begun.rows)),
            taken_back=self._begun.taken_back,
            waiting=len(self._begun.rows) - count,
            came_back=None if self.reason else came_back,
            left=_by_customer(rows, leaving.has_left(rows, begins, self._horizon_days)),
            compared=compared,
            alone=self.contrast.alone,
            excess=None if compared is None else _excess(compared, signal.polarity),
            dormant=leaving.time_until(self._begun.rows, self._begun.begins, LOST),
            churned=leaving.time_until(self._begun.rows, self._begun.begins, (CHURNED,)),
        )

    def _verdict(self, came_back: Share | None, compared: Difference | None) -> Verdict:
        if self.reason:
            return "not judged"
        if came_back is None:
            return "too few" if len(self._begun.rows) else "no alerts"
        if compared is None:
            return "nobody alike"
        if compared.customers < MIN_CUSTOMERS:
            return "too few"
        if compared.low <= 0 <= compared.high:
            return "no difference"
        return "tells" if (compared.difference < 0) == (self.signal.polarity == "negative") else "the reverse"


def _by_customer(rows: Whole, is_so: Bools) -> Share | None:
    """The share of alerts of which something is so; those of one customer are one cluster."""
    return share_by_customer(zip(rows.tolist(), is_so.tolist(), strict=True))


_NO_DAYS: Final = np.empty(0, np.int64)
_NOTHING: Final = AlertSpans(_NO_DAYS, _NO_DAYS, _NO_DAYS)


def _excess(compared: Difference, polarity: Polarity) -> Excess:
    """The difference times the alerts, counted in the direction that the signal foretells."""
    direction = -1 if polarity == "negative" else 1
    low, high = sorted(direction * end * compared.alerts for end in (compared.low, compared.high))
    return Excess(round(direction * compared.difference * compared.alerts, 1), round(low, 1), round(high, 1))
