"""Open alerts restated as of the last boundary, for people: a published revision speaks of the day that decided it."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from models.alerts.episode import NO_EPISODE, revisions_of
from models.alerts.worth import AlertWorth, alert_worths
from models.customers.refusals import NO_CONTACT, REASONS_OF
from models.engine.partition import Partition
from schemas.alert import AlertV1

_OF_THE_DAY: Final = (
    "summary", "clears_when", "drivers", "stage", "do_not_contact", "intervention", *AlertWorth._fields,
)  # fmt: skip
"""What an alert says of the day, and not of the episode."""


def restated(partition: Partition, published: Sequence[AlertV1]) -> list[AlertV1]:
    """Published alerts of a partition with texts, causes and money as of its last boundary; identity stays as it is.

    What the partition does not know as open keeps its words: it was fired early, or ended meanwhile. Nobody may wait to
    be judged.
    """
    rows = [partition.customers.roster.row_of(one.customer_id) for one in published]
    now = _open_now(partition, {row for row in rows if row is not None})
    if any(one.is_of_feed for one in published):
        now |= _feeds_now(partition)
    found = []
    for alert, row in zip(published, rows, strict=True):
        if alert.alert_id in now:
            found.append(_in_words_of(alert, now[alert.alert_id]))
        elif alert.is_open and row is not None and row < partition.review.as_of.size:
            found.append(replace(alert, **_worth_now(partition, row), **_contact_now(partition, row, alert)))
        else:
            found.append(alert)
    return found


def _in_words_of(alert: AlertV1, now: AlertV1) -> AlertV1:
    return replace(alert, **{name: getattr(now, name) for name in _OF_THE_DAY})


def _open_now(partition: Partition, chosen: Collection[int]) -> dict[str, AlertV1]:
    """What would be published of the open alerts of some customers, by id."""
    review = partition.review
    rows = np.array(sorted(chosen), np.int32)
    starts = np.full(partition.customers.columns.capacity, NO_EPISODE, np.int32)
    found: dict[str, AlertV1] = {}
    for of in review.alerts:
        places = of.open.places(rows[of.open.has(rows)])
        if len(places):
            revisions = revisions_of(of, places, ["updated"] * len(places))
            written = review.writer.write(of.signal, revisions, review.as_of, starts, review.scoring)
            found |= {one.alert_id: one for one in written}
    return found


def _feeds_now(partition: Partition) -> dict[str, AlertV1]:
    """What would be published of the open alerts of feeds, by id."""
    review, of = partition.review, partition.review.feeds.of
    places = np.arange(len(of.open))
    revisions = revisions_of(of, places, ["updated"] * len(places))
    return {one.alert_id: one for one in review.feeds.write(revisions, review.as_of.boundary)}


def _contact_now(partition: Partition, row: int, alert: AlertV1) -> dict[str, Any]:
    """Whether the customer may be contacted, which an early firing knows of its own feed's day alone."""
    known = REASONS_OF[int(partition.customers.columns.refused[row])]
    reasons = tuple(one for one in NO_CONTACT if one in (*known, *alert.do_not_contact))
    signal = next((of.signal for of in partition.review.alerts if of.signal.id == alert.signal), None)
    action = alert.intervention if signal is None else signal.intervention_for(may_contact=not reasons)
    return {"do_not_contact": reasons, "intervention": action}


def _worth_now(partition: Partition, row: int) -> dict[str, Any]:
    """An early firing knows its own feed alone: the customer's worth is that of the last boundary."""
    review = partition.review
    (worth,) = alert_worths(review.as_of, np.array([row], np.int32), review.scoring)
    return worth._asdict()
