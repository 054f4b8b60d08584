"""Two runs over the same events compared: per signal, owner, week and day, and some customers as examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from models.calendar import date_of
from models.catalogue.rules import ALONE, Rules
from models.detection.proportion import Quartiles, quartiles
from models.what_if.changes import Change, changes
from models.what_if.episodes import Episode
from models.what_if.matching import Matched, match
from schemas.alert import URGENCY, AlertSeverity

MOST_EXAMPLES: Final = 10
_MONDAY: Final = 4
"""Day number 4 was one: 1970-01-05."""


class Counts(msgspec.Struct, frozen=True):
    """Alerts before and after; of those `common` to both, how many are told on another day, are worse, change hands.

    `common` + `lost` = `before`, `common` + `gained` = `after`. `shift`: of those that are told on another day, by how
    many days, as quartiles (below 0: earlier).
    """

    before: int = 0
    after: int = 0
    common: int = 0
    gained: int = 0
    lost: int = 0
    earlier: int = 0
    later: int = 0
    more_severe: int = 0
    less_severe: int = 0
    other_owner: int = 0
    shift: Quartiles | None = None

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not any((self.gained, self.lost, self.earlier, self.later, self.more_severe, self.less_severe,
                        self.other_owner))  # fmt: skip


class Load(msgspec.Struct, frozen=True):
    """Alerts told on a day, days without any among them: the median, what 95 % of the days do not exceed, the most."""

    median: int
    p95: int
    most: int


class ListLoad(msgspec.Struct, frozen=True):
    """An owner's list of the day: the `room` for new customers, how many are `new`, how many found no room."""

    room: int
    new: Load
    waiting: Load


class OwnerLoad(msgspec.Struct, frozen=True):
    """Alerts of one owner: `common` stay, `handed_over` go to another owner, `taken_over` come from another.

    `common` + `lost` + `handed_over` = `before`, `common` + `gained` + `taken_over` = `after`.
    """

    before: int
    after: int
    common: int
    gained: int
    lost: int
    handed_over: int
    taken_over: int
    load_before: Load
    load_after: Load
    list_before: ListLoad
    list_after: ListLoad


class Week(msgspec.Struct, frozen=True):
    """Alerts told in a week that begins on this Monday."""

    monday: str
    before: int
    after: int
    gained: int
    lost: int


class Example(msgspec.Struct, frozen=True):
    """An alert that one run has and the other has not: about whom, since when, and why."""

    kind: Literal["gained", "lost"]
    customer_id: str
    signal: str
    owner: str
    severity: AlertSeverity
    day: str
    summary: str


class Comparison(msgspec.Struct, frozen=True):
    """Everything that differs. The days are those on which anything could be told, first and last included."""

    first_day: str | None
    last_day: str | None
    days: int
    total: Counts
    by_signal: dict[str, Counts]
    by_owner: dict[str, OwnerLoad]
    weeks: tuple[Week, ...]
    gained: tuple[Example, ...]
    lost: tuple[Example, ...]
    changes: tuple[Change, ...]
    catalogue_before: str
    catalogue_after: str
    schema_version: Literal[1] = 1


class Listed(NamedTuple):
    """By boundary, how many customers were new on an owner's list, and how many waited for room."""

    new: Counter[int]
    waiting: Counter[int]


class Run(NamedTuple):
    """What a catalogue decided: its alerts, the last day of its history that was judged, the lists by owner."""

    rules: Rules
    episodes: Sequence[Episode]
    last_day: int
    listed: Mapping[str, Listed] = MappingProxyType({})


def compare(before: Run, after: Run, first_day: int | None) -> Comparison:
    """Compare two runs over the same events, the first of which happened on `first_day`; None: there was none."""
    matched = match(before.episodes, after.episodes)
    told = [one.told for one in (*before.episodes, *after.episodes)]
    first = 0 if first_day is None else first_day
    last = max([before.last_day, after.last_day, *told])
    days = 0 if first_day is None else max(0, last - first + 1)
    counts = _by(matched, lambda one: one.signal)
    of_catalogues = (signal.id for rules in (before.rules, after.rules) for signal in rules.signals)
    signals = dict.fromkeys((*of_catalogues, *counts))  # alerts of feeds are of no signal in a catalogue
    return Comparison(
        first_day=date_of(first) if days else None,
        last_day=date_of(last) if days else None,
        days=days,
        total=_by(matched, lambda _: "").get("", Counts()),
        by_signal={name: counts.get(name, Counts()) for name in signals},
        by_owner=_owners(matched, before, after, first, days),
        weeks=_weeks(matched, first, last) if days else (),
        gained=_examples("gained", matched.gained),
        lost=_examples("lost", matched.lost),
        changes=changes(before.rules, after.rules),
        catalogue_before=before.rules.hash,
        catalogue_after=after.rules.hash,
    )


def _by(matched: Matched, key: Callable[[Episode], str]) -> dict[str, Counts]:
    """Counts by what two alerts of a pair have in common."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    shifts: dict[str, list[float]] = defaultdict(list)
    for kind, alone in (("lost", matched.lost), ("gained", matched.gained)):
        for one in alone:
            found[key(one)][kind] += 1
    for one, other in matched.common:
        of = found[key(one)]
        of["common"] += 1
        of["earlier"] += other.told < one.told
        of["later"] += other.told > one.told
        of["more_severe"] += URGENCY[other.severity] < URGENCY[one.severity]
        of["less_severe"] += URGENCY[other.severity] > URGENCY[one.severity]
        of["other_owner"] += other.owner != one.owner
        if other.told != one.told:
            shifts[key(one)].append(float(other.told - one.told))
    return {
        name: Counts(
            before=of["common"] + of["lost"],
            after=of["common"] + of["gained"],
            shift=quartiles(shifts[name]),
            **of,
        )
        for name, of in found.items()
    }


def _owners(matched: Matched, before: Run, after: Run, first: int, days: int) -> dict[str, OwnerLoad]:
    lost, gained, common, handed, taken = (Counter[str]() for _ in range(5))
    told: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for one in matched.lost:
        lost[one.owner] += 1
        told[one.owner, False].append(one.told)
    for one in matched.gained:
        gained[one.owner] += 1
        told[one.owner, True].append(one.told)
    for one, other in matched.common:
        is_kept = one.owner == other.owner
        (common if is_kept else handed)[one.owner] += 1
        taken[other.owner] += not is_kept
        told[one.owner, False].append(one.told)
        told[other.owner, True].append(other.told)
    return {
        owner: OwnerLoad(
            before=common[owner] + lost[owner] + handed[owner],
            after=common[owner] + gained[owner] + taken[owner],
            common=common[owner],
            gained=gained[owner],
            lost=lost[owner],
            handed_over=handed[owner],
            taken_over=taken[owner],
            load_before=_load(told[owner, False], first, days),
            load_after=_load(told[owner, True], first, days),
            list_before=_list_load(before, owner, first, days),
            list_after=_list_load(after, owner, first, days),
        )
        for owner in sorted({*before.listed, *after.listed, *(owner for owner, _ in told)})
    }


def _list_load(run: Run, owner: str, first: int, days: int) -> ListLoad:
    new, waiting = run.listed.get(owner, Listed(Counter(), Counter()))
    room = run.rules.teams.get(owner, ALONE).budget
    return ListLoad(room, _load([*new.elements()], first, days), _load([*waiting.elements()], first, days))


def _load(told: Sequence[int], first: int, days: int) -> Load:
    """Of so many days; a quantile is a number that some day really had."""
    counts = np.bincount(np.array(told, np.int64) - first, minlength=days)
    median, p95 = np.quantile(counts, (0.5, 0.95), method="inverted_cdf")
    return Load(int(median), int(p95), int(counts.max()))


def _weeks(matched: Matched, first: int, last: int) -> tuple[Week, ...]:
    def weekly(episodes: Iterable[Episode]) -> Counter[int]:
        return Counter((one.told - _MONDAY) // 7 for one in episodes)

    before = weekly((*matched.lost, *(one for one, _ in matched.common)))
    after = weekly((*matched.gained, *(other for _, other in matched.common)))
    lost, gained = weekly(matched.lost), weekly(matched.gained)
    return tuple(
        Week(date_of(7 * week + _MONDAY), before[week], after[week], gained[week], lost[week])
        for week in range((first - _MONDAY) // 7, (last - _MONDAY) // 7 + 1)
    )


def _examples(kind: Literal["gained", "lost"], alone: Sequence[Episode]) -> tuple[Example, ...]:
    """Some of these, each of another customer: signals in turn, the one with most first; within one by a hash."""
    waiting: dict[str, list[Episode]] = defaultdict(list)
    for one in sorted(alone, key=_drawn, reverse=True):
        waiting[one.signal].append(one)
    turns = sorted(waiting, key=lambda name: (-len(waiting[name]), name))
    chosen: dict[str, Episode] = {}
    while turns and len(chosen) < MOST_EXAMPLES:
        for name in turns:
            one = waiting[name].pop()
            if len(chosen) < MOST_EXAMPLES:
                chosen.setdefault(one.customer_id, one)
        turns = [name for name in turns if waiting[name]]
    return tuple(
        Example(kind, one.customer_id, one.signal, one.owner, one.severity, date_of(one.told), one.summary)
        for one in chosen.values()
    )


def _drawn(one: Episode) -> bytes:
    """A place in a draw that is the same every time and says nothing about the customer."""
    return sha256(f"{one.signal}\0{one.customer_id}\0{one.begins}".encode()).digest()
