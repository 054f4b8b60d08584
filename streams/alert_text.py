"""An alert in words for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.alert import AlertV1

STYLES: Final[Mapping[str, str]] = {
    "critical": "bold red",
    "error": "red",
    "warning": "yellow",
    "info": "green",
}
"""How a severity looks."""


def what_to_do(alert: AlertV1) -> str:
    """Two lines: who does what by when, and what ends the alert."""
    return f"  {alert.owner}, by {alert.due_at or 'any time'}: {alert.intervention}\n  ends with: {alert.clears_when}"
