"""The last word of alerts about customers who are erased, or go by another id: that they are over, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from models.alerts.episode import NEVER_MS, SignalAlerts
from models.alerts.payload import NOT_SAID
from models.calendar import date_of
from models.catalogue.rules import Rules, Signal
from schemas.alert import AlertSeverity, AlertV1, EndReason, alert_id
from schemas.instant import to_rfc3339

_SAYING: Final[Mapping[EndReason, str]] = {
    "erased": "Over: the customer was erased.",
    "merged": "Over: the customer was merged into another one.",
}


class LastWords:
    """Writes them by a catalogue; alerts observed before `alerts_from_ms` are historical."""

    def __init__(self, rules: Rules, alerts_from_ms: int, because: EndReason) -> None:
        self._rules, self._calendar, self._alerts_from_ms = rules, rules.basis.calendar, alerts_from_ms
        self._because = because

    def of(self, alerts: Sequence[SignalAlerts], customers: Mapping[int, tuple[str, int]]) -> Iterator[AlertV1]:
        """Of all alerts that somebody was told of and that are open. `customers`: by row the id, and since when.

        What was fired early on a day behind that is over once that day is.
        """
        for of in alerts:
            for row, (customer_id, boundary) in customers.items():
                place = of.open.place(row)
                if place is not None and of.open.column("sent_ms")[place] != NEVER_MS:
                    yield self._open(of, place, customer_id, boundary)
                for day in of.early.get(row, ()):
                    yield self._early(of.signal, day, customer_id, max(boundary, day + 1))

    def _open(self, of: SignalAlerts, place: int, customer_id: str, boundary: int) -> AlertV1:
        table = of.open
        start, revision, observed_ms = (int(table.column(n)[place]) for n in ("start", "revision", "observed_ms"))
        severity, owner = table.column("severity")[place], table.column("owner")[place]
        return self._alert(of.signal, start, customer_id, boundary, revision + 1, (severity, owner), observed_ms)

    def _early(self, signal: Signal, day: int, customer_id: str, boundary: int) -> AlertV1:
        observed_ms = self._calendar.start_of(boundary)
        return self._alert(signal, day, customer_id, boundary, 2, (signal.severity, signal.owner), observed_ms)

    def _alert(
        self, signal: Signal, start: int, customer_id: str, boundary: int, revision: int,
        of: tuple[AlertSeverity, str], observed_ms: int,
    ) -> AlertV1:  # fmt: skip
        """`of`: severity and owner."""
        severity, owner = of
        return AlertV1(
            alert_id=alert_id(customer_id, signal.id, date_of(start)),
            revision=revision,
            status="resolved",
            signal=signal.id,
            polarity=signal.polarity,
            severity=severity,
            summary=_SAYING[self._because],
            customer_id=customer_id,
            owner=owner,
            intervention="",
            playbook_url="",
            starts_at=self._calendar.text_of(start),
            observed_at=to_rfc3339(observed_ms),
            due_at=None,
            ends_at=self._calendar.text_of(boundary),
            score=None,
            clears_when="",
            catalogue=self._rules.hash,
            historical=observed_ms < self._alerts_from_ms,
            ended_because=self._because,
            **NOT_SAID,
        )
