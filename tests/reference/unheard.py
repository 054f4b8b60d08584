"""Whom a silent feed holds: which silence can make a condition true, and what is true with the lost days left out."""

from collections.abc import Collection, Sequence
from typing import Any

from models.config import Basis
from reference.language import holds, tree_of
from reference.past import FEED_OF, STAGES, Past
from reference.spoken import Spoken
from reference.weather import Weather
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

Signs = set[tuple[int, int]]
"""(feed, whether one event more of it makes a value larger or smaller)."""


def listen(life: Spoken, past: Past) -> None:
    """Find which alerts that begin or are held may come of a feed that is down, or was."""
    life.unheard = set()
    for signal in life.signals:
        feeds, episode = silent_feeds(signal.when.text, life.basis), life.episodes.get(signal.id)
        if episode is None or not signal.inhibited_by_outage or not (lost := life.weather.of(feeds)):
            continue
        key = (signal.id, episode.start)
        if not episode.held and life.told.get(key, ("", ""))[1] != "firing":
            continue
        is_true = holds(signal.when.text, KnownPast(past, life.weather), episode.start)
        if is_true or is_made_up(episode.start, life.boundary, lost):
            life.sure.add(key)
        if feeds & life.weather.down or key not in life.sure:
            life.unheard.add(signal.id)


def silent_feeds(text: str, basis: Basis) -> set[int]:
    """The feeds of which one event more could have kept a condition from being true."""
    return _of(tree_of(text), basis) & set(basis.feeds)


def heard_parts(text: str, down: Collection[int], basis: Basis) -> list[tuple[Any, ...]]:
    """The alternatives of a condition that the silence of some feeds cannot make true."""
    return [part for part in _alternatives(tree_of(text)) if not _of(part, basis) & set(basis.feeds) & set(down)]


def _alternatives(tree: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [*_alternatives(tree[1]), *_alternatives(tree[2])] if tree[0] == "or" else [tree]


def _of(tree: tuple[Any, ...], basis: Basis) -> set[int]:
    match tree:
        case ("and" | "or", one, other):
            return _of(one, basis) | _of(other, basis)
        case ("name", _):
            return set()
        case (sign, ("name", word), ("name", other)) if {word, other} & {*STAGES, "stage"}:
            named = word if word in STAGES else other
            is_silent = (named in ("lapsed", "dormant", "churned")) == (sign == "==")
            by_purchase = basis.lifecycle.silence == "purchase" and PURCHASE in basis.feeds
            return set() if not is_silent else {PURCHASE} if by_purchase else {*basis.feeds}
    moved = _moves(tree[1], basis) | _turned(_moves(tree[2], basis))
    keeps = {"<": (1,), "<=": (1,), ">": (-1,), ">=": (-1,)}.get(tree[0], (1, -1))
    return {feed for feed, sign in moved if sign in keeps}


def _moves(tree: tuple[Any, ...], basis: Basis) -> Signs:
    match tree:
        case ("number", _):
            return set()
        case ("name", word):
            return _of_word(word, basis)
        case ("window", word, inside):
            return _counted(word, basis) if inside == ["since", "start"] or len(inside) == 1 else set()
    left, right = _moves(tree[1], basis), _moves(tree[2], basis)
    moved = left | (_turned(right) if tree[0] in "-/" else right)
    is_turned = tree[0] in "*/" and any(side[0] == "number" and side[1] < 0 for side in tree[1:])
    return _turned(moved) if is_turned else moved


def _of_word(word: str, basis: Basis) -> Signs:
    """What has no window: only what one event more can change."""
    if word in ("slope_z", "slope_change", "risk", "risk_usual", "risk_rank"):
        return {(feed, sign) for feed in basis.feeds for sign in (1, -1)}
    if word == "days_since_activity":
        return {(feed, -1) for feed in basis.feeds}
    own = {"days_since_purchase": -1, "days_since_login": -1, "purchases_total": 1, "spend_total": 1}
    return {(FEED_OF[word], own[word])} if word in own else set()


def _counted(word: str, basis: Basis) -> Signs:
    if word == "engagement":
        mails = ["sent", "opened", "clicked", "unsubscribed", "complained", "bounced"]
        feeds = {"purchase": PURCHASE, "login": LOGIN, **dict.fromkeys(mails, EMAIL)}
        tenths = {action: points for action, points in basis.engagement.tenths.items() if points}
        return {(feeds.get(action, TICKET), 1 if points > 0 else -1) for action, points in tenths.items()}
    if word == "active_days":
        return {(feed, 1) for feed in basis.feeds}
    return {(FEED_OF[word], 1)}


def _turned(moves: Signs) -> Signs:
    return {(feed, -sign) for feed, sign in moves}


class KnownPast(Past):
    """The same customer with the lost days left out."""

    def __init__(self, past: Past, weather: Weather) -> None:
        super().__init__(past.basis, past.boundary, past.seen, past.scores, past.skipped, past.lost)
        self.weather = weather

    def _lost(self, feed: int | None, first: int, end: int) -> int:
        feeds = self.basis.feeds if feed is None else (feed,) if feed in self.basis.feeds else ()
        return sum(first <= day < end for day in self.weather.of(feeds))

    def count(self, name: str, length: int, skip: int = 0) -> float | None:
        raw, end = super().count(name, length, skip), self.boundary - skip
        known = length - self._lost(FEED_OF.get(name), end - length, end)
        if raw is None or not known:
            return None
        scale = self.scale(name)
        return float(round(raw * scale)) * length / known / scale

    def usual(self, name: str, length: int) -> float | None:
        level, first, scale = self.count(name, 56, length), self.first_day, self.scale(name)
        if level is None or first is None:
            return None
        first += self._lost(None, first + 1, self.boundary)
        known = 56 - self._lost(FEED_OF.get(name), self.boundary - length - 56, self.boundary - length)
        raw = Past.count(self, name, 56, length)
        assert raw is not None
        sums = float(round(raw * scale)) * 56 / known
        return None if self.boundary - length - first < 42 else sums * length / (56 * scale)

    def days_since(self, days: Sequence[int], feed: int | None = None) -> int | None:
        raw = super().days_since(days)
        return None if raw is None else raw - self._lost(feed, days[-1] + 1, self.boundary)


def is_made_up(start: int, boundary: int, lost: Sequence[int]) -> bool:
    """Whether as many days were heard since an alert began as had been lost before it."""
    before = sum(day < start for day in lost)
    return boundary - start - (len(lost) - before) >= before
