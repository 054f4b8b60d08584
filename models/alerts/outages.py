"""The alert that tells of a feed that is down: one for each partition, all of one feed and first day in one case.

Each partition knows its own events alone, so each tells of itself: with one alert for all of them, the first that hears
of the feed again would end it for those that do not. The case is what makes them one: it is over when all are.
"""

from models.calendar import date_of
from models.catalogue.outage import FEED_OUTAGE
from models.catalogue.rules import Rules
from models.customers.customers import Customers
from models.customers.hours import DAY_HOURS
from models.customers.outages import Change
from schemas.alert import OF_FEED, AlertV1, EndReason, Status, alert_id, case_id
from schemas.event import FEEDS
from schemas.instant import to_rfc3339


def outage_id(feed: int, partition: int, began: int) -> str:
    """The id of the alert, by the hour at which the silence began."""
    return alert_id(f"{OF_FEED}{FEEDS[feed]}/{partition}", FEED_OUTAGE, date_of(began // DAY_HOURS))


def partition_telling(alert: AlertV1, partitions: int) -> int | None:
    """Which partition tells of a feed: its alert's id says so, not the name; None where it is none of these."""
    feed, day = alert.customer_id.removeprefix(OF_FEED), alert.starts_at[:10]
    ids = (alert_id(f"{OF_FEED}{feed}/{number}", FEED_OUTAGE, day) for number in range(partitions))
    return next((number for number, one in enumerate(ids) if one == alert.alert_id), None)


def outage_alerts(rules: Rules, customers: Customers, first_partition: int, alerts_from_ms: int) -> list[AlertV1]:
    """What is published of feeds that went down as of the customers' boundary, and of those that are back."""
    boundary = customers.boundary
    return [
        _alert(rules, change, boundary, first_partition + change.group, alerts_from_ms)
        for change in customers.outages.changes
    ]


def _alert(rules: Rules, change: Change, boundary: int, partition: int, alerts_from_ms: int) -> AlertV1:
    calendar, told, name = rules.basis.calendar, rules.outage_alert, FEEDS[change.feed]
    day, now_ms = change.began // DAY_HOURS, calendar.start_of(boundary)
    status: Status = "resolved" if change.is_over else "firing"
    because: EndReason | None = "over" if change.is_over else None
    observed_ms = calendar.start_of(change.found)
    return AlertV1(
        alert_id=outage_id(change.feed, partition, change.began),
        revision=2 if change.is_over else 1,
        status=status,
        signal=FEED_OUTAGE,
        polarity="negative",
        severity=told.severity,
        summary=_summary(change, name, partition, boundary),
        customer_id=OF_FEED + name,
        stage=None,
        owner=told.owner,
        intervention=told.intervention,
        playbook_url=told.playbook_url,
        starts_at=calendar.text_of(day),
        observed_at=to_rfc3339(observed_ms),
        due_at=to_rfc3339(observed_ms + told.respond_ms),
        ends_at=to_rfc3339(now_ms) if change.is_over else None,
        score=None if change.is_over else float(change.hours),
        threshold=None,
        drivers=(),
        clears_when=f"a day with events in the {name} feed, without such a silence",
        value_at_risk=None,
        corroborated_by=(),
        model=None,
        catalogue=rules.hash,
        evidence=(),
        arm=None,
        historical=observed_ms < alerts_from_ms,
        case_id=case_id(OF_FEED + name, FEED_OUTAGE, date_of(day)),
        ended_because=because,
    )


def _summary(change: Change, name: str, partition: int, boundary: int) -> str:
    if change.is_over:
        days = boundary - change.began // DAY_HOURS
        return f"Over after {days} {'day' if days == 1 else 'days'}: the {name} feed is back in partition {partition}."
    return (
        f"The {name} feed is down in partition {partition}: nothing came for {change.hours} hours, in which "
        f"{change.usual:,} customers came in the quietest of the weeks before. Alerts of customers who may merely not "
        "have been heard of are held."
    )
