"""What is known of customers as of a boundary with the days left out on which a feed was down: they tell of no silence.

A sum over a window counts its other days, as many times as there are days: nobody is said to have done less because
nothing was heard. Where all of its days are lost it is unknown. Days since something count no lost day, and nor does
the time a customer is known for. What has no window, trends and what the model says are as they are.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customers.arrays import Floats, Ints, Selection
from models.customers.columns import NEVER, NO_DAY, Columns
from models.measures.as_of import AsOf
from models.measures.daily import ALL_FEEDS, DAILY
from models.measures.windows import Window
from schemas.event import LOGIN, PURCHASE


class KnownDays(AsOf):
    """The same customers as `as_of`; only of what a feed that is down could have told it says something else."""

    def __init__(self, as_of: AsOf) -> None:
        super().__init__(as_of.customers, as_of.windows, as_of.scores, as_of.running)
        self.size = as_of.size  # while a boundary is judged a part at a time others may have come
        self._outages = as_of.customers.outages
        self._known: dict[Window, Floats] = {}

    @cached_property
    def columns(self) -> Columns:
        """The columns, where the first and last days of activity lie as many days later as were lost since."""
        found, of, size = Columns(), self.customers.columns, self.size
        vars(found).update(vars(of))
        feeds = self.basis.feeds
        for name, column, own in (
            ("first_day", of.first_day, feeds),
            ("last_day", of.last_day, feeds),
            ("last_purchase", of.last_purchase, (PURCHASE,)),
            ("last_login", of.last_login, (LOGIN,)),
        ):
            last = column[:size]
            lost = self._outages.lost_behind(self.customers.roster, last, [feed for feed in own if feed in feeds])
            is_known = (last != NO_DAY) & (last != NEVER)
            setattr(found, name, np.where(is_known, last + lost, last))
        return found

    def sums(self, window: Window, chosen: Selection) -> NDArray[Any]:
        """The sum of the days that are known, as many times as there are days; not a number where none is."""
        found = self._known.get(window)
        if found is None:
            lost = self._lost(window)
            known = window.length - lost
            raw = super().sums(window, slice(self.size)).astype(np.float64) * window.length
            found = self._known[window] = np.divide(raw, known, out=np.full(self.size, np.nan), where=known > 0)
        return found[chosen]

    def _lost(self, window: Window) -> Ints:
        """How many days of a window are lost, by row."""
        feed, end = DAILY[window.measure].feed, self.boundary - window.skip
        feeds = self.basis.feeds if feed == ALL_FEEDS else (feed,)
        groups = range(len(self._outages.states))
        counts = [sum(end - window.length <= day < end for day in self._outages.lost(group, feeds)) for group in groups]
        return np.array(counts, np.int64)[self._outages.groups_of(self.customers.roster)[: self.size]]
