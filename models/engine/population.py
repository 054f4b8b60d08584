"""Who stands where: customers by stage, at risk by stage, signal and owner, open alerts; counted when asked for."""

from collections import Counter
from typing import Self

import numpy as np

from models.alerts.episode import NEVER_MS, SignalAlerts
from models.config import HOUR_MS
from models.customers.arrays import Bools, Ints, Rows, total_of
from models.customers.columns import NEVER, STAGE_NAMES
from models.customers.entries import MAX_SUM
from models.customers.stages import CHURNED, NONE
from models.engine.partition import Partition
from models.measures.windows import capped
from models.scoring.worth import SPENT, worth_of
from schemas.event import PURCHASE


class Totals:
    """Customers and their spend by one label."""

    __slots__ = ("customers", "spend")

    def __init__(self) -> None:
        self.customers: Counter[str] = Counter()
        self.spend: Counter[str] = Counter()

    def add(self, label: str, count: int, spend: int) -> None:
        """Add customers under a label; none is no entry."""
        if count:
            self.customers[label] += count
            self.spend[label] += spend

    def __iadd__(self, other: "Totals") -> Self:
        for label, count in other.customers.items():
            self.add(label, count, other.spend[label])
        return self


class Population:
    """Counts of the customers of one partition, or of several summed. At risk: by stage, signal and owner.

    Money is in minor units: `spend` of the last year, `value_at_risk` as alerts say it.
    """

    def __init__(self) -> None:
        self.customers: Counter[str] = Counter()
        self.by_stage, self.by_signal, self.by_owner = Totals(), Totals(), Totals()
        self.open_alerts: Counter[tuple[str, str]] = Counter()
        """By (signal, severity)."""
        self.feeds_down: Counter[int] = Counter()
        """By feed, the partitions in which it is down."""
        self.due: Counter[tuple[str, int]] = Counter()
        """Alerts to answer by (owner, hours since 1970 until which, rounded up)."""
        self.value_at_risk = 0
        self.spend_capped = 0
        """Customers who spent, or are said to have spent, more than is counted."""
        self.boundary = NEVER
        """The last boundary as of which everybody was judged, NEVER before the first."""

    @property
    def at_risk(self) -> int:
        """Customers at risk now: not churned, a negative alert of severity warning or more is open."""
        return self.by_stage.customers.total()

    @property
    def spend_at_risk(self) -> int:
        """What they spent in a year, in minor units."""
        return self.by_stage.spend.total()

    def past_due(self, now_ms: int) -> Counter[str]:
        """Open alerts whose response time, rounded up to the hour, is over, by owner."""
        found: Counter[str] = Counter()
        for (owner, due_hour), count in self.due.items():
            found[owner] += count if due_hour * HOUR_MS <= now_ms else 0
        return found

    def __iadd__(self, other: "Population") -> Self:
        self.customers.update(other.customers)
        self.by_stage += other.by_stage
        self.by_signal += other.by_signal
        self.by_owner += other.by_owner
        self.value_at_risk += other.value_at_risk
        self.spend_capped += other.spend_capped
        self.open_alerts.update(other.open_alerts)
        self.feeds_down.update(other.feeds_down)
        self.due.update(other.due)
        self.boundary = min(self.boundary, other.boundary)
        return self


def population_of(partition: Partition) -> Population:
    """Count a partition's customers as they stand."""
    found, customers = Population(), partition.customers
    if partition.judged_boundary >= 0:
        found.boundary = partition.judged_boundary
    stage = customers.columns.stage[: customers.size]
    for number, count in enumerate(np.bincount(stage, minlength=len(STAGE_NAMES)).tolist()):
        if count := count - (customers.roster.holes if number == NONE else 0):
            found.customers[STAGE_NAMES[number]] = count
    found.spend_capped = int(np.count_nonzero(customers.columns.spend_total[: customers.size] >= MAX_SUM))
    for group in range(len(customers.outages.states)):
        found.feeds_down.update(customers.outages.down(group))
    for of in partition.review.all_alerts:
        _count_open(found, of, partition.review.writer.alerts_from_ms)
    _count_at_risk(found, partition, stage)
    return found


def is_at_risk(partition: Partition) -> Bools:
    """By row: not churned, and an open negative alert of severity warning or more."""
    customers = partition.customers
    found = np.zeros(customers.size, np.bool_)
    for of in partition.review.alerts:
        if of.signal.counts_as_risk:
            found[_rows_of(of)] = True
    found &= customers.columns.stage[: customers.size] != CHURNED
    return found


def _rows_of(of: SignalAlerts) -> Rows:
    """Who has an open alert of a signal, one fired early included, but none that may come of a feed that is down."""
    rows = np.union1d(of.open.rows, np.fromiter(of.early, np.int32, len(of.early))) if of.early else of.open.rows
    unheard = [row for row, rule in of.held.items() if rule == "feed_down"]
    return np.setdiff1d(rows, np.array(unheard, np.int32)) if unheard else rows


def _count_open(found: Population, of: SignalAlerts, alerts_from_ms: int) -> None:
    signal, table = of.signal, of.open
    severities, owners = table.column("severity").tolist(), table.column("owner").tolist()
    found.open_alerts.update((signal.id, severity) for severity in severities)
    early = sum(len(days) for days in of.early.values())
    if early:
        found.open_alerts[signal.id, signal.severity] += early
    if signal.respond_ms is None:
        return
    sent_ms = table.column("sent_ms")
    due_hours = -(-(sent_ms + signal.respond_ms) // HOUR_MS)
    is_owed = (table.column("observed_ms") >= alerts_from_ms) & (table.column("acknowledged_ms") == NEVER_MS)
    is_owed[[place for row in of.held if (place := table.place(row)) is not None]] = False
    for at in np.flatnonzero(is_owed).tolist():  # what is history is nobody's duty
        found.due[owners[at], int(due_hours[at])] += 1


def _count_at_risk(found: Population, partition: Partition, stage: Ints) -> None:
    at_risk = is_at_risk(partition)
    rows = np.flatnonzero(at_risk).astype(np.int32)
    if not len(rows):
        return
    review = partition.review
    review.windows.grow(partition.customers.columns.capacity)  # some came since the boundary and had an early alert
    spend = np.zeros(len(at_risk), np.int64)
    known = rows[rows < review.as_of.size]  # others were seen since the boundary: their days are still open
    spend[known] = capped(review.windows.sums(SPENT)[known]) if review.as_of.has(PURCHASE) else 0
    for number in np.unique(stage[rows]).tolist():
        chosen = rows[stage[rows] == number]
        found.by_stage.add(STAGE_NAMES[number], len(chosen), total_of(spend[chosen]))
    by_owner: dict[str, Bools] = {}
    for of in review.alerts:
        if not of.signal.counts_as_risk:
            continue
        chosen = _rows_of(of)
        chosen = chosen[at_risk[chosen]]
        found.by_signal.add(of.signal.id, len(chosen), total_of(spend[chosen]))
        owner = by_owner.setdefault(of.signal.owner, np.zeros(len(at_risk), np.bool_))
        owner[chosen] = True
    for name, flags in by_owner.items():
        found.by_owner.add(name, int(flags.sum()), total_of(spend[flags]))
    worth = worth_of(review.as_of, known, review.scoring)
    if worth is not None:
        found.value_at_risk = total_of(worth.at_stake)
