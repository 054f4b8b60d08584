"""Which partition decides: the one where the customer's id belongs, or of a feed the one that tells of it.

Each partition knows its own events alone, so each has an alert of its own of a feed that is down. The alerts of all
partitions name the same feed, so their ids say whose they are.
"""

from models.alerts.attention.quiet import ASKED_DAYS
from models.calendar import Calendar, date_of
from models.catalogue.outage import FEED_OUTAGE
from schemas.alert import AlertV1, alert_id
from schemas.command import Command
from schemas.partitioner import partition_of


def outage_id(whose: str, partition: int, day: str) -> str:
    """The id of the alert of a feed (`feed:login`) that is down in a partition, by the first day of the silence."""
    return alert_id(f"{whose}/{partition}", FEED_OUTAGE, day)


def place_of_alert(alert: AlertV1, partitions: int) -> int:
    """The partition that decides of an alert."""
    place = _telling(alert.customer_id, alert.alert_id, alert.starts_at[:10], partitions) if alert.is_of_feed else None
    return partition_of(alert.customer_id.encode(), partitions) if place is None else place


def place_of_command(command: Command, partitions: int, calendar: Calendar) -> int:
    """The partition that decides what is said, and where it must lie.

    An id of a feed's alert that none of them has given is refused by the one where the name of the feed belongs.
    """
    last = calendar.day_of(command.at_ms) if command.is_of_feed else -1
    for day in range(last, max(last - ASKED_DAYS, -1), -1):
        place = _telling(command.customer_id, str(command.alert_id), date_of(day), partitions)
        if place is not None:
            return place
    return partition_of(command.customer_id.encode(), partitions)


def _telling(whose: str, wanted: str, day: str, partitions: int) -> int | None:
    return next((number for number in range(partitions) if outage_id(whose, number, day) == wanted), None)
