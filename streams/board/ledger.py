"""What the output topics tell of the past: who was at risk on which day, what is open, who changed stage.

A record may come again and late (outputs are sent at least once): the highest revision of an alert counts, a change of
stage once. The topics keep a month, so that an alert without a revision in that time is not known here.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from models.alerts.episode import STILL_OPEN
from models.calendar import Calendar
from schemas.alert import URGENCY, AlertV1
from schemas.envelope import OF_FEED
from schemas.instant import from_rfc3339
from schemas.stage import StageChangeV1
from streams.console.cases import Case, case_of, led

GRAVE = frozenset({"warning", "error", "critical"})
"""Severities that put a customer at risk, when the signal is negative."""
MONTH_DAYS = 28
"""A month on the board: whole weeks, so that weekends do not show."""
TREND_DAYS = 60
OPEN_DAYS = 2
"""Days from the boundary on of which announcements are shown; later ones are of partitions that are far ahead."""
KEPT_LATEST = 60
"""Latest alerts handed out: more than any terminal has lines for."""

Freshness = tuple[int, int, float, str]
"""What sorts alerts: the newest first, then the most urgent, then the one with most at stake; ends with the id."""
Entry = tuple[Freshness, AlertV1]


@dataclass(frozen=True, slots=True)
class BoardHistory:
    """The past as of a boundary. `at_risk`: customers at each of the last boundaries, the newest last."""

    at_risk: tuple[int, ...] = ()
    changes: dict[str, int] = field(default_factory=dict)
    """By stage: customers who came, less those who left, since a month before the boundary."""
    ended: dict[str, int] = field(default_factory=dict)
    """By reason: negative alerts that ended in the month before the boundary."""
    latest: tuple[Case, ...] = ()
    """Cases that somebody must answer, that with the newest alert first; of one instant the most urgent."""
    down: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By feed that is down, when it fell silent, for each partition that tells of it: instants, the earliest first."""


class OutputLedger:
    """Collects alerts and changes of stage. Mutable; whoever fills it owns it."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._revisions: dict[str, int] = {}
        self._open: dict[str, Entry] = {}
        self._of_feeds: dict[str, AlertV1] = {}
        self._spans: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        self._stages: dict[str, dict[int, str]] = defaultdict(dict)
        self._moves: dict[int, Counter[str]] = defaultdict(Counter)
        self._ended: dict[int, Counter[str]] = defaultdict(Counter)
        self.newest_boundary = -1

    def take_alert(self, alert: AlertV1) -> None:
        """Take one revision; an older one than known, or the same again, changes nothing."""
        if alert.revision <= self._revisions.get(alert.alert_id, 0):
            return
        self._revisions[alert.alert_id] = alert.revision
        self._note_boundary(alert.ends_at or alert.observed_at)
        if alert.is_owed:
            self._open[alert.alert_id] = (_freshness(alert), alert)
        else:
            self._open.pop(alert.alert_id, None)
        if alert.is_of_feed:
            self._of_feeds[alert.alert_id] = alert
            return
        if alert.polarity == "negative" and alert.ended_because is not None and alert.ends_at is not None:
            self._ended[self._boundary_of(alert.ends_at)][alert.ended_because] += 1
        if alert.polarity == "negative" and alert.severity in GRAVE:
            end = STILL_OPEN if alert.ends_at is None else self._boundary_of(alert.ends_at)
            self._spans[alert.customer_id][alert.alert_id] = (self._boundary_of(alert.observed_at), end)

    def take_stage(self, change: StageChangeV1) -> None:
        """Take one change of stage."""
        day, stages = self._boundary_of(change.at), self._stages[change.customer_id]
        self.newest_boundary = max(self.newest_boundary, day)
        if day in stages:
            return
        stages[day] = change.to_stage
        moves = self._moves[day]
        moves[change.to_stage] += 1
        if change.from_stage is not None:
            moves[change.from_stage] -= 1

    def _note_boundary(self, text: str) -> None:
        """An alert that began or ended at a midnight was decided there; one of another hour was fired early."""
        day, time_ms = self._boundary_of(text), from_rfc3339(text)
        if self._calendar.start_of(day) == time_ms:
            self.newest_boundary = max(self.newest_boundary, day)

    def history(self, boundary: int) -> BoardHistory:
        """The past as of a boundary (a day number)."""
        month = range(boundary - MONTH_DAYS + 1, boundary + 1)
        changes: Counter[str] = Counter()
        ended: Counter[str] = Counter()
        for day in month:
            changes.update(self._moves.get(day, {}))
            ended.update(self._ended.get(day, {}))
        ahead = -self._calendar.start_of(boundary + OPEN_DAYS)
        known = [entry for entry in self._open.values() if entry[0][0] > ahead]
        newest = heapq.nsmallest(KEPT_LATEST, known)  # no two are equally fresh: the id is part of it
        return BoardHistory(self._trend(boundary), dict(changes), dict(ended), _cases(newest, known), self._down())

    def _down(self) -> dict[str, tuple[str, ...]]:
        found = defaultdict(list)
        for alert in self._of_feeds.values():
            if alert.is_open:
                found[alert.customer_id.removeprefix(OF_FEED)].append(alert.starts_at)
        return {feed: tuple(sorted(times, key=from_rfc3339)) for feed, times in found.items()}

    def _trend(self, boundary: int) -> tuple[int, ...]:
        """Customers at risk at each boundary: a span of days open, not churned, counted once a customer."""
        first = boundary - TREND_DAYS + 1
        steps = [0] * (TREND_DAYS + 1)
        for customer_id, spans in self._spans.items():
            recent = [span for span in spans.values() if span[1] > first]
            for begin, end in _without(_joined(recent), self._churned(customer_id)) if recent else ():
                steps[_place(begin - first)] += 1
                steps[_place(end - first)] -= 1
        return tuple(accumulate(steps[:-1]))

    def _churned(self, customer_id: str) -> list[tuple[int, int]]:
        """When the customer counted as churned, oldest first."""
        stages = self._stages.get(customer_id, {})
        days = sorted(stages)
        return [
            (day, until) for day, until in zip(days, [*days[1:], STILL_OPEN], strict=False) if stages[day] == "churned"
        ]

    def _boundary_of(self, text: str) -> int:
        """The first boundary at or after an instant: by then it is known to every review."""
        time_ms = from_rfc3339(text)
        day = self._calendar.day_of(time_ms)
        return day if self._calendar.start_of(day) == time_ms else day + 1


def _cases(newest: Sequence[Entry], known: Sequence[Entry]) -> tuple[Case, ...]:
    """The cases of the newest alerts, in their order, each with all of its alerts."""
    wanted = dict.fromkeys(case_of(alert) for _, alert in newest)
    members: dict[str, list[AlertV1]] = {name: [] for name in wanted}
    for _, alert in known:
        if (name := case_of(alert)) in members:
            members[name].append(alert)
    return tuple(led(alerts) for alerts in members.values())


def _freshness(alert: AlertV1) -> Freshness:
    worth = alert.value_at_risk.amount if alert.value_at_risk else 0.0
    return -from_rfc3339(alert.observed_at), URGENCY[alert.severity], -worth, alert.alert_id


def _place(day: int) -> int:
    """A day within the window, or the edge it lies beyond."""
    return min(max(day, 0), TREND_DAYS)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union of spans, in order.

    >>> _joined([(5, 9), (1, 3), (2, 4)])
    [(1, 4), (5, 9)]
    """
    union: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if union and begin <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((begin, end))
    return union


def _without(spans: list[tuple[int, int]], gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans less gaps, both in order and disjoint.

    >>> _without([(1, 10)], [(3, 4), (8, 20)])
    [(1, 3), (4, 8)]
    """
    left = []
    for begin, end in spans:
        at = begin
        for gap_begin, gap_end in gaps:
            if at < gap_begin:
                left.append((at, min(end, gap_begin)))
            at = max(at, gap_end)
        left.append((at, end))
    return [(begin, end) for begin, end in left if begin < end]
