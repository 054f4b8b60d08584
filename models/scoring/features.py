"""The features of customers as of a boundary, from closed days alone: what the model sees.

All values come from the flat logs by sums per customer in the order of days, never over customers: a row's features
have the same bits alone as among thousands. They are rounded to 32 bits: a pending snapshot stores four bytes each and
changes nothing of what is learned from it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import Basis
from models.customers.arrays import Bools, Floats, Ints, Rows
from models.customers.buckets import REFUSALS
from models.customers.cells import Cells
from models.customers.customers import Customers
from models.customers.pulse import OPENED
from models.customers.rhythm import slopes
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

MEANINGS: Final[Mapping[str, str]] = {
    "recency": "days since the last purchase",
    "tenure": "days since the first activity",
    "purchases": "purchases in all",
    "purchases_7d": "purchases in 7 days",
    "purchases_30d": "purchases in 30 days",
    "purchases_90d": "purchases in 90 days",
    "spend_30d": "spend in 30 days",
    "spend_90d": "spend in 90 days",
    "basket": "mean value of a purchase",
    "gap": "mean days between purchases",
    "overdue": "silence against the usual gap",
    "late": "silence beyond the usual gap",
    "outlasted": "own gaps longer than this silence",
    "irregularity": "irregularity of the gaps",
    "only_one": "has bought only once",
    "pace": "share of 90 days' purchases in the last 30",
    "engagement": "engagement of 30 days",
    "slope": "slope of engagement",
    "items": "items in a purchase",
    "troubles_30d": "tickets and refused e-mails in 30 days",
    "logins_30d": "logins in 30 days",
}
"""Every feature, in the order of the vector, in words for people. Counts, days and amounts enter as log(1 + value)."""

NARROW: Final = ("recency", "purchases", "spend_90d")
"""Recency, frequency, value: few weights that are learned soon; the yardstick of every larger set."""

GAP_PRIOR: Final = 2
"""Gaps of a customer who buys at random times, with the own mean, that every history starts with: one own gap says
nothing about how gaps vary or which silence is unusual. With more of these such features move later."""

WEEK, MONTH, QUARTER = 7, 30, 90


def feature_names(feeds: Sequence[int]) -> tuple[str, ...]:
    """The features of a deployment with these feeds: logins count only where they are declared."""
    return tuple(name for name in MEANINGS if name != "logins_30d" or LOGIN in feeds)


def has_purchases(basis: Basis) -> bool:
    """Whether the model has what it cannot do without: a declared feed of purchases."""
    return PURCHASE in basis.feeds


def features(customers: Customers, rows: Rows, boundary: int) -> Floats:
    """A row for each of `rows`, a column for each of `feature_names`; `boundary` is that of the customers.

    Each of them must have bought within the days kept.
    """
    basis, columns = customers.basis, customers.columns
    asked = Asked(rows, customers.size)
    bought = _Bought(asked, customers.days.feeds[PURCHASE], boundary, basis.keep_days)
    recency = (boundary - columns.last_purchase[rows]).astype(np.float64)
    tenure = (boundary - columns.first_day[rows]).astype(np.float64)
    total = columns.purchases_total[rows].astype(np.float64)
    of_month, of_quarter = bought.sum("purchases", MONTH), bought.sum("purchases", QUARTER)
    rhythm = _rhythm(bought, recency, tenure)
    overdue = np.log(recency / rhythm.gap)
    found = {
        "recency": np.log1p(recency),
        "tenure": np.log1p(tenure),
        "purchases": np.log1p(total),
        "purchases_7d": np.log1p(bought.sum("purchases", WEEK)),
        "purchases_30d": np.log1p(of_month),
        "purchases_90d": np.log1p(of_quarter),
        "spend_30d": np.log1p(bought.sum("minor", MONTH) / basis.minor_units),
        "spend_90d": np.log1p(bought.sum("minor", QUARTER) / basis.minor_units),
        "basket": np.log1p(columns.spend_total[rows] / total / basis.minor_units),
        "gap": np.log1p(rhythm.gap),
        "overdue": overdue,
        "late": np.maximum(0.0, overdue),
        "outlasted": rhythm.outlasted,
        "irregularity": rhythm.irregularity,
        "only_one": total == 1,
        "pace": of_month / np.maximum(of_quarter, 1.0),
        "items": np.log1p(bought.sum("items", basis.keep_days) / bought.sum("purchases", basis.keep_days)),
        **_engagement(customers, asked, boundary),
        "troubles_30d": np.log1p(_troubles(customers, asked, boundary)),
    }
    if LOGIN in basis.feeds:
        found["logins_30d"] = np.log1p(asked.sum(customers.days.feeds[LOGIN], ("logins",), boundary - MONTH, boundary))
    return _rounded(found, feature_names(basis.feeds), len(rows))


def _rounded(found: Mapping[str, Floats | Bools], names: Sequence[str], count: int) -> Floats:
    table = np.empty((count, len(names)), np.float32)
    for place, name in enumerate(names):
        table[:, place] = found[name]
    return table.astype(np.float64)


class Asked:
    """Some customers, each with a number: the place among those asked for."""

    __slots__ = ("_is_asked", "_number", "count", "rows", "size")

    def __init__(self, rows: Rows, size: int) -> None:
        self.rows, self.size, self.count = rows, size, len(rows)
        self._number = np.full(size, -1, np.int32)
        self._number[rows] = np.arange(self.count, dtype=np.int32)
        self._is_asked: Bools = self._number >= 0

    def find(self, log: Cells, first: int, end: int) -> tuple[NDArray[np.intp], Ints]:
        """Positions of their entries in [first, end), days ascending, and whose each is, by number."""
        places = log.find(self._is_asked, first, end)
        return places, self._number[log.rows(places)]

    def sum(self, log: Cells, columns: Sequence[str], first: int, end: int) -> Floats:
        """The sum of some columns over [first, end) for each of them: exact, for whole numbers below 2^53."""
        places, own = self.find(log, first, end)
        total = np.zeros(self.count)
        for name in columns:
            total += np.bincount(own, log.column(name)[places], self.count)
        return total


class _Bought:
    """Purchases of those asked for on the days kept."""

    def __init__(self, asked: Asked, log: Cells, boundary: int, keep_days: int) -> None:
        self.asked, self._log, self._boundary = asked, log, boundary
        self._places, self._own = asked.find(log, boundary - keep_days, boundary)
        self._columns = {name: log.column(name)[self._places] for name in log.names}

    def sum(self, name: str, length: int) -> Floats:
        """The sum of a column over the last `length` days."""
        start = self._log.span(self._boundary - length, self._boundary).start
        first = int(np.searchsorted(self._places, start))
        found: Floats = np.bincount(self._own[first:], self._columns[name][first:], self.asked.count).astype(np.float64)
        return found

    def gaps(self) -> tuple[Ints, Floats]:
        """Days between one purchase day and the next, and whose they are, by number."""
        order = np.argsort(self._own, kind="stable")
        own, days = self._own[order], self._log.days_of(self._places)[order]
        is_gap = own[1:] == own[:-1]
        return own[1:][is_gap], np.diff(days)[is_gap].astype(np.float64)


class _Rhythm(NamedTuple):
    """Mean gap between purchase days, share of the gaps that outlast the silence, variation of the gaps."""

    gap: Floats
    outlasted: Floats
    irregularity: Floats


def _rhythm(bought: _Bought, recency: Floats, tenure: Floats) -> _Rhythm:
    """With no gap yet the mean is the tenure; the other two begin as those of purchases at random times."""
    own, gaps = bought.gaps()
    count = bought.asked.count
    number = np.bincount(own, minlength=count)
    is_known = number > 0
    divisor = np.maximum(number, 1)
    mean = np.where(is_known, np.bincount(own, gaps, count) / divisor, tenure)
    square = np.bincount(own, gaps * gaps, count) / divisor
    variation = np.sqrt(np.maximum(0.0, square - mean * mean)) / mean
    at_random = np.exp(-recency / mean)
    longer = np.bincount(own, gaps >= recency[own], count) + GAP_PRIOR * at_random
    whole = number + GAP_PRIOR
    return _Rhythm(
        mean,
        np.where(is_known, longer / whole, at_random),
        np.where(is_known, (number * variation + GAP_PRIOR) / whole, 1.0),
    )


def _engagement(customers: Customers, asked: Asked, boundary: int) -> dict[str, Floats]:
    """Engagement points of 30 days, and z of their slope; unknown is 0, like no engagement and no slope."""
    pulse, first_days = customers.days.pulse, customers.columns.first_day
    trend = slopes(pulse, asked.rows, first_days, customers.size, boundary, customers.basis)
    points = asked.sum(pulse, ("points",), boundary - MONTH, boundary) / 10
    return {"engagement": np.arcsinh(points), "slope": np.where(np.isnan(trend.z), 0.0, trend.z)}


def _troubles(customers: Customers, asked: Asked, boundary: int) -> Floats:
    """Tickets opened or reopened and e-mails refused in 30 days, of the feeds declared."""
    found = np.zeros(asked.count)
    for feed, columns in ((TICKET, OPENED), (EMAIL, REFUSALS)):
        if feed in customers.basis.feeds:
            found += asked.sum(customers.days.feeds[feed], columns, boundary - MONTH, boundary)
    return found
