"""An alert in words for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.alert import AlertV1
from streams.plain import plain

STYLES: Final[Mapping[str, str]] = {
    "critical": "bold red",
    "error": "red",
    "warning": "yellow",
    "info": "green",
}
"""How a severity looks."""


def what_to_do(alert: AlertV1) -> str:
    """Lines: who does what by when, what is at stake where that is known, and what ends the alert."""
    worth = told_worth(alert)
    lines = (
        f"  {alert.owner}, by {alert.due_at or 'any time'}: {alert.intervention}",
        *([f"  at stake: {worth}"] if worth else []),
        f"  ends with: {alert.clears_when}",
    )
    return "\n".join(map(plain, lines))


def told_worth(alert: AlertV1) -> str | None:
    """The value at risk, and what it is; None where it is not known."""
    worth = alert.value_at_risk
    if worth is None:
        return None
    what = "the spend of the last 365 days"
    if alert.value_basis == "expected":
        what = "the risk times the spend expected in twelve months"
    return f"{worth.amount:,.0f} {worth.currency} ({what})"
