"""Which partition decides: the one where the customer's id belongs, or of a feed the one that tells of it.

Each partition knows its own events alone, so each has an alert of its own of a feed that is down. The alerts of all
partitions name the same feed, so their ids say whose they are.
"""

from functools import lru_cache

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
    if command.is_of_feed and partitions > 1:
        last_day = calendar.day_of(command.at_ms)
        place = _telling_by(command.customer_id, str(command.alert_id), last_day, partitions)
        if place is not None:
            return place
    return partition_of(command.customer_id.encode(), partitions)


@lru_cache(maxsize=256)
def _telling_by(whose: str, wanted: str, last_day: int, partitions: int) -> int | None:
    """Which partition has told of a feed in this alert: the newest days first, as most are.

    Of a history that was posted an alert of long ago may be open, so every day there can be is tried; who names an
    alert that never was lets a worker of 12 partitions try for some tenths of a second.
    """
    found = (_telling(whose, wanted, date_of(day), partitions) for day in range(last_day, -1, -1))
    return next((place for place in found if place is not None), None)


def _telling(whose: str, wanted: str, day: str, partitions: int) -> int | None:
    return next((number for number in range(partitions) if outage_id(whose, number, day) == wanted), None)
