"""What a catalogue says of feeds that go silent: when that is an outage, and who is told of it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from models.catalogue.overlay import is_off
from models.catalogue.reader import Reader
from models.catalogue.rules import OutageAlert, Severity
from models.config import HOUR_MS, Silence

FEED_OUTAGE: Final = "feed_outage"
"""The signal that its alerts name."""
MOST_WEEKS: Final = 26
_SECTION: Final = "outage"
_KEYS: Final = {"chance", "weeks", "owner", "respond_hours", "severity", "intervention", "playbook"}
_LEAST_CHANCE, _MOST_CHANCE = 1e-12, 0.5
_MOST_HOURS: Final = 24 * 366


def read_silence(reader: Reader, catalogue: Mapping[str, Any]) -> Silence | None:
    """When a silence is an outage; None where the catalogue has no such section, or switches it off."""
    path, source = (_SECTION,), _section(reader, catalogue)
    if source is None:
        return None
    reader.unknown_keys(path, source, _KEYS)
    chance = reader.number(path, source, "chance", default=1e-6, least=_LEAST_CHANCE, most=_MOST_CHANCE)
    weeks = reader.whole(path, source, "weeks", default=8, least=2, most=MOST_WEEKS)
    return Silence(log_odds=round(-Decimal(str(chance)).ln() * 10_000), weeks=weeks)


def read_outage_alert(reader: Reader, catalogue: Mapping[str, Any]) -> OutageAlert:
    """Who is told, and what; what the section leaves out is as in the product."""
    path, source, default = (_SECTION,), _section(reader, catalogue) or {}, OutageAlert()
    hours = reader.number(path, source, "respond_hours", default=4, least=0, most=_MOST_HOURS)
    texts = {
        key: reader.text(path, source, key) if key in source else str(getattr(default, key))
        for key in ("owner", "intervention")
    }
    playbook = default.playbook_url
    if "playbook" in source:
        playbook = reader.address(path, source, "playbook", FEED_OUTAGE)
    severity: Severity = default.severity
    if "severity" in source:
        severity = reader.choice(path, source, "severity", ("info", "warning", "error", "critical"))
    return OutageAlert(respond_ms=int(hours * HOUR_MS), severity=severity, playbook_url=playbook, **texts)


def _section(reader: Reader, catalogue: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return None if is_off(catalogue.get(_SECTION)) else reader.mapping((), catalogue, _SECTION)
