"""An alert in words for a terminal. Everything is a text with its style: what catalogues say is never markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.text import Text

from models.catalogue.rules import Rules
from schemas.alert import AlertV1, NoContact
from schemas.instant import from_rfc3339
from streams.console.cases import MEANINGS, Measure, value_of
from streams.text.plain import plain
from streams.text.wording import moment, span

STYLES: Final[Mapping[str, str]] = {
    "critical": "bold red",
    "error": "red",
    "warning": "yellow",
    "info": "green",
}
"""How a severity looks."""
LATE: Final = "bold red"
QUIET: Final = "dim"
UNKNOWN: Final = "?"


def signal_text(alert: AlertV1) -> Text:
    """The signal as its severity looks."""
    return severity_text(alert.severity, alert.signal)


def severity_text(severity: str, text: str) -> Text:
    """Critical in words as well: it is for who must act first, and colours are not for everybody."""
    word = "critical " if severity == "critical" else ""
    return Text(plain(f"{word}{text}"), STYLES[severity])


def due_text(due_ms: int | None, zone: str, now_ms: int, *, is_owed: bool = True) -> Text:
    """Until when, and by how much that is over, unless nobody waits for it any more."""
    if due_ms is None:
        return Text("any time", QUIET)
    text = Text(moment(due_ms, zone, now_ms=now_ms))
    if due_ms < now_ms and is_owed:
        text.stylize(LATE)
        text.append(f", {span(now_ms - due_ms)} late", LATE)
    return text


def amount(value: float | None) -> str:
    """Money in a column whose heading says what it is."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A risk in a column."""
    return UNKNOWN if share is None else f"{share:.0%}"


def ended_text(alert: AlertV1) -> str:
    """What became of an alert that is over, in a word or two; its status where a version wrote no reason."""
    return (alert.ended_because or alert.status).replace("_", " ")


def no_contact_text(alert: AlertV1) -> Text:
    """That the customer must not be contacted, to stand before other words; empty where they may be."""
    return Text("do not contact ", LATE) if alert.do_not_contact else Text()


def refused_text(reasons: Sequence[NoContact]) -> Text:
    """That the customer must not be contacted, and why; there is a reason."""
    return Text("do not contact", LATE).append(f": {' and '.join(reasons).replace('_', ' ')}")


def what_to_do(alert: AlertV1, zone: str, now_ms: int, measure: Measure) -> Text:
    """Lines: who does what by when, whether to contact, what is at stake if known, what ends or ended it, answers."""
    text = Text(plain(f"  {alert.owner}, "))
    if alert.historical:
        text.append("historical (nobody's duty)", QUIET)
    elif alert.due_at is None:
        text.append("any time", QUIET)
    else:
        text.append("by ").append_text(due_text(from_rfc3339(alert.due_at), zone, now_ms, is_owed=alert.is_owed))
    text.append(plain(f": {alert.intervention}"))
    if alert.do_not_contact:
        text.append("\n  ").append_text(refused_text(alert.do_not_contact))
    worth = at_stake(alert, measure)
    if worth is not None:
        text.append(f"\n  at stake: {worth}")
    last = f"ends with: {alert.clears_when}" if alert.is_open else f"it ended: {ended_text(alert)}"
    text.append("\n").append(plain(f"  {last}"))
    for line in answers(alert, zone):
        text.append("\n").append(plain(f"  {line}"))
    return text


def came_true_text(rules: Rules, signal: str) -> str | None:
    """How often alerts of a signal came true on one's own history; None where the catalogue does not say."""
    rates, own = rules.hit_rates, rules.hit_rate_of(signal)
    if own is None:
        return None
    is_bad = next((one.polarity == "negative" for one in rules.signals if one.id == signal), True)
    did = {"purchase": "bought", "activity": "were active"}[rates.comes_back_by]
    share, low, high = (round(100 * end) for end in own)
    told = f"within {rates.horizon_days} days though nobody called ({low} to {high}; until {rates.until[:10]})"
    return f"of 100 such customers {share} {f'no longer {did}' if is_bad else did} {told}"


def answers(alert: AlertV1, zone: str) -> list[str]:
    """Whom it was escalated to, who took it on, what came of it; and its id, by which commands name it."""
    lines = []
    if alert.escalated_at is not None:
        to = "" if alert.escalated_to is None else f" to {alert.escalated_to}"
        lines.append(f"escalated{to}: {moment(alert.escalated_at, zone)}")
    if alert.acknowledged_at is not None:
        lines.append(f"acknowledged by {alert.acknowledged_by}: {moment(alert.acknowledged_at, zone)}")
    if alert.snoozed_until is not None:
        lines.append(f"snoozed until {moment(alert.snoozed_until, zone)}")
    if alert.outcome is not None:
        lines.append(f"outcome: {alert.outcome.replace('_', ' ')}")
    return [*lines, f"id: {alert.alert_id}"]


def at_stake(alert: AlertV1, measure: Measure) -> str | None:
    """The amount, what it is, and the risk beside it; None where nothing is known."""
    worth = value_of(alert, measure)
    if worth is None:
        return None
    risk = "" if alert.risk is None else f"; risk {percent(alert.risk)}"
    return f"{worth.amount:,.0f} {worth.currency} ({MEANINGS[measure]}{risk})"


def causes(alert: AlertV1) -> Text:
    """What was measured, beside what is usual: for `--explain`."""
    lines = []
    for driver in alert.drivers:
        usual = "" if driver.usual is None else f", usually {driver.usual:,g}"
        value = UNKNOWN if driver.value is None else f"{driver.value:,g}"
        lines.append(plain(f"  because: {driver.measure} {value}{usual} (weight {driver.contribution:+.2f})"))
    if alert.score is not None:
        threshold = "" if alert.threshold is None else f", threshold {alert.threshold:,g}"
        lines.append(f"  score {alert.score:,g}{threshold}")
    return Text("\n".join(lines), QUIET)
