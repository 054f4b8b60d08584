"""All days of a partition's customers: open ones collect arrivals, closed ones are columns.

An event that comes late, for a day that is closed, waits for the next boundary and is then put where it belongs: from
there on everything is as if it had been in time.
"""

from collections.abc import Iterator, Mapping
from sys import intern
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.config import Basis
from models.customers.arrays import NO_ROWS, Bools, Rows
from models.customers.buckets import EMAIL_ACTIONS, TICKET_COUNTS, Bucket, Note
from models.customers.cells import Cells, DayOf, RowIndex
from models.customers.entries import MAX_SUM
from models.customers.hours import HOUR, hours_of
from models.customers.open_day import LAYOUT, OpenDay, bucket_in
from models.customers.pulse import PULSE_LAYOUT, Pulse, pulse_of
from models.customers.roster import Roster
from schemas.event import EMAIL, FEEDS, TICKET, Event

Places = NDArray[np.intp]
NOTE_LAYOUT: Final = {"time_ms": np.int64, **dict.fromkeys(("id", "action", "category", "channel"), object)}
CHANNEL_LAYOUT: Final = {"code": np.uint8}
MANY_NAMES: Final = 1_000
"""Of channels there are a few. Above that, as when a producer puts numbers of telephones there, names are forgotten."""
COUNTED: Final = {TICKET: TICKET_COUNTS, EMAIL: EMAIL_ACTIONS}
"""Feeds that are kept in buckets while a day is open, and what is counted of them."""


class Closed:
    """What a day held when it closed: cells by feed, the pulse, and how many purchases had no rate, by row."""

    __slots__ = ("cells", "day", "pulse", "unrated")

    def __init__(self, day: int, cells: Mapping[int, DayOf], pulse: Pulse, unrated: Mapping[int, int]) -> None:
        self.day, self.cells, self.pulse, self.unrated = day, cells, pulse, unrated


class Days:
    """`feeds`, `pulse`, `notes` and `channels` hold closed days; `open` and `late` what waits for a boundary."""

    def __init__(self, basis: Basis, roster: Roster) -> None:
        self._basis, self._roster = basis, roster
        self.feeds = [Cells({**LAYOUT[feed], HOUR: np.uint8}) for feed in range(len(FEEDS))]
        self.pulse = Cells(PULSE_LAYOUT)
        self.notes = {feed: Cells(NOTE_LAYOUT) for feed in COUNTED}
        self.channels = Cells(CHANNEL_LAYOUT)
        self.channel_names: list[str] = []
        self._channel_codes: dict[str, int] = {}
        self._most_names = MANY_NAMES
        self.open: dict[int, OpenDay] = {}
        self.late: dict[int, OpenDay] = {}
        self._indexes: dict[str, RowIndex] = {}

    @property
    def logs(self) -> dict[str, Cells]:
        """Every log of closed days, by name."""
        return {
            **{FEEDS[feed]: cells for feed, cells in enumerate(self.feeds)},
            "pulse": self.pulse,
            **{f"{FEEDS[feed]}_notes": cells for feed, cells in self.notes.items()},
            "channels": self.channels,
        }

    def opened(self, day: int) -> OpenDay:
        """The day, to add events to it."""
        return _day_in(self.open, day)

    def add_late(self, row: int, event: Event, day: int) -> None:
        """Keep an event of a closed day for the next boundary."""
        self.late_day(day).add(row, event, self._basis)

    def late_day(self, day: int) -> OpenDay:
        """What came late of a closed day, to add to it."""
        return _day_in(self.late, day)

    # -- closing

    def close(self, day: int) -> Closed:
        """Turn a day into columns; it may have held nothing."""
        self._indexes.clear()
        opened = self.open.pop(day, None) or OpenDay()
        cells, start_ms = opened.close(), self._basis.calendar.start_of(day)
        for feed, log in enumerate(self.feeds):
            found = cells.get(feed)
            if found is None:
                log.append(day, NO_ROWS, {name: log.column(name)[:0] for name in log.names})
            else:
                log.append(day, found.rows, {**found.columns, HOUR: hours_of(found.first_ms, start_ms)})
        pulse = pulse_of(cells, self._basis.feeds, self._basis.engagement)
        self.pulse.append(day, pulse.rows, {"active": pulse.active, "points": pulse.points})
        for feed, log in self.notes.items():
            log.append(day, *_note_columns(opened.noted(feed)))
        self.channels.append(day, *self._channel_columns(opened.tickets))
        return Closed(day, cells, pulse, opened.unrated)

    def merge_late(self) -> list[Closed]:
        """Put events that came late into their days; says by day what was added."""
        late, self.late = self.late, {}
        return [self._merge(day, late[day]) for day in sorted(late)]

    def _merge(self, day: int, late: OpenDay) -> Closed:
        added, start_ms = late.close(), self._basis.calendar.start_of(day)
        for feed, new in added.items():
            log = self.feeds[feed]
            log.replace(day, new.rows, new.rows, _summed(log, day, new, hours_of(new.first_ms, start_ms)))
        for feed in self.notes:
            self._merge_buckets(feed, day, late.buckets(feed))
        touched = np.unique(np.concatenate([new.rows for new in added.values()])) if added else np.empty(0, np.int32)
        pulse = pulse_of(self._cells_of(day, touched), self._basis.feeds, self._basis.engagement)
        self.pulse.replace(day, touched, pulse.rows, {"active": pulse.active, "points": pulse.points})
        return Closed(day, added, pulse, late.unrated)

    def _merge_buckets(self, feed: int, day: int, late: Mapping[int, Bucket]) -> None:
        """Notes and channels of a day, where more of them came late."""
        if not late:
            return
        rows = np.array(sorted(late), np.int32)
        merged = self.buckets_of(feed, rows, day, day + 1)
        for row, bucket in late.items():
            bucket_in(merged.setdefault(row, {}), day, len(COUNTED[feed])).merge(bucket)
        by_row = {row: days[day] for row, days in merged.items()}
        self.notes[feed].replace(day, rows, *_note_columns(by_row))
        if feed == TICKET:
            self.channels.replace(day, rows, *self._channel_columns(by_row))

    def _cells_of(self, day: int, rows: Rows) -> dict[int, DayOf]:
        """The cells of some customers on a closed day."""
        found = {}
        for feed, cells in self._cells_on(day).items():
            chosen = np.isin(cells.rows, rows)
            columns = {name: column[chosen] for name, column in cells.columns.items()}
            found[feed] = DayOf(cells.rows[chosen], columns, cells.first_ms)
        return found

    def _cells_on(self, day: int) -> dict[int, DayOf]:
        """The cells of a closed day."""
        found = {}
        for feed, log in enumerate(self.feeds):
            span = log.day(day)
            columns = {name: log.column(name)[span] for name in log.names}
            found[feed] = DayOf(log.rows(span), columns, np.empty(0, np.int64))
        return found

    def _channel_columns(self, buckets: Mapping[int, Bucket]) -> tuple[Rows, dict[str, NDArray[Any]]]:
        pairs = [(row, self.code_of(name)) for row in sorted(buckets) for name in buckets[row].channels]
        table = np.array(pairs, np.int64).reshape(-1, 2)
        return table[:, 0].astype(np.int32), {"code": table[:, 1]}

    def code_of(self, channel: str) -> int:
        """The number of a channel, a new one at first sight."""
        code = self._channel_codes.get(channel)
        if code is None:
            code = self._channel_codes[channel] = len(self.channel_names)
            self.channel_names.append(channel)
        return code

    def set_channel_names(self, names: list[str]) -> None:
        """Take over the channels of a snapshot."""
        self.channel_names = names
        self._channel_codes = {name: code for code, name in enumerate(names)}

    def forget(self, before: int) -> None:
        """Drop closed days that no measure can ask for any more."""
        for log in self.logs.values():
            log.forget(before)
        if len(self.channel_names) >= self._most_names:
            self._forget_names()

    def drop(self, rows: Rows) -> None:
        """Forget all days of some customers, and what channels they alone had."""
        self._indexes.clear()
        is_dropped = self._roster.flagged(rows)
        for log in self.logs.values():
            log.drop(is_dropped)
        for opened in (*self.open.values(), *self.late.values()):
            opened.drop(rows)
        self._forget_names()

    def _forget_names(self) -> None:
        """Drop the names of channels that no day has any more."""
        used, codes = np.unique(self.channels.column("code"), return_inverse=True)
        self.channels.put("code", codes.astype(np.int32))
        self.set_channel_names([self.channel_names[code] for code in used.tolist()])
        self._most_names = max(MANY_NAMES, 2 * len(used))

    def rebuild_pulse(self) -> None:
        """Feel the pulse of every closed day anew: other feeds, or other points, may be declared now."""
        pulse = Cells(PULSE_LAYOUT)
        for day in range(self.pulse.first_day, self.pulse.end_day):
            found = pulse_of(self._cells_on(day), self._basis.feeds, self._basis.engagement)
            pulse.append(day, found.rows, {"active": found.active, "points": found.points})
        self.pulse = pulse

    # -- looking back

    def buckets_of(self, feed: int, rows: Rows, first: int, end: int) -> dict[int, dict[int, Bucket]]:
        """Closed tickets or e-mails of some customers in [first, end): by row and day."""
        is_asked = self._roster.flagged(rows)
        return self._buckets(feed, *(log.find(is_asked, first, end) for log in self._bucket_logs(feed)))

    def counts_of_one(self, feed: int, row: int, reach: int) -> dict[int, Bucket]:
        """Closed tickets or e-mails of one customer in the last `reach` days, by day, without the notes."""
        size, found = len(COUNTED[feed]), {}
        for day, *counts in self._index(FEEDS[feed], self.feeds[feed], reach).entries(row):
            found[day] = bucket = Bucket(0)
            bucket.counts = counts[:size]
        if feed == TICKET:
            for day, code in self._index("channels", self.channels, reach).entries(row):
                bucket_in(found, day, size).channels.append(self.channel_names[code])
        return found

    def add_notes_of_one(self, found: dict[int, Bucket], feed: int, row: int, reach: int) -> None:
        """Give the buckets of one customer their notes of the last `reach` closed days."""
        for day, *note in self._index(f"{FEEDS[feed]}_notes", self.notes[feed], reach).entries(row):
            bucket_in(found, day, len(COUNTED[feed])).notes.append(Note(*note))

    def _index(self, name: str, log: Cells, reach: int) -> RowIndex:
        """Made at the first question after a day was closed."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = RowIndex(log, log.end_day - reach)
        return index

    def _bucket_logs(self, feed: int) -> list[Cells]:
        """The logs that make up buckets: counts, notes, and channels of tickets."""
        return [self.feeds[feed], self.notes[feed], *([self.channels] if feed == TICKET else [])]

    def _buckets(
        self, feed: int, counted: Places, noted: Places, channelled: Places | None = None
    ) -> dict[int, dict[int, Bucket]]:
        """Buckets by row and day from the positions of what they are made of."""
        found: dict[int, dict[int, Bucket]] = {}
        log, names = self.feeds[feed], COUNTED[feed]
        counts = [log.column(name)[counted].tolist() for name in names]
        for row, day, *values in zip(log.rows(counted).tolist(), log.days_of(counted).tolist(), *counts, strict=True):
            bucket_in(found.setdefault(row, {}), day, len(names)).counts = values
        for row, day, note in self._notes_at(feed, noted):
            bucket_in(found.setdefault(row, {}), day, len(names)).notes.append(note)
        if channelled is not None:
            log = self.channels
            codes = log.column("code")[channelled].tolist()
            for row, day, code in zip(
                log.rows(channelled).tolist(), log.days_of(channelled).tolist(), codes, strict=True
            ):
                bucket_in(found.setdefault(row, {}), day, len(names)).channels.append(self.channel_names[code])
        return found

    def notes_of(self, feed: int, is_asked: Bools, first: int, end: int) -> Iterator[tuple[int, int, Note]]:
        """(row, day, note) of some customers in [first, end), days ascending."""
        return self._notes_at(feed, self.notes[feed].find(is_asked, first, end))

    def _notes_at(self, feed: int, places: Places) -> Iterator[tuple[int, int, Note]]:
        log = self.notes[feed]
        columns = [log.column(name)[places].tolist() for name in NOTE_LAYOUT]
        return zip(log.rows(places).tolist(), log.days_of(places).tolist(), map(Note, *columns), strict=True)


def _day_in(days: dict[int, OpenDay], day: int) -> OpenDay:
    if day not in days:
        days[day] = OpenDay()
    return days[day]


def _summed(log: Cells, day: int, new: DayOf, hours: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """New counts of a closed day on top of those that stand there, and the earlier one of the first hours."""
    span = log.day(day)
    known = log.rows(span)
    places = np.minimum(np.searchsorted(known, new.rows), max(len(known) - 1, 0))
    is_known = known[places] == new.rows if len(known) else np.zeros(len(new.rows), np.bool_)
    summed: dict[str, NDArray[Any]] = {}
    for name, values in new.columns.items():
        summed[name] = values.astype(np.int64)
        summed[name][is_known] += log.column(name)[span][places[is_known]]
        np.minimum(summed[name], MAX_SUM, out=summed[name])
    summed[HOUR] = hours.copy()
    summed[HOUR][is_known] = np.minimum(hours[is_known], log.column(HOUR)[span][places[is_known]])
    return summed


def _note_columns(buckets: Mapping[int, Bucket]) -> tuple[Rows, dict[str, NDArray[Any]]]:
    pairs = [(row, note) for row in sorted(buckets) for note in buckets[row].notes]
    rows = np.array([row for row, _ in pairs], np.int32)
    columns: dict[str, NDArray[Any]] = {"time_ms": np.array([note.time_ms for _, note in pairs], np.int64)}
    columns["id"] = objects([note.id for _, note in pairs])
    for place, name in ((2, "action"), (3, "category"), (4, "channel")):
        columns[name] = objects([intern(str(note[place])) for _, note in pairs])
    return rows, columns


def objects(values: list[str]) -> NDArray[Any]:
    """An array of texts."""
    found = np.empty(len(values), object)
    found[:] = values
    return found
