"""Event files: read, merged by event time, moved in time. Asks neither a clock nor a broker."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.codec import MAX_AHEAD_MS, decode_line, encode_event, new_event
from schemas.errors import RejectedError
from schemas.event import FEEDS, Event, Purchase
from schemas.event_time import check_instant
from schemas.topics import DAY_MS
from streams.errors import SetupError
from streams.tables import Mapping as TableMapping
from streams.tables import builtin_mappings, rows_to_events

SHOWN_BAD_LINES: Final = 20
"""How many bad lines are shown one by one; the rest is counted."""

_READ_BYTES: Final = 1 << 18

JSON_LINES: Final = (".jsonl", ".ndjson", ".json")


class HistoryEvent(NamedTuple):
    """One event of a file, ready to post; sorts by time, then feed, then place in the files."""

    time_ms: int
    feed: int
    place: int
    """Number of the file and the line together: the order among events of one feed and instant."""
    key: bytes
    value: bytes


class BadLine(NamedTuple):
    """A line that is no event of the contract."""

    file: Path
    line: int
    error: RejectedError

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.error}"


@dataclass(frozen=True, slots=True)
class History:
    """The events of some files in the order of time (ties: purchase, login, ticket, email, then file order)."""

    files: tuple[Path, ...]
    events: list[HistoryEvent]
    bad: list[BadLine]
    currencies: Counter[str] = field(default_factory=Counter)
    """Purchases by currency."""

    def bad_line(self, place: int, error: RejectedError) -> BadLine:
        """The line of an event that must not be taken after all."""
        return BadLine(self.files[place >> _LINE_BITS], place & ((1 << _LINE_BITS) - 1), error)

    def bad_told(self) -> list[str]:
        """The first bad lines, and how many more there are."""
        more = len(self.bad) - SHOWN_BAD_LINES
        return [*map(str, self.bad[:SHOWN_BAD_LINES]), *([f"and {more:,} more bad lines"] if more > 0 else [])]

    def without_rate(self, rates: Mapping[str, float]) -> list[str]:
        """A sentence for each currency that has no rate: its purchases count, its amounts do not."""
        return [
            f"warning: the catalogue has no rate for {currency}: {count:,} of the amounts here are left out of every "
            "sum. Set `currency` and `rates` in a catalogue of your own (CHURN_CATALOGUE)."
            for currency, count in sorted(self.currencies.items())
            if currency not in rates
        ]

    def without_events(self, feeds: Sequence[int]) -> list[str]:
        """A sentence if declared feeds have no event here: nothing is decided while one is waited for."""
        here = self.feeds
        away = ", ".join(FEEDS[feed] for feed in feeds if feed not in here)
        sentence = (
            f"warning: no {away} events here, and the catalogue's `feeds` says they come: nothing is decided. Declare "
            "the feeds you have in a catalogue of your own, or move the clock with --until."
        )
        return [sentence] if away and here else []

    @property
    def feeds(self) -> set[int]:
        """The feeds that have an event here."""
        return {event.feed for event in self.events}

    def oldest_ms(self) -> dict[int, int]:
        """Time of the oldest event of each feed that has any."""
        oldest: dict[int, int] = {}
        for event in self.events:
            oldest.setdefault(event.feed, event.time_ms)
        return oldest

    def decoded(self) -> Iterator[Event]:
        """The events themselves, in order."""
        return (decode_line(event.value) for event in self.events)


def read_history(files: Sequence[Path], mapping: TableMapping | None = None) -> History:
    """Read and merge event files: JSON Lines, or tables by `mapping`; `.gz` too. Raises SetupError.

    A table whose name a built-in mapping knows needs no `mapping`. All events are held in memory, about 0.6 kB each.
    """
    history = History(tuple(files), [], [], Counter())
    take = history.events.append

    def keep(event: Event, place: int, value: bytes) -> None:
        take(HistoryEvent(event.time_ms, event.feed, place, event.customer_id.encode(), value))

    read_into(keep, history, mapping)
    history.events.sort()
    return history


def read_into(take: Callable[[Event, int, bytes], None], history: History, mapping: TableMapping | None) -> None:
    """Read the history's files and note in it what is wrong; hand over each event with its place and its bytes."""
    for number, file in enumerate(history.files):
        for line, found in _read(file, mapping):
            if isinstance(found, RejectedError):
                history.bad.append(BadLine(file, line, found))
            else:
                event, value = found
                if isinstance(event.data, Purchase):
                    history.currencies[event.data.currency] += 1
                take(event, number << _LINE_BITS | line, value)


def shifted(history: History, days: int) -> History:
    """The same events moved by whole days, in the canonical form; bad lines where the contract has no such time."""
    if days == 0:
        return history
    moved, bad = [], []
    for old in history.events:
        new = moved_by(decode_line(old.value), days)
        try:
            check_instant(new.time_ms)
        except RejectedError as error:
            bad.append(history.bad_line(old.place, error))
        else:
            moved.append(old._replace(time_ms=new.time_ms, value=encode_event(new)))
    return replace(history, events=moved, bad=[*history.bad, *bad])


def moved_by(event: Event, days: int) -> Event:
    """The event some whole days later."""
    time_ms = event.time_ms + days * DAY_MS
    given_id = None if event.id_derived else event.id
    return new_event(event.feed, event.customer_id, time_ms, event.data, source=event.source, id=given_id)


def days_until_yesterday(history: History, now_ms: int) -> int:
    """By how many whole days the history must move so that its last day (UTC) was yesterday; 0 when it is empty."""
    if not history.events:
        return 0
    return now_ms // DAY_MS - 1 - history.events[-1].time_ms // DAY_MS


def without_future(history: History, now_ms: int) -> History:
    """The history with events further ahead than the contract allows among the bad lines."""
    limit = now_ms + MAX_AHEAD_MS
    if not history.events or history.events[-1].time_ms <= limit:
        return history
    error = RejectedError("future", "more than 300 s ahead of the clock", "event_time")
    late = [history.bad_line(event.place, error) for event in history.events if event.time_ms > limit]
    return replace(
        history,
        events=[event for event in history.events if event.time_ms <= limit],
        bad=[*history.bad, *late],
    )


_LINE_BITS = 40


def _read(file: Path, mapping: TableMapping | None) -> Iterator[tuple[int, tuple[Event, bytes] | RejectedError]]:
    plain = file.name.removesuffix(".gz")
    known = next((known for known in builtin_mappings().values() if plain in known.file_names), None)
    rules = None if plain.endswith(JSON_LINES) else mapping or known
    if rules is None and not plain.endswith(JSON_LINES):
        remedy = f"Name it one of {', '.join(JSON_LINES)} (.gz), or say --mapping FILE for a table."
        raise SetupError("event file", f"{file} is neither JSON Lines nor a table with a mapping", remedy)
    try:
        with _opened(file) as opened:
            yield from _table(opened, rules) if rules is not None else _json_lines(opened)
    except (OSError, EOFError) as error:
        raise SetupError("event file", f"{file} cannot be read: {error}", "Give a file that is whole.") from error


def _opened(file: Path) -> BufferedReader:
    if file.name.endswith(".gz"):
        unpacked: Any = gzip.GzipFile(file, "rb")  # it has all that is asked of a raw file
        return BufferedReader(unpacked, _READ_BYTES)  # whose lines are cut by quicker code
    return file.open("rb")


def _json_lines(opened: BufferedReader) -> Iterator[tuple[int, tuple[Event, bytes] | RejectedError]]:
    for number, line in enumerate(opened, start=1):
        value = line.rstrip(b"\r\n")
        if not value:
            continue
        try:
            yield number, (decode_line(value), value)
        except RejectedError as error:
            yield number, error


def _table(opened: BufferedReader, rules: TableMapping) -> Iterator[tuple[int, tuple[Event, bytes] | RejectedError]]:
    text = (line.decode(errors="replace") for line in opened)
    for number, found in rows_to_events(rules, text):
        yield number, found if isinstance(found, RejectedError) else (found, encode_event(found))
