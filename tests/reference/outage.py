"""Feeds that go silent: which days are lost, and what comes of the alert that tells of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise
from statistics import variance
from typing import Final

from models.catalogue.rules import Rules
from models.config import Basis
from reference.feed import FeedLife
from reference.past import happened
from reference.spoken import Said
from reference.weather import Weather
from schemas.event import FEEDS, Event

HOUR_MS: Final = 3_600_000
WEEK: Final = 168


class Feed:
    """One feed of the partition."""

    def __init__(self) -> None:
        self.lost: set[int] = set()
        self.run, self.back = -1, 0
        self.began: int | None = None


class Watch:
    """Looks at each boundary at how many came in which hour of the days before it."""

    def __init__(self, rules: Rules, alerts_from_ms: int) -> None:
        self.feeds = [Feed() for _ in FEEDS]
        self.lives = [FeedLife(rules, name, alerts_from_ms) for name in FEEDS]
        self.known: dict[tuple[int, str, int], int] = {}
        self.erased_at: Mapping[str, int] = {}

    def take(self, event: Event, basis: Basis) -> None:
        """An event that was applied: of who comes first on a day, or earlier than known."""
        one = happened(event, basis)
        if one.is_activity:
            hour = min(23, (event.time_ms - basis.calendar.start_of(one.day)) // HOUR_MS)
            key = (event.feed, event.customer_id, one.day)
            self.known[key] = min(self.known.get(key, 24), hour)

    def hear(self, said: Said) -> None:
        """Something was said, maybe of a feed."""
        for life in self.lives:
            if said.command.customer_id == life.name:
                life.hear(said)

    def review(self, boundary: int, rules: Rules) -> Weather:
        basis, end = rules.basis, boundary + 1
        self.known = {key: hour for key, hour in self.known.items() if boundary < self.erased_at.get(key[1], end)}
        reach = 0 if basis.silence is None else 7 * (basis.silence.weeks * 3 // 2) + 9
        counts = [Counter[int]() for _ in FEEDS]
        for (place, _, day), hour in self.known.items():
            if boundary - reach <= day < boundary:
                counts[place][24 * day + hour] += 1
        for number, feed in enumerate(self.feeds):
            is_judged = basis.silence is not None and number in basis.feeds
            others = sum((counts[one] for one in basis.feeds if one != number), Counter[int]())
            found = self._judged(feed, counts[number], others, boundary, basis) if is_judged else []
            feed.lost = {day for day in feed.lost if day >= boundary - basis.keep_days and is_judged}
            if not found and feed.began is not None:
                feed.back, feed.began = boundary - 1, None
            silence = None
            if not found:
                feed.run = -1
            elif feed.began is None:
                (first, end), usual = found[0]
                feed.began, silence = max(first, 24 * feed.back), (end - first, usual)
            self.lives[number].review(boundary, rules, feed.began, silence)
        lost = {number: frozenset(feed.lost) for number, feed in enumerate(self.feeds) if feed.lost}
        return Weather(lost, frozenset(number for number, feed in enumerate(self.feeds) if feed.began is not None))

    def _judged(
        self, feed: Feed, counts: Counter[int], others: Counter[int], boundary: int, basis: Basis
    ) -> list[tuple[tuple[int, int], int]]:
        """The silences of the day that closed that are outages; their days are lost."""
        today = 24 * (boundary - 1)
        came = sorted(hour for hour, count in counts.items() if count)
        if feed.run >= 0 and (not came or came[-1] < today):
            found = [((feed.run, today + 24), 0)]
        else:
            feed.run = -1
            marks = [hour for hour in came if hour < today][-1:] + [hour for hour in came if hour >= today]
            runs = [(a + 1, b) for a, b in pairwise([*marks, today + 24])]
            runs = [(a, b) for a, b in runs if b > max(a, today) and a >= today + 24 - WEEK - 24]
            judged = [(run, usual_of(run, counts, others, feed.lost, boundary, basis)) for run in runs]
            found = [(run, usual) for run, usual in judged if usual is not None]
        for (first, end), _ in found:
            feed.lost |= {*range(-(-first // 24), end // 24), boundary - 1}
            feed.run = first if end == today + 24 else feed.run
        return found


def usual_of(
    run: tuple[int, int], counts: Counter[int], others: Counter[int], lost: set[int], boundary: int, basis: Basis
) -> int | None:
    """How many come in these hours of the quietest week, where it is an outage that none did."""
    assert basis.silence is not None
    first, end = run[0], min(run[1], run[0] + WEEK)
    weeks = basis.silence.weeks
    since = min(hour for hour in counts if counts[hour]) // 24 * 24

    def came(of: Counter[int], hours: Iterable[int], week: int) -> int:
        return sum(of[hour - WEEK * week] for hour in hours)

    possible = [week for week in range(1, weeks * 3 // 2 + 1) if first - WEEK * week >= since]
    days = {week: range((first - WEEK * week) // 24, (end - WEEK * week - 1) // 24 + 1) for week in possible}
    chosen = [week for week in possible if lost.isdisjoint(days[week])][:weeks]
    hours, n = range(first, end), len(chosen)
    if n < max(2, weeks * 3 // 4):
        return None
    today = range(24 * (boundary - 1), 24 * boundary)
    part = [hour for hour in today if first <= hour < run[1]]
    if 4 * sum(came(counts, part, week) for week in chosen) < sum(came(counts, today, week) for week in chosen):
        return None
    past = [came(counts, hours, week) for week in chosen]
    spread = max(variance(map(Fraction, past)), Fraction(sum(past), n))
    least = Fraction(3 * min(past), 4)
    if not least or 2 * least**2 / (spread * Fraction(n + 1, n) + least) < Fraction(basis.silence.log_odds, 10_000):
        return None
    speak, usual = came(others, hours, 0), sum(came(others, hours, week) for week in chosen)
    if (speak and 2 * speak * n >= usual) or run[1] - run[0] >= WEEK:
        return min(past)
    day, reach = first // 24, boundary - (7 * (weeks * 3 // 2) + 9)
    seen = {hour // 24 for of in (counts, others) for hour in of if of[hour]}
    weekdays = {one % 7 for one in seen if max(day - 7 * chosen[-1], reach) <= one < day}
    return min(past) if len(weekdays) == 7 else None
