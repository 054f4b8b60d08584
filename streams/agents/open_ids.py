"""Which alerts of a partition are open, by their ids."""

from __future__ import annotations

from models.calendar import date_of
from models.engine.partition import Partition
from schemas.alert import alert_id


def open_alert_ids(partition: Partition) -> set[str]:
    """The ids of all open alerts, those fired early included."""
    ids, found = partition.customers.roster.ids, set()
    for of in partition.review.alerts:
        starts = zip(of.open.rows.tolist(), of.open.column("start").tolist(), strict=True)
        early = [(row, day) for row, days in of.early.items() for day in days]
        found |= {alert_id(ids[row], of.signal.id, date_of(start)) for row, start in (*starts, *early)}
    return found
