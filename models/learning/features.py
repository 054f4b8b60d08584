"""The features of a customer as of a boundary, from closed days of the record alone: what the model sees.

A `Past` sorts a record's day buckets once and then answers for any boundary, so that the worker (one boundary a record)
and `backtest` (every boundary of one record) run the same code and get the same bits. Values are rounded to 32 bits:
a pending snapshot stores them in four bytes each without changing what is learned from it.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import asinh, exp, log, log1p, sqrt

from models import engagement
from models.config import Basis
from models.customer import EMAIL_ACTIONS, NEVER, Customer
from models.scoring.features import GAP_PRIOR
from schemas.event import EMAIL, LOGIN, TICKET

_REFUSALS = tuple(EMAIL_ACTIONS.index(name) for name in ("unsubscribed", "complained"))


class Purchases:
    """The days on which one customer bought, sorted: all that a label and the risk set ask for."""

    __slots__ = ("_days", "basis")

    def __init__(self, customer: Customer, basis: Basis) -> None:
        self.basis = basis
        self._days = sorted(customer.purchases)

    def silent_days(self, boundary: int) -> int | None:
        """Days from the day of the last purchase to the boundary, at least 1; None when nothing kept was bought."""
        place = bisect_left(self._days, boundary)
        if not place or self._days[place - 1] < boundary - self.basis.keep_days:
            return None
        return boundary - self._days[place - 1]

    def days_until_purchase(self, snapshot: int, boundary: int) -> int | None:
        """Days from a snapshot to the day of the first purchase on or after it; None: there was none yet."""
        place = bisect_left(self._days, snapshot)
        if place == len(self._days) or self._days[place] >= boundary:
            return None
        return self._days[place] - snapshot


class Past(Purchases):
    """All the days of one customer, with running sums: a feature of a window costs two bisections."""

    __slots__ = (
        "_counts", "_first_day", "_gap_squares", "_gaps", "_index", "_index_days", "_index_sums", "_items",
        "_logins", "_minor", "_older", "_troubles",
    )  # fmt: skip

    def __init__(self, customer: Customer, basis: Basis) -> None:
        super().__init__(customer, basis)
        days = self._days
        buckets = [customer.purchases[day] for day in days]
        self._counts = _running([bucket[0] for bucket in buckets])
        self._minor = _running([bucket[1] for bucket in buckets])
        self._items = _running([bucket[2] for bucket in buckets])
        self._gaps = [later - earlier for earlier, later in pairwise(days)]
        self._gap_squares = [0, *_running([gap**2 for gap in self._gaps])]
        self._older = (customer.totals[0] - self._counts[-1], customer.totals[1] - self._minor[-1])
        times = [customer.first[feed] for feed in basis.feeds if customer.first[feed] >= 0]
        self._first_day = basis.calendar.day_of(min(times)) if times else NEVER
        index = engagement.daily_index(customer, basis.feeds, basis.engagement, 0, NEVER)
        self._index = sorted(index.items())
        self._index_days = [day for day, _ in self._index]
        self._index_sums = _running([tenths for _, tenths in self._index])
        self._troubles = _Window(_troubles(customer, basis.feeds))
        self._logins = _Window(customer.logins if LOGIN in basis.feeds else {})

    def bought(self, first: int, boundary: int) -> tuple[int, int]:
        """(purchases, minor units spent) on the days from `first` on that are before the boundary."""
        low, high = bisect_left(self._days, first), bisect_left(self._days, boundary)
        return self._counts[high] - self._counts[low], self._minor[high] - self._minor[low]

    def buying(self, boundary: int) -> tuple[int, int, int] | None:
        """(days with a repeat purchase, days from the first to the last, days from the first); None: nothing bought."""
        place = bisect_left(self._days, boundary)
        if not place:
            return None
        return place - 1, self._days[place - 1] - self._days[0], boundary - self._days[0]

    def tenure(self, boundary: int) -> int:
        """Days from the day of the first activity to the boundary."""
        return boundary - self._first_day

    def vector(self, boundary: int) -> list[float]:
        """The features by `feature_names`; asks for a purchase within the days kept (`silent_days`)."""
        days, counts, minor = self._days, self._counts, self._minor
        high = bisect_left(days, boundary)
        low = bisect_left(days, boundary - self.basis.keep_days, 0, high)
        week, month, quarter = (bisect_left(days, boundary - length, low, high) for length in (7, 30, 90))
        recency, tenure = boundary - days[high - 1], boundary - self._first_day
        total = self._older[0] + counts[high]
        of_month, of_quarter = counts[high] - counts[month], counts[high] - counts[quarter]
        gap, variation, outlasted = self._rhythm(low, high, recency, tenure)
        values = [
            log1p(recency),
            log1p(tenure),
            log1p(total),
            log1p(counts[high] - counts[week]),
            log1p(of_month),
            log1p(of_quarter),
            log1p((minor[high] - minor[month]) / 100),
            log1p((minor[high] - minor[quarter]) / 100),
            log1p((self._older[1] + minor[high]) / total / 100),
            log1p(gap),
            log(recency / gap),
            max(0.0, log(recency / gap)),
            outlasted,
            variation,
            float(total == 1),
            of_month / of_quarter if of_quarter else 0.0,
            *self._engagement(boundary, tenure),
            log1p((self._items[high] - self._items[low]) / (counts[high] - counts[low])),
            log1p(self._troubles.sum(boundary - 30, boundary)),
        ]
        if LOGIN in self.basis.feeds:
            values.append(log1p(self._logins.sum(boundary - 30, boundary)))
        return array("f", values).tolist()

    def _rhythm(self, low: int, high: int, recency: int, tenure: int) -> tuple[float, float, float]:
        """(mean gap between purchase days, variation of the gaps, share of them that outlast the silence).

        With no gap yet the mean is the tenure; the other two begin as those of purchases at random times.
        """
        number = high - low - 1
        if number < 1:
            return float(tenure), 1.0, exp(-recency / tenure)
        mean = (self._days[high - 1] - self._days[low]) / number
        square = (self._gap_squares[high] - self._gap_squares[low + 1]) / number
        variation = sqrt(max(0.0, square - mean * mean)) / mean
        longer = sum(map(recency.__le__, self._gaps[low : high - 1])) + GAP_PRIOR * exp(-recency / mean)
        whole = number + GAP_PRIOR
        return mean, (number * variation + GAP_PRIOR) / whole, longer / whole

    def _engagement(self, boundary: int, tenure: int) -> tuple[float, float]:
        """(engagement points of 30 days, z of their slope); unknown is 0, like no engagement and no slope."""
        high = bisect_left(self._index_days, boundary)
        month = bisect_left(self._index_days, boundary - 30, 0, high)
        weights = self.basis.engagement
        low = bisect_left(self._index_days, boundary - min(weights.history_days, self.basis.keep_days), 0, high)
        found = engagement.slope(self._index[low:high], boundary - 1, tenure, weights) if low < high else None
        points = (self._index_sums[high] - self._index_sums[month]) / 10
        return asinh(points), 0.0 if found is None else found.z


class _Window:
    """Daily counts with running sums."""

    __slots__ = ("_days", "_sums")

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._days = sorted(counts)
        self._sums = _running([counts[day] for day in self._days])

    def sum(self, first: int, boundary: int) -> int:
        """The sum over the days from `first` on that are before the boundary."""
        days = self._days
        return self._sums[bisect_left(days, boundary)] - self._sums[bisect_left(days, first)] if days else 0


def _troubles(customer: Customer, feeds: Sequence[int]) -> dict[int, int]:
    """Tickets opened or reopened and e-mails refused, by day, of the feeds declared."""
    found: dict[int, int] = {}
    if TICKET in feeds:
        for day, tickets in customer.tickets.items():
            found[day] = sum(tickets.opened) + tickets.reopened
    if EMAIL in feeds:
        for day, emails in customer.emails.items():
            found[day] = found.get(day, 0) + sum(emails.actions[place] for place in _REFUSALS)
    return found


def _running(counts: Sequence[int]) -> list[int]:
    return list(accumulate(counts, initial=0))
