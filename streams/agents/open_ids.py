"""Which alerts of a partition are open, by their ids."""

from __future__ import annotations

from models.calendar import date_of
from models.engine.partition import Partition
from schemas.alert import alert_id


def open_alert_ids(partition: Partition) -> set[str]:
    """The ids of all open alerts, those fired early included."""
    found: set[str] = set()
    for of in partition.review.alerts:
        early = [(row, day) for row, days in of.early.items() for day in days]
        rows = [*of.open.rows.tolist(), *(row for row, _ in early)]
        starts = [*of.open.column("start").tolist(), *(day for _, day in early)]
        ids = partition.customers.roster.ids_of(rows)
        found.update(alert_id(one, of.signal.id, date_of(start)) for one, start in zip(ids, starts, strict=True))
    return found
