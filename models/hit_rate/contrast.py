"""Those alerted against everybody alike: a difference of shares, with an interval that knows who is whom.

*Direct standardisation*: in each cell the share of those alike who came back is weighted by how many alerted are in
it, so that both sides have the same mix of boundaries, stages and silences. The variance is that of the estimate's
influence function, summed over all that one customer contributes before it is squared (the cluster-robust sandwich
of Liang and Zeger 1986, for a standardised difference): a customer may be alerted several times, and be among those
alike at other boundaries. With y of an alert or of somebody alike, r_c and N_c the share and the number of those alike
in cell c, m_c the alerts in it, n all alerts and D the difference, an alert contributes (y - r_c - D) / n, and one
alike -(m_c / n) (y - r_c) / N_c.
"""

from __future__ import annotations

from math import hypot, sqrt

import msgspec
import numpy as np

from models.customers.day_history import Whole
from models.detection.proportion import Z95, wilson
from models.hit_rate.alike import CELLS, Everybody


class Difference(msgspec.Struct, frozen=True):
    """Of `alerts` that somebody is alike to: the share that came back, that of those alike, and the difference.

    `low` and `high` are the ends of its 95 % interval. `customers`: how many different ones were alerted.
    """

    alerts: int
    customers: int
    alerted: float
    alike: float
    difference: float
    low: float
    high: float


class Contrast:
    """The running sums of one signal, boundary by boundary."""

    def __init__(self, customers: int) -> None:
        self.alone = 0
        """Alerts nobody was alike to: in the same cell everybody has the alert."""
        self._hits = self._expected = 0.0
        self._alerts = np.zeros(customers)
        self._influence = np.zeros(customers)

    def add(self, everybody: Everybody, alerted: Whole, have_it: Whole) -> None:
        """Take in the alerts that began at a boundary; `have_it`: all who have an open one, those alerted as well."""
        cell, came_back = everybody.cell, everybody.came_back
        people = everybody.people - np.bincount(cell[have_it], minlength=CELLS)
        returned = everybody.returned - np.bincount(cell[have_it], came_back[have_it], minlength=CELLS)
        share = np.divide(returned, people, out=np.zeros(CELLS), where=people > 0)
        matched = alerted[people[cell[alerted]] > 0]
        self.alone += len(alerted) - len(matched)
        if not len(matched):
            return
        self._hits += float(came_back[matched].sum())
        self._expected += float(share[cell[matched]].sum())
        self._alerts[matched] += 1
        self._influence[matched] += came_back[matched] - share[cell[matched]]
        alerts = np.bincount(cell[matched], minlength=CELLS)
        weight = np.divide(alerts, people, out=np.zeros(CELLS), where=people > 0)
        own = weight[cell] * (came_back - share[cell])
        own[have_it] = 0
        self._influence -= own

    def difference(self) -> Difference | None:
        """What came of it; None without alerts that can be compared."""
        alerts = round(self._alerts.sum())
        if not alerts:
            return None
        alerted, alike = self._hits / alerts, self._expected / alerts
        found = alerted - alike
        influence = (self._influence - found * self._alerts) / alerts
        clusters = int(np.count_nonzero((self._alerts > 0) | (self._influence != 0)))
        half = Z95 * sqrt(float(influence @ influence) * clusters / max(1, clusters - 1))
        customers = int(np.count_nonzero(self._alerts))
        below, above = _unseen(self._hits, alerts, customers)
        return Difference(
            alerts=alerts,
            customers=customers,
            alerted=round(alerted, 4),
            alike=round(alike, 4),
            difference=round(found, 4),
            low=round(max(-1.0, found - hypot(half, below)), 4),
            high=round(min(1.0, found + hypot(half, above)), 4),
        )


def _unseen(hits: float, alerts: int, customers: int) -> tuple[float, float]:
    """How far below and above the alerted's share may lie beyond what their differences tell.

    Where none of them came back, or all, they do not differ, and the variance knows nothing of them: Wilson's distance
    for as many customers stands in, on the side on which there is room.
    """
    known = wilson(customers if hits else 0, customers)
    if known is None or 0 < hits < alerts:
        return 0.0, 0.0
    return known.share - known.low, known.high - known.share
