"""Which feeds' silence can make a condition true: where one event more of a feed could have kept it from being true.

Each comparison is asked how both its sides move with further events of each feed. A count rises, the days since
something fall, a stage of silence rests on the clock of silence; what the model says, and slopes, may move either way
with any feed. What is usual, and windows before others, stay: they were there before the silence.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from models.catalogue.conditions import AnyOf, Comparison, Condition, Never
from models.catalogue.terms import (
    Arithmetic,
    Channels,
    Constant,
    ScalarTerm,
    SinceStart,
    Term,
    WindowTerm,
    joined,
    turned,
)
from models.config import Basis, Engagement
from models.customers.buckets import EMAIL_ACTIONS
from models.customers.stages import CHURNED, DORMANT, LAPSED
from models.measures.daily import ALL_FEEDS, DAILY
from models.measures.scalars import EITHER, RISK
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

Directions = Mapping[int, int]
"""By feed: 1 where one event more makes a value larger, -1 where smaller, EITHER where it may do both."""
_LOW: Final = ("<", "<=")
_SILENCE: Final = (LAPSED, DORMANT, CHURNED)
_FEED_OF_ACTION: Final = {"purchase": PURCHASE, "login": LOGIN, **dict.fromkeys(EMAIL_ACTIONS, EMAIL)}


def absent_feeds(condition: Condition, basis: Basis) -> frozenset[int]:
    """The declared feeds whose silence can make it true."""
    found = {feed for one in _comparisons(condition) for feed in _of_comparison(one, basis)}
    return frozenset(found & set(basis.feeds))


def by_presence(condition: Condition, down: frozenset[int], basis: Basis) -> Condition:
    """Those of its alternatives that the silence of some feeds cannot make true."""
    if down.isdisjoint(absent_feeds(condition, basis)):
        return condition
    kept = [one for one in condition.alternatives if down.isdisjoint(absent_feeds(one, basis))]
    return AnyOf(kept) if kept else Never()


def _comparisons(condition: Condition) -> Iterable[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    for part in getattr(condition, "parts", ()):
        yield from _comparisons(part)


def _of_comparison(one: Comparison, basis: Basis) -> set[int]:
    if one.left.is_stage:
        return _of_stage(one, basis)
    moved = _both(_moves(one.left, basis), _moves(one.right, basis), is_turned=True)
    if one.op in ("==", "!="):
        return set(moved)
    kept_from = (1, EITHER) if one.op in _LOW else (-1, EITHER)
    return {feed for feed, direction in moved.items() if direction in kept_from}


def _of_stage(one: Comparison, basis: Basis) -> set[int]:
    """What the clock of silence rests on, where the customer is in a stage of silence, or in none of the others."""
    named = [term.number for term in (one.left, one.right) if isinstance(term, Constant)]
    is_silence = len(named) != 1 or (named[0] in _SILENCE) == (one.op == "==")
    by_purchases = basis.lifecycle.silence == "purchase" and PURCHASE in basis.feeds
    return set() if not is_silence else {PURCHASE} if by_purchases else set(basis.feeds)


def _moves(term: Term, basis: Basis) -> Directions:
    match term:
        case Arithmetic():
            both = _both(_moves(term.left, basis), _moves(term.right, basis), is_turned=term.op in "-/")
            sides = (term.left, term.right)
            is_turned = term.op in "*/" and any(isinstance(of, Constant) and of.number < 0 for of in sides)
            return {feed: turned(direction) for feed, direction in both.items()} if is_turned else both
        case WindowTerm() if not term.window.skip:
            return _counted(term.window.measure, basis)
        case SinceStart():
            return _counted(term.name, basis)
        case Channels():
            return {TICKET: 1}
        case ScalarTerm():
            return _of_scalar(term, basis)
    return {}


def _counted(measure: str, basis: Basis) -> Directions:
    if measure == "engagement":
        return _engaged(basis.engagement, basis.feeds)
    feed = DAILY[measure].feed
    return dict.fromkeys(basis.feeds if feed == ALL_FEEDS else (feed,), 1)


def _engaged(weights: Engagement, feeds: Iterable[int]) -> Directions:
    """Points may be taken away: of complaints, and of e-mails refused."""
    found: dict[int, int] = {}
    for action, tenths in weights.tenths.items():
        feed = _FEED_OF_ACTION.get(action, TICKET)
        if tenths and feed in feeds:
            found[feed] = joined(found.get(feed, 0), 1 if tenths > 0 else -1)
    return found


def _of_scalar(term: ScalarTerm, basis: Basis) -> Directions:
    reads, direction = term.measure.reads, term.direction
    if reads in (RISK, ALL_FEEDS):
        return dict.fromkeys(basis.feeds, direction)
    is_fixed = reads < 0 or term.measure.name == "days_since_first_ticket"  # the first of all stays the first
    return {} if is_fixed or not direction else {reads: direction}


def _both(one: Directions, other: Directions, *, is_turned: bool) -> Directions:
    found = dict(one)
    for feed, direction in other.items():
        found[feed] = joined(found.get(feed, 0), turned(direction) if is_turned else direction)
    return found
