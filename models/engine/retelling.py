"""Open alerts told as of the last boundary, for people: a published revision speaks of the day that decided it."""

from collections.abc import Collection, Sequence

import numpy as np
from msgspec.structs import replace

from models.alerts.episode import NO_EPISODE, revisions_of
from models.catalogue.currencies import amount_of
from models.engine.partition import Partition
from models.scoring.worth import worth_of
from schemas.alert import AlertV1, Money


def retold(partition: Partition, published: Sequence[AlertV1]) -> list[AlertV1]:
    """Published alerts of a partition with texts, causes and money as of its last boundary; identity stays as it is.

    What the partition does not know as open keeps its words: it was fired early, or ended meanwhile. Nobody may wait to
    be judged.
    """
    rows = [partition.customers.roster.row_of(one.customer_id) for one in published]
    now = _open_now(partition, {row for row in rows if row is not None})
    found = []
    for alert, row in zip(published, rows, strict=True):
        if alert.alert_id in now:
            found.append(_in_words_of(alert, now[alert.alert_id]))
        elif alert.is_open and row is not None and row < partition.review.as_of.size:
            found.append(_with_worth(partition, alert, row))
        else:
            found.append(alert)
    return found


def _in_words_of(alert: AlertV1, now: AlertV1) -> AlertV1:
    return replace(
        alert, summary=now.summary, clears_when=now.clears_when, drivers=now.drivers, stage=now.stage,
        value_at_risk=now.value_at_risk, value_basis=now.value_basis, risk=now.risk,
        spend_last_year=now.spend_last_year,
    )  # fmt: skip


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
            told = review.writer.write(of.signal, revisions, review.as_of, starts, review.scoring)
            found |= {one.alert_id: one for one in told}
    return found


def _with_worth(partition: Partition, alert: AlertV1, row: int) -> AlertV1:
    """An early firing knows its own feed alone: the customer's worth is that of the last boundary."""
    review, currency = partition.review, partition.basis.currency
    worth = worth_of(review.as_of, np.array([row], np.int32), review.scoring)
    if worth is None:
        return alert
    return replace(
        alert,
        value_at_risk=Money(amount_of(int(worth.at_stake[0]), currency), currency),
        value_basis="expected" if worth.is_expected[0] else "last_year",
        risk=round(float(worth.risk[0]), 4) if worth.is_expected[0] else None,
        spend_last_year=Money(amount_of(int(worth.spent[0]), currency), currency),
    )
