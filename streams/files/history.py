"""Event files: read, merged by event time, moved in time. Asks neither a clock nor a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from schemas.codec import decode_line, encode_event, new_event
from schemas.errors import RejectedError
from schemas.event import FEEDS, Event, Purchase
from schemas.event_time import check_instant
from schemas.topics import DAY_MS
from streams.files.bad_line import BadLine, told
from streams.files.counts import FileCounts, Frequent
from streams.files.mapping import Mapping as TableMapping
from streams.files.reading import Bad, Check, EventFile, bytes_of, mapping_for, read_file

SHOWN_BAD_LINES: Final = 20
"""How many bad lines are shown one by one; the rest is counted."""

_LINE_BITS: Final = 40


class HistoryEvent(NamedTuple):
    """One event of a file, ready to post."""

    time_ms: int
    feed: int
    place: int
    """Number of the file and the line together: the order among events of one feed and instant."""
    key: bytes
    value: bytes


order_of: Final[Callable[[Sequence[Any]], tuple[int, int, int]]] = itemgetter(0, 1, 2)
"""How events are sorted: by time, then feed, then place in the files; those of one place as they came."""


@dataclass(frozen=True, slots=True)
class History:
    """The events of some files in the order of time (ties: purchase, login, ticket, email, then file order)."""

    files: tuple[Path, ...]
    events: list[HistoryEvent]
    bad: list[BadLine[RejectedError]]
    currencies: Counter[str] = field(default_factory=Counter)
    """Purchases by currency."""
    counts: list[FileCounts] = field(default_factory=list)
    """What became of the lines, file by file."""
    frequent: Frequent = field(default_factory=Frequent)

    def bad_line(self, place: int, error: RejectedError) -> BadLine[RejectedError]:
        """The line of an event that must not be taken after all."""
        return BadLine(self.files[place >> _LINE_BITS], place & ((1 << _LINE_BITS) - 1), error)

    def bad_sentences(self) -> list[str]:
        """The first bad lines, and how many more there are."""
        return told(self.bad, SHOWN_BAD_LINES)

    def sentences(self) -> list[str]:
        """What became of the lines of files that a mapping read or that are not all events; bad lines; warnings."""
        files = [one for one in self.counts if one.is_mapped or one.bad or one.is_silent or not one.records]
        counts = [sentence for one in files for sentence in one.sentences()]
        return [*counts, *self.bad_sentences(), *self.frequent.sentences(self.counts)]

    @property
    def is_silent(self) -> bool:
        """Whether lines were read and no event came of them."""
        return any(one.records for one in self.counts) and not any(one.made for one in self.counts)

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


class Written(Protocol):
    """What bytes are written to."""

    def write(self, payload: bytes, /) -> object:
        """Add bytes."""


class Rejects:
    """Writes bad lines as they were, so that they can be mended and given again; the head of a table comes first."""

    def __init__(self, opened: Written) -> None:
        self._opened = opened
        self._head = b""

    def take(self, head: bytes, raw: bytes) -> None:
        """Write the lines of one bad record, of a table with this head."""
        if head != self._head:
            self._head = head
            self._write(head)
        self._write(raw)

    def _write(self, raw: bytes) -> None:
        if raw:
            self._opened.write(raw if raw.endswith((b"\n", b"\r", b"\n\0")) else raw + b"\n")


def with_mappings(files: Sequence[Path | EventFile], general: TableMapping | None) -> list[EventFile]:
    """Each file with the mapping it is read by: its own, the general one, or by its name. Raises SetupError."""
    sources = []
    for file in files:
        source = file if isinstance(file, EventFile) else EventFile(file)
        sources.append(source if source.mapping else EventFile(source.path, mapping_for(source.path, general)))
    return sources


def read_history(
    files: Sequence[Path | EventFile],
    mapping: TableMapping | None = None,
    *,
    rejects: Rejects | None = None,
    check: Check | None = None,
) -> History:
    """Read and merge event files: JSON Lines, or anything else by a mapping; gzip too. Raises SetupError.

    A file whose name a built-in mapping knows needs no `mapping`. `check` raises RejectedError for the time of an event
    that is to be a bad line. All events are held in memory, about 0.6 kB each.
    """
    sources = with_mappings(files, mapping)
    history = History(tuple(source.path for source in sources), [], [], Counter())
    take = history.events.append

    def keep(event: Event, place: int, value: bytes | None) -> None:
        key = event.customer_id.encode()
        take(HistoryEvent(event.time_ms, event.feed, place, key, bytes_of(event, value)))

    read_into(keep, history, sources, rejects=rejects, check=check)
    history.events.sort(key=order_of)
    return history


def read_into(
    take: Callable[[Event, int, bytes | None], None],
    history: History,
    sources: Sequence[EventFile],
    *,
    rejects: Rejects | None = None,
    check: Check | None = None,
) -> None:
    """Read files and note in the history what became of their lines; hand over each event with its place.

    And with its bytes, where they stand in the file: what a mapping made has none yet.
    """
    for number, source in enumerate(sources):
        counts = FileCounts(source.path)
        history.counts.append(counts)
        for found in read_file(source, counts, check):
            if isinstance(found, Bad):
                history.bad.append(BadLine(source.path, found.number, found.error, found.is_item))
                if rejects is not None:
                    rejects.take(counts.head, found.raw)
                continue
            line, event, value = found
            history.frequent.add(event.customer_id)
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
