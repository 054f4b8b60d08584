"""What was decided about one customer, canonical: the stage, the open alerts and those fired early."""

from typing import Any

from models.alerts.episode import revision_of
from models.customers.columns import STAGE_NAMES
from models.engine.partition import Partition


def verdict_of(partition: Partition, row: int) -> dict[str, Any]:
    """Stage, open alerts by signal (as a list of what is kept of each), and days fired early by signal."""
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
                one.acknowledged_ms,
                one.acknowledged_by,
                one.outcome,
                one.escalated_ms,
                one.escalated_to,
                one.sent_ms,
                of.held.get(row, ""),
            ]
    return {
        "stage": STAGE_NAMES[stage] if stage else None,
        "stage_since": int(columns.stage_since[row]) if stage else None,
        "episodes": episodes,
        "snoozed": {of.signal.id: of.snoozed[row] for of in alerts if row in of.snoozed},
        "announced": {of.signal.id: of.early[row] for of in alerts if row in of.early},
    }
