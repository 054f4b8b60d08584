"""Alerts as episodes: of all revisions of one, when it began and ended, how bad it got, whose it was."""

from __future__ import annotations

from typing import NamedTuple

from models.alerts.episode import STILL_OPEN
from models.catalogue.outage import FEED_OUTAGE
from models.catalogue.rules import Rules
from schemas.alert import URGENCY, AlertSeverity, AlertV1
from schemas.instant import from_rfc3339


class Episode(NamedTuple):
    """One alert. Days are day numbers; it lasts from `begins` to the boundary `ends`, and was sent first on `told`.

    `severity` is the worst it had, `owner` the last one's, `summary` what its first revision said.
    """

    customer_id: str
    signal: str
    begins: int
    ends: int
    told: int
    severity: AlertSeverity
    owner: str
    summary: str


class Episodes:
    """Gathers the alerts of a run from their revisions, in any order of alerts."""

    def __init__(self, rules: Rules) -> None:
        self._calendar = rules.basis.calendar
        self._respond_ms = {signal.id: signal.respond_ms for signal in rules.signals}
        self._respond_ms[FEED_OUTAGE] = rules.outage_alert.respond_ms
        self._found: dict[str, Episode] = {}

    def take(self, alert: AlertV1) -> None:
        """Take a revision; those of one alert come in their order."""
        known = self._found.get(alert.alert_id)
        ends = STILL_OPEN if alert.ends_at is None else self._calendar.day_of(from_rfc3339(alert.ends_at))
        if known is None:
            told = self._calendar.day_of(self._sent_ms(alert))
            begins = self._calendar.day_of_text(alert.starts_at)
            self._found[alert.alert_id] = Episode(
                alert.customer_id, alert.signal, begins, ends, told, alert.severity, alert.owner, alert.summary
            )
            return
        worst = min(known.severity, alert.severity, key=URGENCY.__getitem__)
        self._found[alert.alert_id] = known._replace(ends=ends, severity=worst, owner=alert.owner)

    def _sent_ms(self, alert: AlertV1) -> int:
        """When its first revision was sent: of what was held before, its answer is owed since then."""
        respond_ms = self._respond_ms.get(alert.signal)
        if alert.due_at is None or respond_ms is None:
            return from_rfc3339(alert.observed_at)
        return from_rfc3339(alert.due_at) - respond_ms

    def all(self) -> list[Episode]:
        """Every alert."""
        return list(self._found.values())
