"""Merges of customers among events and commands: chains, circles, of nobody, said twice, late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st

from models.catalogue.rules import Rules
from schemas.command import Command
from schemas.event import Event
from support.builders import DAY_MS, HOUR_MS
from support.troubled import FIRST_DAY

BEHIND_MS: Final = (0, 0, 0, 0, HOUR_MS, DAY_MS, 3 * DAY_MS, 12 * DAY_MS)
"""By how much a command arrives behind its time."""


def calm(changes: Mapping[int, Rules]) -> dict[int, Rules]:
    """The same catalogues, by which no feed is ever down: who counts in which hour is not the subject here."""
    return {at: replace(rules, basis=replace(rules.basis, silence=None)) for at, rules in changes.items()}


def merge(alias: str, into: str, at_ms: int, name: str = "m") -> Command:
    """A command that merges two customers."""
    return Command(name, "merge", alias, at_ms, "Ann", into=into)


@st.composite
def with_merges(
    draw: st.DrawFn, arrivals: Sequence[Event | Command], customers: int = 5, most: int = 5
) -> list[Event | Command]:
    """What arrives, and merges in between."""
    who = st.sampled_from([f"c{number}" for number in range(customers)])
    other = st.sampled_from([*(f"c{number}" for number in range(customers)), "nobody"])
    row = st.tuples(who, other, st.integers(1, 100), st.sampled_from((0, 1, 9, 23)), st.sampled_from(BEHIND_MS))
    rows = [one for one in draw(st.lists(row, min_size=1, max_size=most)) if one[0] != one[1]]
    said = []
    for number, (alias, into, day, hour, behind_ms) in enumerate(rows):
        at_ms = (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS
        said.append((at_ms + behind_ms, merge(alias, into, at_ms, f"m{number}")))
    return among_arrivals(arrivals, said)


def among_arrivals(arrivals: Sequence[Event | Command], said: Sequence[tuple[int, Command]]) -> list[Event | Command]:
    """Each command before the first event that is newer than its arrival."""
    newest, rows = 0, list[tuple[int, int, Event | Command]]()
    for place, one in enumerate(arrivals):
        newest = max(newest, one.time_ms if isinstance(one, Event) else 0)
        rows.append((newest, place, one))
    rows += [(at_ms, -1, one) for at_ms, one in said]
    return [one for _, _, one in sorted(rows, key=lambda row: row[:2])]
