"""What is known of a customer is taken out for another partition, and added to what is known of another customer.

Adding up is as if all events had been the customer's: days of both become one, and what follows from days (the pulse,
windows, gaps) is counted anew. Totals, first days and last days reach further back than the days that are kept.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.customers.aliases import Alias
from models.customers.arrays import Ints, Rows
from models.customers.buckets import MAX_CHANNELS, MAX_NOTES
from models.customers.cells import Cells, DayOf
from models.customers.clocks import MAX_COUNT
from models.customers.columns import day_or_none
from models.customers.customers import Customers
from models.customers.days import NOTE_LAYOUT, Days, objects
from models.customers.entries import MAX_SUM
from models.customers.hours import HOUR
from models.customers.pulse import is_active, pulse_of
from schemas.event import FEEDS, PURCHASE
from schemas.moved import HistoryV1, MovedOrigin, NoteOnWire

LAST_DAYS: Final = ("last_day", "last_purchase", "last_login", "restart")
"""Columns of which the newer day counts."""
Pairs = list[tuple[int, int]]
"""(Day, row)."""


class Joined(NamedTuple):
    """A customer's row, and what was known of an alias."""

    row: int
    history: HistoryV1


def history_of(customers: Customers, row: int, name: str, alias: Alias) -> HistoryV1:
    """Everything observed of an alias as of a boundary that is about to be passed; whoever sends it says where to."""
    columns, days = customers.columns, customers.days
    floor = max(customers.boundary - customers.basis.keep_days, 0)
    own = np.array([row], np.int32)
    flags = customers.roster.flagged(own)
    firsts = [int(columns.first_in(feed)[row]) for feed in range(len(FEEDS))]
    purchases, spend, unrated = (int(total[row]) for total in _totals(customers))
    opened = {**days.open, **days.late}  # no day is both
    cells = {feed: _rows_of(log, flags, floor) for feed, log in enumerate(days.feeds)}
    notes = {feed: _rows_of(log, flags, floor) for feed, log in days.notes.items()}
    return HistoryV1(
        to=0,
        origin=MovedOrigin(0, 0, 0),
        customer_id=alias.customer_id,
        since=alias.since,
        by=(name,),
        firsts=tuple(map(day_or_none, firsts)),
        totals=(purchases, spend, unrated),
        bought_again=day_or_none(int(columns.bought_again[row])),
        last={name: int(getattr(columns, name)[row]) for name in LAST_DAYS},
        older=tuple(int(columns.older(feed, own)[0]) for feed in range(len(FEEDS))),
        refused=int(columns.refused[row]),
        cells={feed: found for feed, found in cells.items() if found},
        notes={feed: [(day, _note(note)) for day, *note in found] for feed, found in notes.items() if found},
        channels=[(day, days.channel_names[code]) for day, code in _rows_of(days.channels, flags, floor)],
        open_days={day: part for day, one in opened.items() if (part := one.part_of(row)) is not None},
    )


def _note(values: Sequence[Any]) -> NoteOnWire:
    time_ms, event_id, action, category, channel = values
    return time_ms, event_id, action, category, channel


def holds_anything(history: HistoryV1) -> bool:
    """Whether anything was known of an alias."""
    return any((history.cells, history.open_days, any(history.totals), max(history.firsts, default=-1) >= 0))


def _rows_of(log: Cells, flags: NDArray[np.bool_], floor: int) -> list[list[Any]]:
    """Of one customer, the days from `floor` on with their columns."""
    places = log.find(flags, floor, log.end_day)
    columns = [log.days_of(places).tolist(), *(log.column(name)[places].tolist() for name in log.names)]
    return [list(row) for row in zip(*columns, strict=True)]


def _totals(customers: Customers) -> tuple[Ints, Ints, Ints]:
    columns = customers.columns
    return columns.purchases_total, columns.spend_total, columns.unrated_total


def join(customers: Customers, joined: Sequence[Joined]) -> None:
    """Add to customers what was known of aliases; what follows from days is counted when the day closes."""
    for row, history in joined:
        _add_columns(customers, row, history)
        _note_older(customers, row, history)
        for day, part in history.open_days.items():
            is_closed = day < customers.boundary
            (customers.days.late_day(day) if is_closed else customers.days.opened(day)).take_in(row, part)
    days = customers.days
    touched: set[tuple[int, int]] = set()
    for feed, log in enumerate(days.feeds):
        counts = [(day, row, rest) for row, history in joined for day, *rest in history.cells.get(feed, ())]
        touched |= {(day, row) for day, row, _ in counts}
        _add_counts(log, counts)
    for feed, log in days.notes.items():
        _add_notes(log, [(day, row, tuple(note)) for row, one in joined for day, note in one.notes.get(feed, ())])
    _add_channels(days, [(day, row, name) for row, history in joined for day, name in history.channels])
    _feel_pulse(customers, sorted(touched))
    concerned = {one.row for one in joined}
    customers.joined |= concerned
    customers.joined_days |= {day for day, _ in touched}
    customers.waiting_late |= concerned


def _add_columns(customers: Customers, row: int, history: HistoryV1) -> None:
    columns, basis = customers.columns, customers.basis
    for total, more, most in zip(_totals(customers), history.totals, (MAX_COUNT, MAX_SUM, MAX_COUNT), strict=True):
        total[row] = min(int(total[row]) + more, most)
    bought = [int(columns.first_in(PURCHASE)[row]), int(columns.bought_again[row])]
    bought += [day for day in (*history.firsts[PURCHASE : PURCHASE + 1], history.bought_again) if day >= 0]
    columns.bought_again[row] = sorted(bought)[1]
    for feed, first in enumerate(history.firsts):
        if first >= 0:
            columns.first_in(feed)[row] = min(int(columns.first_in(feed)[row]), first)
            if feed in basis.feeds:
                columns.first_day[row] = min(int(columns.first_day[row]), first)
    for name, day in history.last.items():
        last = getattr(columns, name)
        last[row] = max(int(last[row]), day)
    columns.refused[row] |= history.refused


def _note_older(customers: Customers, row: int, history: HistoryV1) -> None:
    """Note the newest days of activity that are kept no longer, or here no longer."""
    columns, floor = customers.columns, customers.boundary - customers.basis.keep_days
    own = np.array([row], np.int32)
    for feed, older in enumerate(history.older):
        newest = [older, int(columns.older(feed, own)[0])]
        entries = [entry for entry in history.cells.get(feed, ()) if entry[0] < floor]
        if entries:
            days, *counts = np.array(entries, np.int64).T
            newest += days[is_active(feed, dict(zip(customers.days.feeds[feed].names, counts, strict=True)))].tolist()
        columns.note_older(feed, own, max(newest))


def _pairs(of: Pairs) -> tuple[Ints, Ints]:
    table = np.array(of, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _add_counts(log: Cells, entries: Sequence[tuple[int, int, list[int]]]) -> None:
    """Add up counts by day and customer; the earlier of two hours counts."""
    names, merged = list(log.names), dict[tuple[int, int], list[int]]()
    for day, row, values in entries:
        known = merged.get((day, row))
        merged[day, row] = values if known is None else _summed(names, known, values)
    pairs = sorted(merged)
    days, rows = _pairs(pairs)
    low, high = log.find_pairs(days, rows)
    places = low[high > low]
    columns = [log.column(name)[places].tolist() for name in names]
    for place, *known in zip(np.flatnonzero(high > low).tolist(), *columns, strict=True):
        merged[pairs[place]] = _summed(names, known, merged[pairs[place]])
    table = np.array([merged[pair] for pair in pairs], np.int64).reshape(-1, len(names))
    log.exchange(places, days, rows, dict(zip(names, table.T, strict=True)))


def _summed(names: Sequence[str], ours: Sequence[int], theirs: Sequence[int]) -> list[int]:
    pairs = zip(names, ours, theirs, strict=True)
    return [min(a, b) if name == HOUR else min(a + b, MAX_SUM) for name, a, b in pairs]


def _add_notes(log: Cells, entries: Sequence[tuple[int, int, tuple[Any, ...]]]) -> None:
    """Of the notes of a day the first by time are kept."""
    merged, places = _gathered(log, [(day, row, note) for day, row, note in entries], list(log.names))
    kept = [(day, row, note) for (day, row), notes in sorted(merged.items()) for note in sorted(notes)[:MAX_NOTES]]
    days, rows = _pairs([(day, row) for day, row, _ in kept])
    columns: dict[str, NDArray[Any]] = {
        name: objects([note[at] for *_, note in kept])
        if kind is object
        else np.array([note[at] for *_, note in kept], np.int64)
        for at, (name, kind) in enumerate(NOTE_LAYOUT.items())
    }
    log.exchange(places, days, rows, columns)


def _add_channels(days: Days, entries: Sequence[tuple[int, int, str]]) -> None:
    log = days.channels
    coded = [(day, row, (days.code_of(name),)) for day, row, name in entries]
    merged, places = _gathered(log, coded, ["code"])
    names = days.channel_names
    kept = [
        (day, row, code)
        for (day, row), codes in sorted(merged.items())
        for code in sorted({code for (code,) in codes}, key=names.__getitem__)[:MAX_CHANNELS]
    ]
    on, rows = _pairs([(day, row) for day, row, _ in kept])
    log.exchange(places, on, rows, {"code": np.array([code for *_, code in kept], np.int64)})


def _gathered(
    log: Cells, entries: Sequence[tuple[int, int, tuple[Any, ...]]], names: Sequence[str]
) -> tuple[dict[tuple[int, int], list[tuple[Any, ...]]], NDArray[np.intp]]:
    """By day and customer what is added together with what stands there, and where that is."""
    merged: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
    for day, row, values in entries:
        merged.setdefault((day, row), []).append(values)
    pairs = sorted(merged)
    low, high = log.find_pairs(*_pairs(pairs))
    places: list[int] = []
    for pair, first, end in zip(pairs, low.tolist(), high.tolist(), strict=True):
        places += range(first, end)
        merged[pair] += zip(*(log.column(name)[first:end].tolist() for name in names), strict=True)
    return merged, np.array(places, np.intp)


def _feel_pulse(customers: Customers, touched: Pairs) -> None:
    """Feel the pulse of days anew; a day of a customer stands for a customer."""
    days, rows = _pairs(touched)
    log = customers.days.pulse
    cells: dict[int, DayOf] = {}
    for feed, one in enumerate(customers.days.feeds):
        low, high = one.find_pairs(days, rows)
        own = np.flatnonzero(high > low)
        columns = {name: one.column(name)[low[own]] for name in one.names}
        cells[feed] = DayOf(own.astype(np.int32), columns, np.empty(0, np.int64))
    pulse = pulse_of(cells, customers.basis.feeds, customers.basis.engagement)
    low, high = log.find_pairs(days, rows)
    at: Rows = pulse.rows
    log.exchange(low[high > low], days[at], rows[at], {"active": pulse.active, "points": pulse.points})
