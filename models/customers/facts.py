"""What was observed of customers, canonical: equal for equal sets of events, whatever the order of arrival."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.customers.arrays import Rows
from models.customers.buckets import EMAIL_ACTIONS, NO_TIME, TICKET_CATEGORIES, Bucket
from models.customers.columns import day_or_none
from models.customers.customers import Customers
from models.customers.days import COUNTED
from models.customers.entries import MAX_SUM
from models.customers.open_day import LAYOUT, bucket_in
from schemas.event import EMAIL, FEEDS, LOGIN, PURCHASE, TICKET

ByDay = dict[int, Any]


def facts_of(customers: Customers, rows: Rows) -> list[dict[str, Any]]:
    """The facts of these customers, open days included; days older than those kept are left out."""
    places = {row: place for place, row in enumerate(rows.tolist())}
    floor = customers.boundary - customers.basis.keep_days
    tables = {feed: _closed(customers, feed, rows, floor) for feed in (PURCHASE, LOGIN)}
    tables |= {feed: customers.days.buckets_of(feed, rows, floor, customers.boundary) for feed in COUNTED}
    firsts = np.stack([customers.columns.first_in(feed)[rows] for feed in range(len(FEEDS))], axis=1)
    columns = customers.columns
    totals = np.stack([columns.purchases_total[rows], columns.spend_total[rows], columns.unrated_total[rows]], axis=1)
    _add_open(customers, places, tables, firsts, totals)
    return [
        {
            "first": [*map(day_or_none, first_of)],
            "totals": total,
            "purchases": _of_days(tables[PURCHASE].get(row, {}), floor),
            "logins": _of_days(tables[LOGIN].get(row, {}), floor),
            "tickets": _of_days({d: _ticket_day(b) for d, b in tables[TICKET].get(row, {}).items()}, floor),
            "emails": _of_days({d: _email_day(b) for d, b in tables[EMAIL].get(row, {}).items()}, floor),
        }
        for row, first_of, total in zip(rows.tolist(), firsts.tolist(), totals.tolist(), strict=True)
    ]


def _closed(customers: Customers, feed: int, rows: Rows, floor: int) -> dict[int, ByDay]:
    """Closed purchases or logins by row and day."""
    log = customers.days.feeds[feed]
    places = log.find(customers.roster.flagged(rows), floor, customers.boundary)
    values = [log.column(name)[places].tolist() for name in LAYOUT[feed]]
    found: dict[int, ByDay] = {}
    for row, day, *counts in zip(log.rows(places).tolist(), log.days_of(places).tolist(), *values, strict=True):
        found.setdefault(row, {})[day] = counts if feed == PURCHASE else counts[0]
    return found


def _add_open(customers: Customers, places: Mapping[int, int], tables: Any, firsts: Any, totals: Any) -> None:
    """Add what waits in open days, and what came late since the last boundary."""
    days = customers.days
    for day, opened in (*days.open.items(), *days.late.items()):
        for feed, cells in opened.close().items():
            for at, (row, first_ms) in enumerate(zip(cells.rows.tolist(), cells.first_ms.tolist(), strict=True)):
                place = places.get(row)
                if place is None:
                    continue
                if first_ms != NO_TIME:
                    firsts[place, feed] = min(firsts[place, feed], day)
                counts = [int(column[at]) for column in cells.columns.values()]
                known = tables[feed].setdefault(row, {})
                if feed == LOGIN:
                    known[day] = known.get(day, 0) + counts[0]
                elif feed == PURCHASE:
                    before = known.get(day, (0, 0, 0))
                    known[day] = [min(ours + more, MAX_SUM) for ours, more in zip(before, counts, strict=True)]
                    totals[place, 0] += counts[0]
                    totals[place, 1] = min(totals[place, 1] + counts[1], MAX_SUM)
                else:
                    bucket = opened.bucket_of(feed, row)
                    assert bucket is not None  # it has a cell
                    bucket_in(known, day, len(COUNTED[feed])).merge(bucket)
        for row in opened.unrated.keys() & places.keys():
            totals[places[row], 2] += opened.unrated[row]


def _of_days(days: Mapping[int, Any], floor: int) -> dict[str, Any]:
    return {str(day): days[day] for day in sorted(days) if day >= floor}


def _ticket_day(bucket: Bucket) -> list[Any]:
    """Opened by category, reopened, resolved, channels, notes."""
    opened, others = bucket.counts[: len(TICKET_CATEGORIES)], bucket.counts[len(TICKET_CATEGORIES) :]
    return [opened, *others, bucket.channels, [list(note) for note in bucket.notes]]


def _email_day(bucket: Bucket) -> list[Any]:
    """Counts by action, notes."""
    return [bucket.counts[: len(EMAIL_ACTIONS)], [list(note) for note in bucket.notes]]
