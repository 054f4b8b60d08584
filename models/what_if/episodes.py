"""Alerts as episodes: of all revisions of one, when it began and ended, how bad it got, whose it was."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.calendar import Calendar
from schemas.alert import URGENCY, AlertSeverity, AlertV1
from schemas.instant import from_rfc3339

STILL_OPEN: Final = 1 << 30
"""The end of an alert that has none yet."""


class Episode(NamedTuple):
    """One alert. Days are day numbers; it lasts from `begins` to the boundary `ends`, and was told on `told`.

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

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._found: dict[str, Episode] = {}

    def take(self, alert: AlertV1) -> None:
        """Take a revision; those of one alert come in their order."""
        known = self._found.get(alert.alert_id)
        ends = STILL_OPEN if alert.ends_at is None else self._calendar.day_of(from_rfc3339(alert.ends_at))
        if known is None:
            told = self._calendar.day_of(from_rfc3339(alert.observed_at))
            begins = self._calendar.day_of_text(alert.starts_at)
            self._found[alert.alert_id] = Episode(
                alert.customer_id, alert.signal, begins, ends, told, alert.severity, alert.owner, alert.summary
            )
            return
        worst = min(known.severity, alert.severity, key=URGENCY.__getitem__)
        self._found[alert.alert_id] = known._replace(ends=ends, severity=worst, owner=alert.owner)

    def all(self) -> list[Episode]:
        """Every alert."""
        return list(self._found.values())
