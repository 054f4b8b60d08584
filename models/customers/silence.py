"""The rule by which a silence of a feed is an outage: less likely than one in so many, by the feed's own past.

The run of hours without an event, of which the first week is looked at, is held against the same hours of the week of n
weeks before it, without those that an outage touched. With v the sample variance of their counts (at least their mean)
and m three quarters of the least of them, it is an outage where

    2 m^2 / (v (n + 1) / n + m) >= ln(1 / chance)

Why: of a negative binomial of mean m and variance s, -ln P(0) is m ln(s / m) / (s / m - 1), and ln(x) / (x - 1) is at
least 2 / (x + 1). Counts that vary more than those of Poisson, and the variance of a week that is not among the n,
v (n + 1) / n, are allowed for as in Farrington et al. (1996) and Noufaily et al. (2013). The quietest week, less a
quarter, stands for what trade may fall to: a feed that was silent at this time in any of these weeks is not judged.
Whole numbers alone are compared, so that every machine decides alike.

Where the other feeds fell silent with it, below half of what is usual, it may be a holiday: with those who had no event
at all on some day of the week in all these weeks, it is an outage only once it has lasted for a week.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.config import Silence
from models.customers.hours import DAY_HOURS, WEEK_HOURS, HourSpan

_FALL: Final = (3, 4)
"""To which part of the quietest week trade may fall, and it still be no outage when nothing comes."""
_SCALE: Final = 10_000
"""Of the logarithm of the odds, a whole number."""

Counts = NDArray[np.int64]


def days_looked_at(silence: Silence) -> int:
    """How many days back the rule may ask: the weeks, and a run that began more than a week ago."""
    return 7 * silence.most_weeks + 9


def least_count(silence: Silence) -> int:
    """No silence is an outage where fewer came in its hours a week before."""
    return -(-silence.log_odds * _FALL[1] // (_SCALE * _FALL[0]))


class FeedPast:
    """The counts of a feed and of all others in a group, by hour from `first_hour` on, added up."""

    def __init__(self, counts: Counts, others: Counts, first_hour: int) -> None:
        self._first = first_hour
        self._own, self._others = _sums(counts), _sums(others)
        came = counts.nonzero()[0]
        self.since = first_hour + (int(came[0]) // DAY_HOURS * DAY_HOURS if len(came) else len(counts))
        """The first hour of the first day on which anything came."""

    def own(self, run: HourSpan, weeks: int = 0) -> int:
        """How many came in these hours, or so many weeks before."""
        return self._within(self._own, run, weeks)

    def others(self, run: HourSpan, weeks: int = 0) -> int:
        """How many came in other feeds."""
        return self._within(self._others, run, weeks)

    def _within(self, sums: Counts, run: HourSpan, weeks: int) -> int:
        back = self._first + weeks * WEEK_HOURS
        return int(sums[run.end - back] - sums[run.first - back])

    def closes(self, day: int, weeks: int) -> bool:
        """Whether on some day of the week nothing came at all, in so many weeks before a day."""
        first = max(day - 7 * weeks, self._first // DAY_HOURS)
        hours = np.arange(first, day + 1) * DAY_HOURS - self._first
        came = np.diff(self._own[hours]) + np.diff(self._others[hours])
        return any(not came[weekday::7].any() for weekday in range(7))


def usual_of(run: HourSpan, past: FeedPast, boundary: int, lost: set[int], silence: Silence) -> int | None:
    """How many came in these hours of the quietest week where the run is an outage; None where it is none.

    None as well where it took less than a quarter of what is usual of the day before the boundary: that day is heard.
    """
    looked = HourSpan(run.first, min(run.end, run.first + WEEK_HOURS))
    weeks = _weeks(looked, past, lost, silence)
    if len(weeks) < silence.least_weeks:
        return None
    counts = [past.own(looked, week) for week in weeks]
    if not (_takes_the_day(run, past, boundary, weeks) and _is_unlikely(counts, silence.log_odds)):
        return None
    usual = sum(past.others(looked, week) for week in weeks)
    speak = past.others(looked)
    is_alone = speak > 0 and 2 * speak * len(weeks) >= usual
    if is_alone or run.end - run.first >= WEEK_HOURS or not past.closes(run.first // DAY_HOURS, weeks[-1]):
        return min(counts)
    return None


def _weeks(run: HourSpan, past: FeedPast, lost: set[int], silence: Silence) -> list[int]:
    """How many weeks before the run those are that it is held against."""
    found: list[int] = []
    for week in range(1, silence.most_weeks + 1):
        first, end = run.first - week * WEEK_HOURS, run.end - week * WEEK_HOURS
        if first < past.since or len(found) == silence.weeks:
            break
        if lost.isdisjoint(range(first // DAY_HOURS, (end - 1) // DAY_HOURS + 1)):
            found.append(week)
    return found


def _takes_the_day(run: HourSpan, past: FeedPast, boundary: int, weeks: list[int]) -> bool:
    """Whether at least a quarter of those of the day that closed usually come in the hours of the run."""
    day = HourSpan((boundary - 1) * DAY_HOURS, boundary * DAY_HOURS)
    part = HourSpan(max(run.first, day.first), run.end)
    return 4 * sum(past.own(part, week) for week in weeks) >= sum(past.own(day, week) for week in weeks)


def _is_unlikely(counts: list[int], log_odds: int) -> bool:
    """Whether none at all is less likely than asked for; everything is multiplied by n^2 (n - 1) and 16."""
    n, total, least = len(counts), sum(counts), min(counts)
    up, down = _FALL
    spread = max(n * sum(one * one for one in counts) - total * total, total * (n - 1))  # v n (n - 1)
    below = spread * down * down * (n + 1) + least * up * down * n * n * (n - 1)
    return least > 0 and 2 * _SCALE * (least * up * n) ** 2 * (n - 1) >= log_odds * below


def _sums(counts: Counts) -> Counts:
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
