"""What was decided about one customer, canonical: the stage, the open alerts and those fired early."""

from typing import Any, NamedTuple

from models.alerts.attention.rules import holding
from models.alerts.episode import ARMS, HELD_OUT, NEVER_MS, SignalAlerts, revision_of
from models.customers.columns import STAGE_NAMES
from models.customers.refusals import OPTED_OUT, REASONS_OF
from models.engine.partition import Partition
from schemas.alert import AlertSeverity, NoContact
from schemas.suppressed import Rule


def verdict_of(partition: Partition, row: int) -> dict[str, Any]:
    """Stage, contacts, open alerts by signal (what is kept of each), trials, days fired early."""
    columns = partition.customers.columns
    stage = int(columns.stage[row])
    alerts = sorted(partition.review.alerts, key=lambda of: of.signal.id)
    episodes = {of.signal.id: kept for of in alerts if (kept := _episode_of(of, row)) is not None}
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


def _episode_of(of: SignalAlerts, row: int) -> list[Any] | None:
    """All that is kept of a customer's open alert of a signal; None where none is open."""
    place = of.open.place(row)
    if place is None:
        return None
    one = revision_of(of, row, place, "updated")
    initial = float(of.open.column("initial")[place])
    return [
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


class Waiting(NamedTuple):
    """An open alert that nobody was told of: the boundary at which it began, and what holds it until when.

    `passes_ms` None: nobody knows.
    """

    signal: str
    severity: AlertSeverity
    start: int
    rule: Rule
    passes_ms: int | None


def waiting_of(partition: Partition, row: int) -> list[Waiting]:
    """What is held of a customer as of the last boundary, but for experiments: of those nobody is to know.

    Nobody may wait to be judged.
    """
    review, found = partition.review, []
    occasion = review.follow_up.occasion(partition.customers.boundary, partition.customers.size)
    for of in sorted(review.alerts, key=lambda of: of.signal.id):
        place = of.open.place(row) if row in of.held else None
        if place is None or of.open.column("sent_ms")[place] != NEVER_MS:
            continue
        one = revision_of(of, row, place, "updated")
        if of.held[row] == "feed_down":  # at boundaries alone it is found out who is unheard
            occasion = occasion._replace(unheard={of.signal.id: frozenset((row,))})
        held = holding(of, one, occasion) if one.arm != HELD_OUT else None
        if held is not None:
            found.append(Waiting(of.signal.id, one.severity, one.start, *held))
    return found


def _trial_of(of: SignalAlerts, row: int) -> list[int | str | None]:
    """Since when a customer's trial of a signal runs, and the arm."""
    place = of.trials.place(row)
    assert place is not None  # by the choice of the caller
    return [int(of.trials.column("start")[place]), ARMS[of.trials.column("arm")[place]]]


def no_contact_of(partition: Partition, row: int) -> tuple[NoContact, ...]:
    """All reasons not to contact a customer as of the last boundary: e-mails refused, and a command."""
    quiet, customer_id = partition.review.quiet, partition.customers.roster.id_of(row)
    is_out = quiet.has_opted_out(customer_id, partition.customers.boundary)
    return REASONS_OF[int(partition.customers.columns.refused[row]) | OPTED_OUT * is_out]
