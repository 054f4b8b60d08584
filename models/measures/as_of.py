"""Everything that is known of a partition's customers as of a boundary: what measures and conditions read."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import Basis, Number
from models.customers.arrays import NO_ROWS, Bools, Floats, Ints, Rows, Selection, among
from models.customers.columns import NEVER, Columns
from models.customers.customers import Customers
from models.customers.distributions import running_values
from models.customers.rhythm import Slope, slopes
from models.measures.daily import ALL_FEEDS, DAILY
from models.measures.windows import Window, Windows, capped, summed
from schemas.event import TICKET


class Reading(NamedTuple):
    """Values of some customers, and of whom they are known (None: of everybody). A constant stands for all."""

    values: Any
    known: Bools | None


UNKNOWN: Final = Reading(0, np.zeros(1, np.bool_))
"""What nobody knows: a single False stands for everybody."""


class Scores(NamedTuple):
    """What the model says of each customer: the newest risk, the mean of those before, its rank; NaN where unknown."""

    risk: Floats
    usual: Floats
    rank: Floats


class AsOf:
    """The columns at one boundary, with what is dear computed once. `scores` is empty where no model speaks.

    `running`: the running constants in force, by name; without it those they start with.
    """

    def __init__(
        self,
        customers: Customers,
        windows: Windows,
        scores: Scores | None = None,
        running: Mapping[str, Number] | None = None,
    ) -> None:
        self.customers, self.windows, self.scores = customers, windows, scores
        self.boundary = customers.boundary
        self.running = running_values(customers.basis, None, self.boundary) if running is None else running
        self.size = customers.size
        self._channels: dict[int, Ints] = {}
        self._sloped: Rows = NO_ROWS
        self._slope = Slope(*[np.empty(0)] * 4)
        """The trends of `_sloped`: conditions, scores and texts ask for the same ones."""

    @property
    def basis(self) -> Basis:
        """The catalogue's values."""
        return self.customers.basis

    @property
    def columns(self) -> Columns:
        """What is known of each customer."""
        return self.customers.columns

    def has(self, feed: int) -> bool:
        """Whether a feed is declared: without it its measures are unknown, not zero."""
        return feed == ALL_FEEDS or feed in self.basis.feeds

    def is_seen(self, chosen: Selection) -> Bools:
        """Of whom a declared feed tells now: of all others stage and alerts stay as they are."""
        found: Bools = self.columns.first_day[chosen] != NEVER
        return found

    def rows(self, chosen: Selection) -> Rows:
        """The customers one by one."""
        return np.arange(*chosen.indices(self.size), dtype=np.int32) if isinstance(chosen, slice) else chosen

    def kept(self, chosen: Selection, holds: Any) -> Rows:
        """Those of the chosen, in order, of whom something holds; one answer may stand for all."""
        if np.size(holds) == 1:
            rows = self.rows(chosen)
            return rows if np.any(holds) else rows[:0]
        if isinstance(chosen, slice):
            found: Rows = holds.nonzero()[0].astype(np.int32)
            found += chosen.indices(self.size)[0]
        else:
            found = chosen[holds]
        return found

    def sums(self, window: Window, chosen: Selection) -> NDArray[Any]:
        """What a window holds, unscaled, whether or not its feed is declared."""
        return capped(self.windows.sums(window)[: self.size][chosen])

    def window(self, window: Window, chosen: Selection) -> Reading:
        """The sum over a window."""
        measure = DAILY[window.measure]
        if not self.has(measure.feed):
            return UNKNOWN
        sums = self.sums(window, chosen)
        scale = measure.scale_of(self.basis)
        if scale != 1:
            sums = np.true_divide(sums, scale, dtype=np.float64)  # of small integers it would be 32 bits
        return Reading(sums, None)

    def since(self, name: str, chosen: Selection, starts: Ints) -> Reading:
        """The sum from a day on that each customer has its own of; `starts` is by row."""
        measure = DAILY[name]
        if not self.has(measure.feed):
            return UNKNOWN
        rows = self.rows(chosen)
        log = measure.log(self.customers.days)
        first = max(int(starts[rows].min(initial=self.boundary)), self.boundary - self.basis.keep_days)
        places = log.find(self.customers.roster.flagged(rows), first, self.boundary)
        places = places[log.days_of(places) >= starts[log.rows(places)]]
        sums = capped(summed(log, name, places, self.size)[rows])
        scale = measure.scale_of(self.basis)
        return Reading(sums / scale if scale != 1 else sums, None)

    def channels(self, length: int, chosen: Selection) -> Reading:
        """Distinct channels of tickets opened in the last `length` days."""
        if not self.has(TICKET):
            return UNKNOWN
        found = self._channels.get(length)
        if found is None:
            log = self.customers.days.channels
            span = log.span(self.boundary - length, self.boundary)
            pairs = np.unique((log.rows(span).astype(np.int64) << 32) | log.column("code")[span])
            found = self._channels[length] = np.bincount(pairs >> 32, minlength=self.size)
        return Reading(found[chosen], None)

    def slope(self, chosen: Selection) -> Slope:
        """The trend of engagement of some customers."""
        rows, known = self.rows(chosen), self._sloped
        missing = rows[~among(rows, known)]
        if len(missing):
            found = slopes(
                self.customers.days.pulse, missing, self.customers.columns.first_day, self.size, self.boundary,
                self.basis,
            )  # fmt: skip
            both = np.concatenate((known, missing))
            order = both.argsort(kind="stable")
            known = self._sloped = both[order]
            self._slope = Slope(*(np.concatenate(parts)[order] for parts in zip(self._slope, found, strict=True)))
        places = known.searchsorted(rows)
        return Slope(*(part[places] for part in self._slope))
