"""Daily measures: what is counted of one customer on one day, and summed over windows of whole days."""

from typing import ClassVar, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.config import Basis
from models.customers.arrays import Ints
from models.customers.cells import Cells
from models.customers.days import Days
from models.customers.pulse import sum_of
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET

ALL_FEEDS: Final = -1
"""The feed of what is counted over all declared feeds together."""


class Daily:
    """A whole number for each customer and day. `scale`: units kept per unit shown, see `scale_of`."""

    name: ClassVar[str]
    feed: ClassVar[int]
    scale: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...]]
    """The columns of the feed's cells that it is the sum of."""
    is_trouble: ClassVar[bool] = False
    """Whether more of it is no sign that the customer is back."""

    def scale_of(self, basis: Basis) -> int:  # noqa: ARG002 - of money it depends on the currency
        """Units kept per unit shown."""
        return self.scale

    def log(self, days: Days) -> Cells:
        """Where its days are kept."""
        return days.pulse if self.feed == ALL_FEEDS else days.feeds[self.feed]

    def values(self, log: Cells, places: slice | NDArray[np.intp]) -> Ints:
        """The numbers of some entries of its log."""
        first, *rest = self.columns
        if not rest:
            return log.column(first)[places]
        return sum_of({name: log.column(name)[places] for name in self.columns}, self.columns)


DAILY: Final[dict[str, Daily]] = {}
"""Daily measures by name."""
Measure = TypeVar("Measure", bound=type[Daily])


def daily(measure: Measure) -> Measure:
    """Register a measure under its name."""
    DAILY[measure.name] = measure()
    return measure


@daily
class Purchases(Daily):
    """Orders paid."""

    name, feed, columns = "purchases", PURCHASE, ("purchases",)


@daily
class Spend(Daily):
    """What was paid, in the catalogue's currency."""

    name, feed, columns = "spend", PURCHASE, ("minor",)

    def scale_of(self, basis: Basis) -> int:
        """Minor units of the catalogue's currency."""
        return basis.minor_units


@daily
class Items(Daily):
    """Items in the orders."""

    name, feed, columns = "items", PURCHASE, ("items",)


@daily
class Logins(Daily):
    """Logins."""

    name, feed, columns = "logins", LOGIN, ("logins",)


@daily
class Tickets(Daily):
    """Tickets opened or reopened."""

    name, feed = "tickets", TICKET
    columns = ("complaint", "billing", "delivery", "return", "other", "reopened")
    is_trouble = True


@daily
class TicketsReopened(Daily):
    """Tickets reopened."""

    name, feed, columns = "tickets_reopened", TICKET, ("reopened",)
    is_trouble = True


@daily
class TicketsResolved(Daily):
    """Tickets resolved."""

    name, feed, columns = "tickets_resolved", TICKET, ("resolved",)
    is_trouble = True


@daily
class Complaints(Daily):
    """Tickets opened as a complaint."""

    name, feed, columns = "complaints", TICKET, ("complaint",)
    is_trouble = True


@daily
class BillingTickets(Daily):
    """Tickets opened about billing."""

    name, feed, columns = "billing_tickets", TICKET, ("billing",)
    is_trouble = True


@daily
class DeliveryTickets(Daily):
    """Tickets opened about a delivery."""

    name, feed, columns = "delivery_tickets", TICKET, ("delivery",)
    is_trouble = True


@daily
class ReturnTickets(Daily):
    """Tickets opened about a return."""

    name, feed, columns = "return_tickets", TICKET, ("return",)
    is_trouble = True


@daily
class Clicks(Daily):
    """E-mails clicked."""

    name, feed, columns = "clicks", EMAIL, ("clicked",)


@daily
class Unsubscribes(Daily):
    """E-mails answered by unsubscribing, or by a mark as spam."""

    name, feed, columns = "unsubscribes", EMAIL, ("unsubscribed", "complained")
    is_trouble = True


@daily
class EmailActivity(Daily):
    """E-mails that the customer did something with."""

    name, feed, columns = "email_activity", EMAIL, ("clicked", "unsubscribed", "complained")


@daily
class ActiveDays(Daily):
    """Days with activity in any feed."""

    name, feed, columns = "active_days", ALL_FEEDS, ("active",)


@daily
class EngagementPoints(Daily):
    """Points of engagement, each action capped a day."""

    name, feed, columns = "engagement", ALL_FEEDS, ("points",)
    scale = 10
