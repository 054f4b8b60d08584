"""Measures without a window: clocks of silence, totals, the usual gap, the stage, the slope, the model's risk."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, TypeVar

import numpy as np

from models.customers.arrays import Floats, Selection
from models.customers.columns import NEVER, NO_DAY
from models.measures.as_of import UNKNOWN, AsOf, Reading
from models.measures.daily import ALL_FEEDS
from schemas.event import LOGIN, PURCHASE, TICKET

FIRST_ACTIVITY: Final = -2
STAGE: Final = -3
RISK: Final = -4
"""What an expression may read besides a feed: all feeds' activity, the first activity, the stage, the model's score."""
EITHER: Final = 2
"""The direction of what may rise or fall with what a customer does, or stands for trouble: it tells of no return."""


class Scalar(ABC):
    """One number (or stage) for each customer as of a boundary. `reads`: a feed, or what it is computed from."""

    name: ClassVar[str]
    reads: ClassVar[int]
    direction: ClassVar[int] = EITHER
    """Whether it rises (1) or falls (-1) with what the customer does, or may do either."""

    @abstractmethod
    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """The values of some customers."""


SCALARS: Final[dict[str, Scalar]] = {}
"""Scalar measures by name."""
Measure = TypeVar("Measure", bound=type[Scalar])


def scalar(measure: Measure) -> Measure:
    """Register a measure under its name."""
    SCALARS[measure.name] = measure()
    return measure


@scalar
class DaysSinceFirst(Scalar):
    """Whole days since the first activity."""

    name, reads, direction = "days_since_first", FIRST_ACTIVITY, 0

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown before it."""
        first = as_of.columns.first_day[: as_of.size][chosen]
        return Reading(as_of.boundary - 1 - first, first != NEVER)


@scalar
class DaysSinceActivity(Scalar):
    """Whole days since the last activity in any feed."""

    name, reads, direction = "days_since_activity", ALL_FEEDS, -1

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown before the first."""
        last = as_of.columns.last_day[: as_of.size][chosen]
        return Reading(as_of.boundary - 1 - last, last != NO_DAY)


@scalar
class DaysSincePurchase(Scalar):
    """Whole days since the last purchase."""

    name, reads, direction = "days_since_purchase", PURCHASE, -1

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown before the first."""
        last = as_of.columns.last_purchase[: as_of.size][chosen]
        return Reading(as_of.boundary - 1 - last, last != NO_DAY)


@scalar
class DaysSinceLogin(Scalar):
    """Whole days since the last login; who never logged in is silent since the first activity."""

    name, reads, direction = "days_since_login", LOGIN, -1

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown without the feed, and before the first activity."""
        if not as_of.has(LOGIN):
            return UNKNOWN
        last, first = as_of.columns.last_login[: as_of.size][chosen], as_of.columns.first_day[: as_of.size][chosen]
        return Reading(as_of.boundary - 1 - np.where(last == NO_DAY, first, last), first != NEVER)


@scalar
class DaysSinceFirstTicket(Scalar):
    """Whole days since the first ticket."""

    name, reads = "days_since_first_ticket", TICKET

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown before it, and without the feed."""
        if not as_of.has(TICKET):
            return UNKNOWN
        first = as_of.columns.first_in(TICKET)[: as_of.size][chosen]
        known = first != NEVER
        return Reading(np.where(known, as_of.boundary - 1 - first, 0), known)


@scalar
class PurchasesTotal(Scalar):
    """Purchases so far."""

    name, reads, direction = "purchases_total", PURCHASE, 1

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown without the feed."""
        return Reading(as_of.columns.purchases_total[: as_of.size][chosen], None) if as_of.has(PURCHASE) else UNKNOWN


@scalar
class SpendTotal(Scalar):
    """Spend so far, in the catalogue's currency."""

    name, reads, direction = "spend_total", PURCHASE, 1

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown without the feed."""
        if not as_of.has(PURCHASE):
            return UNKNOWN
        return Reading(as_of.columns.spend_total[: as_of.size][chosen] / as_of.basis.minor_units, None)


@scalar
class MedianGap(Scalar):
    """The median of the days between the customer's purchase days."""

    name, reads, direction = "median_gap", PURCHASE, 0

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown with fewer than three gaps."""
        gap = as_of.columns.gap[: as_of.size][chosen].astype(np.float64)
        return _or_unknown(gap)


@scalar
class LongestGap(Scalar):
    """The most days between two of the customer's purchase days: the longest silence that ended with a purchase."""

    name, reads, direction = "longest_gap", PURCHASE, 0

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """0 before a second purchase day; unknown without the feed."""
        return Reading(as_of.columns.longest_gap[: as_of.size][chosen], None) if as_of.has(PURCHASE) else UNKNOWN


@scalar
class Stage(Scalar):
    """The stage of the lifecycle, as its number."""

    name, reads = "stage", STAGE

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown before the first activity."""
        stage = as_of.columns.stage[: as_of.size][chosen]
        return Reading(stage, stage > 0)


@scalar
class SlopeZ(Scalar):
    """The slope of engagement over its standard error."""

    name, reads = "slope_z", ALL_FEEDS

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown where no line can be fitted."""
        return _or_unknown(as_of.slope(chosen).z)


@scalar
class SlopeChange(Scalar):
    """The relative change of engagement over four weeks, by its slope."""

    name, reads = "slope_change", ALL_FEEDS

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown where no line can be fitted."""
        return _or_unknown(as_of.slope(chosen).change)


@scalar
class Risk(Scalar):
    """The model's probability that nothing is bought within its horizon, as of the last snapshot."""

    name, reads = "risk", RISK

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown to who was not scored lately."""
        return UNKNOWN if as_of.scores is None else _or_unknown(as_of.scores.risk[chosen])


@scalar
class RiskUsual(Scalar):
    """The mean of the risks of the 28 days before the newest one."""

    name, reads = "risk_usual", RISK

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown where there is only one."""
        return UNKNOWN if as_of.scores is None else _or_unknown(as_of.scores.usual[chosen])


@scalar
class RiskRank(Scalar):
    """The share of the base that has at least this risk."""

    name, reads = "risk_rank", RISK

    def read(self, as_of: AsOf, chosen: Selection) -> Reading:
        """Unknown while too few were scored."""
        return UNKNOWN if as_of.scores is None else _or_unknown(as_of.scores.rank[chosen])


def _or_unknown(values: Floats) -> Reading:
    return Reading(values, ~np.isnan(values))
