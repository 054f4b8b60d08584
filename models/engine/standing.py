"""What stands published of alerts, held against what is so: after a restart, once everything was read again.

What an earlier life published is mostly decided once more, revision by revision. It is not where events came in another
order before the crash, or another catalogue judges now: then more was published than is decided. An alert of which that
is so is taken back, or told once more as it is, by a further revision; one that was fired early on a day still open
waits for the day's review as any other.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from models.alerts.episode import HELD_OUT, NEVER_MS, NO_EPISODE, Revision, SignalAlerts, revision_of
from models.calendar import date_of
from models.customers.columns import STAGE_NAMES
from models.customers.refusals import REASONS_OF
from models.engine.partition import Partition
from schemas.alert import AlertV1, alert_id

TAKEN_BACK: Final = "Taken back: decided once more after a restart, it did not hold."


def open_ids(partition: Partition) -> set[str]:
    """The ids of all open alerts, those fired early included, but not of those that are held out: nobody is told."""
    return {
        of_id
        for alerts in partition.review.all_alerts
        for of_id in (*_open_places(partition, alerts), *_early_ids(partition, alerts))
    }


def _open_places(partition: Partition, alerts: SignalAlerts) -> dict[str, int]:
    """Where the open alerts of a signal are, by id; what is held out is as if it were not."""
    places = np.flatnonzero(alerts.open.column("arm") != HELD_OUT)
    rows, starts = alerts.open.rows[places], alerts.open.column("start")[places]
    ids = _alert_ids(partition, alerts, rows.tolist(), starts.tolist())
    return dict(zip(ids, places.tolist(), strict=True))


def _early_ids(partition: Partition, alerts: SignalAlerts) -> set[str]:
    early = [(row, day) for row, days in alerts.early.items() for day in days]
    return set(_alert_ids(partition, alerts, [row for row, _ in early], [day for _, day in early]))


def _alert_ids(partition: Partition, alerts: SignalAlerts, rows: Sequence[int], starts: Sequence[int]) -> list[str]:
    feeds = partition.review.feeds
    if alerts is feeds.of:
        return [feeds.id_of(row, start) for row, start in zip(rows, starts, strict=True)]
    customers = partition.customers.roster.ids_of(rows)
    return [alert_id(one, alerts.signal.id, date_of(start)) for one, start in zip(customers, starts, strict=True)]


def settle(partition: Partition, newest: Mapping[str, int], left_open: Mapping[str, AlertV1]) -> list[AlertV1]:
    """Further revisions that make what is published say what is so; nobody may wait to be judged.

    `newest`: by alert the highest revision that is published; `left_open`: that revision, where it leaves it open.
    """
    if not newest:
        return []
    found: list[AlertV1] = []
    known: set[str] = set()
    for alerts in partition.review.all_alerts:
        places = _open_places(partition, alerts)
        known |= places.keys() | _early_ids(partition, alerts)
        behind = {place: of_id for of_id, place in places.items() if _is_behind(alerts, place, newest.get(of_id))}
        found += _told_as_it_is(partition, alerts, behind, newest, left_open)
    strays = [told for of_id, told in left_open.items() if of_id not in known]
    return found + [_taken_back(partition, told) for told in strays if not _waits_for_review(partition, told)]


def _is_behind(alerts: SignalAlerts, place: int, newest: int | None) -> bool:
    return newest is not None and alerts.open.column("revision")[place] <= newest


def _told_as_it_is(
    partition: Partition,
    alerts: SignalAlerts,
    behind: Mapping[int, str],
    newest: Mapping[str, int],
    left_open: Mapping[str, AlertV1],
) -> list[AlertV1]:
    """Count on from the revision that is published, and tell those of which it says something else."""
    found, revisions, review = [], alerts.open.column("revision"), partition.review
    for place, of_id in sorted(behind.items()):
        one = revision_of(alerts, int(alerts.open.rows[place]), place, "updated")
        revisions[place] = newest[of_id]
        if not _says(left_open.get(of_id), one):
            revisions[place] += 1
            one.revision = int(revisions[place])
            found.append(one)
    if alerts is review.feeds.of:
        return review.feeds.write(found, partition.boundary)
    starts = np.full(partition.customers.columns.capacity if found else 0, NO_EPISODE, np.int32)
    return review.writer.write(alerts.signal, found, review.as_of, starts, review.scoring) if found else []


def _says(told: AlertV1 | None, one: Revision) -> bool:
    """Whether what is published is what is known of an open alert."""
    stage = STAGE_NAMES[one.stage] if one.stage else None
    known = one.severity, one.owner, one.score, stage, one.corroborated_by, REASONS_OF[one.refused], one.outcome
    said = one.acknowledged_ms != NEVER_MS, one.escalated_ms != NEVER_MS, one.snoozed_ms != NEVER_MS
    if told is None or said != tuple(
        at is not None for at in (told.acknowledged_at, told.escalated_at, told.snoozed_until)
    ):
        return False
    return known == (
        told.severity, told.owner, told.score, told.stage, told.corroborated_by, told.do_not_contact, told.outcome or ""
    )  # fmt: skip


def _waits_for_review(partition: Partition, told: AlertV1) -> bool:
    """Note what was fired early on a day that is still open: the day's review confirms it or takes it back."""
    day = partition.basis.calendar.day_of_text(told.starts_at)
    row = partition.customers.roster.row_of(told.customer_id)
    alerts = next((of for of in partition.review.alerts if of.signal.id == told.signal), None)
    if told.stage is not None or day < partition.customers.boundary or row is None or alerts is None:
        return False
    if alerts.signal.announced_feed is None or alerts.signal.has_left:
        return False
    alerts.early[row] = sorted([*alerts.early.get(row, ()), day])
    return True


def _taken_back(partition: Partition, told: AlertV1) -> AlertV1:
    """What is published, with a further revision behind which it is over."""
    boundary, text_of = partition.boundary, partition.basis.calendar.text_of
    return replace(
        told,
        revision=told.revision + 1,
        status="retracted",
        ended_because="taken_back",
        summary=TAKEN_BACK,
        ends_at=told.observed_at if boundary < 0 else text_of(boundary),
        corroborated_by=(),
        catalogue=partition.rules.hash,
    )
