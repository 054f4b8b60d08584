"""The census of a partition: how many customers stand where, kept up to date as records change, never by a scan.

Each customer adds one `Entry`, a function of the packed record alone. What an entry added when the record was last
written is taken away before the new one is added, so that sums over partitions never count a customer twice.
"""

from collections import Counter
from typing import Self

from msgspec import Struct

from models.config import HOUR_MS
from models.customer import STAGE_NAMES, Outline
from models.customer_record import Header, decode_outline
from models.signals.catalogue import Rules
from models.worth import last_year, worth_of


class OpenAlert(Struct, frozen=True, gc=False):
    """What the census counts of an alert that is open. `due_hour`: hours since 1970, None when nobody is waited for."""

    signal: str
    severity: str
    owner: str
    due_hour: int | None
    is_grave: bool
    """Of a negative signal with severity warning or more: it puts a customer at risk."""


class Entry(Struct, frozen=True, gc=False):
    """What one customer adds. `spend` of a year and `value` at risk, in minor units, are zero unless at risk."""

    stage: str
    is_at_risk: bool = False
    spend: int = 0
    value: int = 0
    alerts: tuple[OpenAlert, ...] = ()


class Totals:
    """Customers and their spend by one label."""

    __slots__ = ("customers", "spend")

    def __init__(self) -> None:
        self.customers: Counter[str] = Counter()
        self.spend: Counter[str] = Counter()

    def add(self, label: str, count: int, spend: int) -> None:
        """Add or take away."""
        self.customers[label] += count
        self.spend[label] += spend

    def __iadd__(self, other: "Totals") -> Self:
        for label, count in list(other.customers.items()):  # a copy: another thread may be counting
            self.add(label, count, other.spend[label])
        return self


class Census:
    """Counts of the customers of one partition, or of several summed. At risk: by stage, signal and owner."""

    def __init__(self) -> None:
        self.customers: Counter[str] = Counter()
        self.by_stage, self.by_signal, self.by_owner = Totals(), Totals(), Totals()
        self.open_alerts: Counter[tuple[str, str]] = Counter()
        """By (signal, severity)."""
        self._due: Counter[tuple[str, int]] = Counter()
        self.value_at_risk = 0
        """Of the customers at risk, in minor units: as their alerts say it, see `models.worth`."""

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
        for (owner, due_hour), count in list(self._due.items()):
            found[owner] += count if due_hour * HOUR_MS <= now_ms else 0
        return found

    def add_bare(self, stage: str, count: int) -> None:
        """Count customers without open alerts: most of them, at a restore."""
        self.customers[stage] += count

    def move(self, before: Entry | None, after: Entry) -> None:
        """A customer changed; `before` is None for a new one."""
        if before == after:
            return
        self._add(after, 1)
        if before is not None:
            self._add(before, -1)

    def __iadd__(self, other: "Census") -> Self:
        self.customers.update(dict(other.customers))
        self.by_stage += other.by_stage
        self.by_signal += other.by_signal
        self.by_owner += other.by_owner
        self.value_at_risk += other.value_at_risk
        self.open_alerts.update(dict(other.open_alerts))
        self._due.update(dict(other._due))
        return self

    def _add(self, entry: Entry, count: int) -> None:
        self.customers[entry.stage] += count
        spend = count * entry.spend
        self.value_at_risk += count * entry.value
        if entry.is_at_risk:
            grave = [alert for alert in entry.alerts if alert.is_grave]
            self.by_stage.add(entry.stage, count, spend)
            for signal in {alert.signal for alert in grave}:
                self.by_signal.add(signal, count, spend)
            for owner in {alert.owner for alert in grave}:
                self.by_owner.add(owner, count, spend)
        for alert in entry.alerts:
            self.open_alerts[alert.signal, alert.severity] += count
            if alert.due_hour is not None:
                place = alert.owner, alert.due_hour
                self._due[place] += count
                if not self._due[place]:
                    del self._due[place]  # else every hour that ever was would stay


class Taker:
    """Makes entries by the rules in force."""

    def __init__(self, rules: Rules, alerts_from_ms: int) -> None:
        self._signals = {signal.id: signal for signal in rules.signals}
        self._alerts_from_ms = alerts_from_ms
        self._basis = rules.basis
        self._bare = {stage: Entry(stage) for stage in STAGE_NAMES}

    def bare(self, stage: str | None) -> Entry:
        """What a customer without open alerts adds."""
        return self._bare[stage or STAGE_NAMES[0]]

    def written(self, header: Header, record: Outline | bytes) -> Entry:
        """What a record with this header adds, packed or just unpacked; without open alerts it stays packed."""
        if not header.has_alerts:
            return self.bare(header.stage)
        return self.entry(decode_outline(record) if isinstance(record, bytes) else record)

    def entry(self, customer: Outline) -> Entry:
        """What a customer adds, from the record as it is about to be written."""
        if not (customer.episodes or customer.announced):
            return self.bare(customer.stage)
        alerts = [
            self._open(signal, episode.severity, episode.owner, episode.observed_ms)
            for signal, episode in customer.episodes.items()
        ]
        for signal, days in customer.announced.items():
            if known := self._signals.get(signal):
                alerts += [self._open(signal, known.severity, known.owner, None)] * len(days)
        stage = customer.stage or STAGE_NAMES[0]
        if not customer.is_at_risk:
            return Entry(stage, alerts=tuple(alerts))
        worth = worth_of(customer, customer.reviewed, self._basis)
        if worth is not None and worth.basis == "last_year":
            spend = worth.minor  # not counted twice
        else:
            _, spend = last_year(customer, customer.reviewed)
        value = 0 if worth is None else worth.minor
        return Entry(stage, is_at_risk=True, spend=spend, value=value, alerts=tuple(alerts))

    def _open(self, signal: str, severity: str, owner: str, observed_ms: int | None) -> OpenAlert:
        """An open alert; a historical one, and one not yet reviewed, is nobody's duty."""
        rule = self._signals.get(signal)
        due = None
        if rule is not None and rule.respond_ms is not None and observed_ms is not None:
            is_historical = observed_ms < self._alerts_from_ms
            due = None if is_historical else -(-(observed_ms + rule.respond_ms) // HOUR_MS)
        return OpenAlert(signal, severity, owner, due, rule is not None and rule.is_grave)
