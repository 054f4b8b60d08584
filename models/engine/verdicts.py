"""What was decided about one customer, canonical: the stage, the open alerts and those fired early."""

from typing import Any

import numpy as np

from models.alerts.episode import ARMS, SignalAlerts, revision_of
from models.customers.columns import STAGE_NAMES
from models.customers.refusals import OPTED_OUT, REASONS_OF, refusals
from models.engine.partition import Partition
from schemas.alert import NoContact


def verdict_of(partition: Partition, row: int) -> dict[str, Any]:
    """Stage, contacts, open alerts by signal (what is kept of each), trials, days fired early."""
    columns = partition.customers.columns
    stage = int(columns.stage[row])
    alerts = sorted(partition.review.alerts, key=lambda of: of.signal.id)
    episodes = {}
    for of in alerts:
        place = of.open.place(row)
        if place is not None:
            one = revision_of(of, row, place, "updated")
            initial = float(of.open.column("initial")[place])
            episodes[of.signal.id] = [
                one.start,
                one.revision,
                one.severity,
                one.score,
                STAGE_NAMES[one.stage or 0],
                one.owner,
                one.observed_ms,
                None if initial != initial else initial,  # noqa: PLR0124 - not a number
                list(one.corroborated_by),
                one.case,
                list(REASONS_OF[one.refused]),
                one.acknowledged_ms,
                one.acknowledged_by,
                one.outcome,
                one.escalated_ms,
                one.escalated_to,
                one.sent_ms,
                of.held.get(row, ""),
                ARMS[one.arm],
            ]
    return {
        "stage": STAGE_NAMES[stage] if stage else None,
        "stage_since": int(columns.stage_since[row]) if stage else None,
        "do_not_contact": list(no_contact_of(partition, row)),
        "episodes": episodes,
        "snoozed": {of.signal.id: of.snoozed[row] for of in alerts if row in of.snoozed},
        "contacted": partition.review.follow_up.contacts.at.get(row),
        "trials": {of.signal.id: _trial_of(of, row) for of in alerts if of.trials.place(row) is not None},
        "announced": {of.signal.id: of.early[row] for of in alerts if row in of.early},
    }


def _trial_of(of: SignalAlerts, row: int) -> list[int | str | None]:
    """Since when a customer's trial of a signal runs, and the arm."""
    place = of.trials.place(row)
    assert place is not None  # by the choice of the caller
    return [int(of.trials.column("start")[place]), ARMS[of.trials.column("arm")[place]]]


def no_contact_of(partition: Partition, row: int) -> tuple[NoContact, ...]:
    """All reasons not to contact a customer as of the last boundary: e-mails refused, and a command."""
    quiet, customer_id = partition.review.quiet, partition.customers.roster.id_of(row)
    is_out = quiet.has_opted_out(customer_id, partition.customers.boundary)
    refused = int(refusals(partition.customers.columns, np.array([row], np.int32))[0])
    return REASONS_OF[refused | OPTED_OUT * is_out]
