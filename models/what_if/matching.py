"""Which alert of one run is which of the other: of the same customer and signal, and open at the same time.

Each alert has at most one counterpart: both runs' alerts of a customer and signal are gone through in the order of
time, and the first that overlap belong together. As alerts of one run do not overlap each other, no other way finds
more pairs. A signal that got another name is another signal: its alerts are lost under the old name and gained under
the new one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.what_if.episodes import Episode


class Matched(NamedTuple):
    """Pairs (before, after), alerts that only the first run has, and alerts that only the second has."""

    common: list[tuple[Episode, Episode]]
    lost: list[Episode]
    gained: list[Episode]


def match(before: Iterable[Episode], after: Iterable[Episode]) -> Matched:
    """Pair the alerts of two runs over the same events; the order in which they come says nothing."""
    ours, theirs = _by_case(before), _by_case(after)
    found = Matched([], [], [])
    for key in sorted({*ours, *theirs}):
        _pair(ours.get(key, ()), theirs.get(key, ()), found)
    return found


def _by_case(episodes: Iterable[Episode]) -> dict[tuple[str, str], list[Episode]]:
    """The alerts of each customer and signal, in the order of time."""
    found: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    for one in sorted(episodes):
        found[one.signal, one.customer_id].append(one)
    return found


def _pair(ours: Sequence[Episode], theirs: Sequence[Episode], found: Matched) -> None:
    first = second = 0
    while first < len(ours) and second < len(theirs):
        one, other = ours[first], theirs[second]
        if one.begins < other.ends and other.begins < one.ends:
            found.common.append((one, other))
            first, second = first + 1, second + 1
        elif one.ends <= other.begins:
            found.lost.append(one)
            first += 1
        else:
            found.gained.append(other)
            second += 1
    found.lost.extend(ours[first:])
    found.gained.extend(theirs[second:])
