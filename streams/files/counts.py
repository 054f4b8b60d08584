"""What became of the lines of a file, so that every line is accounted for; and whether one id has too many events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemas.event import FEEDS, TICKET, Event, Ticket
from streams.text.wording import counted

SHOWN_VALUES: Final = 5
_MOST_VALUES: Final = 1_000
"""Distinct values that are counted one by one, for each rule."""


@dataclass(slots=True)
class FileCounts:
    """Records of one file: `made` into events, left out by a rule, or bad; the three add up to `records`.

    A record is a line of a table, a group of lines, a JSON object or an item of a list in it.
    """

    file: Path
    is_mapped: bool = False
    head: bytes = b""
    """The line that names the columns of a table, as it was."""
    lines: int = 0
    blank: int = 0
    records: int = 0
    made: int = 0
    events: Counter[int] = field(default_factory=Counter)
    """Events by feed."""
    returns: int = 0
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    """Records by the rule that left them out, and the value."""
    bad: Counter[str] = field(default_factory=Counter)
    """Records by reason."""
    repeated_times: int = 0
    never: tuple[str, ...] = ()
    """Names of the mapping that no record has."""
    written_ids: dict[str, str] = field(default_factory=dict)
    """Customer ids that were hashed, some thousands of them, and what was written in the file."""

    def take(self, events: list[Event]) -> None:
        """Count a record that was made into events."""
        self.records += 1
        self.made += 1
        for event in events:
            self.events[event.feed] += 1
            self.returns += event.feed == TICKET and is_return(event)

    def take_lines(self, made: list[int], returns: int) -> None:
        """Count lines that were an event each, by feed, and the returns among them."""
        self.records += sum(made)
        self.made += sum(made)
        self.events.update({feed: count for feed, count in enumerate(made) if count})
        self.returns += returns

    def leave_out(self, rule: str, value: str) -> None:
        """Count a record that a rule left out."""
        self.records += 1
        values = self.left_out.setdefault(rule, Counter())
        values[value if len(values) < _MOST_VALUES or value in values else "others"] += 1

    def refuse(self, reason: str) -> None:
        """Count a bad record."""
        self.records += 1
        self.bad[reason] += 1

    @property
    def left_out_total(self) -> int:
        """Records left out."""
        return sum(values.total() for values in self.left_out.values())

    @property
    def is_silent(self) -> bool:
        """Whether lines were read and nothing came of them."""
        return self.records > 0 and not self.made

    def to_dict(self) -> dict[str, object]:
        """The counts as JSON has them."""
        return {
            "file": str(self.file),
            "lines": self.lines,
            "blank_lines": self.blank,
            "records": self.records,
            "made": self.made,
            "events": {FEEDS[feed]: count for feed, count in sorted(self.events.items())},
            "returns": self.returns,
            "left_out": {rule: dict(values.most_common()) for rule, values in self.left_out.items()},
            "bad": dict(self.bad.most_common()),
            "repeated_times": self.repeated_times,
        }

    def sentences(self) -> Iterator[str]:
        """What became of the lines, for people."""
        made = by_feed(self.events)
        returned = f", of the tickets {counted(self.returns, 'return')}" if self.returns else ""
        unit = f" ({counted(self.records, 'record')})" if self.records != self.lines else ""
        yield f"{self.file}: {counted(self.lines, 'line')}{unit}: {counted(self.events.total(), 'event')}" + (
            f" ({made}{returned})" if made else ""
        )
        for rule, values in sorted(self.left_out.items(), key=lambda item: -item[1].total()):
            yield f"  left out {values.total():,}: {rule}{_shown(values)}"
        if self.bad:
            by_reason = ", ".join(f"{reason} {count:,}" for reason, count in self.bad.most_common())
            yield f"  bad {self.bad.total():,}: {by_reason}"
        if self.repeated_times:
            told = counted(self.repeated_times, "time")
            yield f"  {told} in an hour that a clock change repeats, read as the first of the two"
        if self.never:
            yield f"  no record has {', '.join(self.never)}: is it written otherwise?"
        if self.is_silent:
            hint = (
                ": JSON that is not of the contract needs --mapping, with `format: json` in it "
                f"(`churn-signals mapping guess {self.file}` proposes one)"
            )
            yield f"  nothing came of this file{'' if self.is_mapped else hint}"


def _shown(values: Counter[str]) -> str:
    named = [(value, count) for value, count in values.most_common(SHOWN_VALUES) if value or len(values) > 1]
    if not named:
        return ""
    more = ", …" if len(values) > SHOWN_VALUES else ""
    shown = ", ".join(f"{value or 'empty'} {count:,}" for value, count in named)
    return f" ({shown}{more})"


class Frequent:
    """Ids by how often they came, for the few that come often: exact until there are many ids, then never too high.

    After Misra and Gries: what is kept is bounded, and an id with more than one in `KEPT` events is never missed.
    """

    KEPT: Final = 2_000
    LEAST: Final = 100
    """Events below which no id is told of: in a small file everybody has more than 1 %."""
    TIMES: Final = 10
    """An id is told of when it has so many times the events of the id in the middle: some firms have few customers."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._pending: list[str] = []
        self.total = 0

    def add(self, customer_id: str) -> None:
        """Count an event of this id. They are counted many at a time: this is in the path of every event."""
        self._pending.append(customer_id)
        if len(self._pending) >= self.KEPT:
            self._settle()

    def _settle(self) -> None:
        self.total += len(self._pending)
        self._counts.update(self._pending)
        self._pending.clear()
        if len(self._counts) > 2 * self.KEPT:
            less = sorted(self._counts.values())[-self.KEPT - 1]
            self._counts = Counter({name: count - less for name, count in self._counts.items() if count > less})

    def sentences(self, files: Iterable[FileCounts]) -> list[str]:
        """A warning for each id that has more than 1 % of all events, the most frequent first; five at most.

        An id that was hashed is named as it was written in the files.
        """
        written = {made: text for one in files for made, text in one.written_ids.items()}
        self._settle()
        counts = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        if not counts:
            return []
        middle = counts[len(counts) // 2][1]
        often = [
            (name, count)
            for name, count in counts
            if count >= self.LEAST and count * 100 > self.total and count > self.TIMES * middle
        ]
        return [
            f"warning: customer {written.get(name, name)!r} has {count:,} of {self.total:,} events "
            f"({count / self.total:.0%}): one person, or an id for everybody unknown? `nobody: [...]` in the mapping "
            "leaves it out."
            for name, count in often[:5]
        ]


def by_feed(events: Mapping[int, int]) -> str:
    """Numbers of events in words, without feeds that have none.

    >>> by_feed({1: 3, 0: 1200, 2: 0})
    '1,200 purchase, 3 login'
    """
    return ", ".join(f"{count:,} {FEEDS[feed]}" for feed, count in sorted(events.items()) if count)


def is_return(event: Event) -> bool:
    """Whether a ticket says that something was sent back; not that such a ticket was resolved."""
    return isinstance(event.data, Ticket) and event.data.category == "return" and event.data.action != "resolved"
