"""What was decided about one customer, canonical: the stage, the open alerts and those fired early."""

from typing import Any

import numpy as np

from models.alerts.episode import revision_of
from models.customers.columns import STAGE_NAMES
from models.customers.refusals import REASONS_OF, refusals
from models.engine.partition import Partition


def verdict_of(partition: Partition, row: int) -> dict[str, Any]:
    """Stage, reasons not to contact, open alerts by signal (a list of what is kept of each), days fired early."""
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
            ]
    return {
        "stage": STAGE_NAMES[stage] if stage else None,
        "stage_since": int(columns.stage_since[row]) if stage else None,
        "do_not_contact": list(REASONS_OF[int(refusals(columns, np.array([row], np.int32))[0])]),
        "episodes": episodes,
        "announced": {of.signal.id: of.early[row] for of in alerts if row in of.early},
    }
