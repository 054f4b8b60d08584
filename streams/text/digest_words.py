"""What a digest says, in words: for the terminal and for the page."""

from __future__ import annotations

from schemas.digest import DigestAlertV1, DigestEndV1, DigestLineV1, DigestV1
from schemas.envelope import OF_FEED
from streams.text.wording import counted, moment, written_date


def sentence(digest: DigestV1) -> str:
    """What it comes to, for somebody who reads one sentence."""
    counts = digest.counts
    told = f"{counted(counts.new, 'customer')} to look after from today on"
    if counts.open:
        told += f", {counts.open:,} still open from before"
    if counts.past_due:
        told += f" ({counts.past_due:,} past due)"
    if counts.waiting:
        told += f", {counts.waiting:,} for whom there is no room today"
    return f"{told}."


def at_stake(line: DigestLineV1) -> str:
    """What is at risk, in money, and what that is; "value unknown" where it is."""
    worth = line.value_at_risk
    if worth is None:
        return "no customer, but a feed" if line.customer_id.startswith(OF_FEED) else "value unknown"
    risk = "" if line.risk is None else f"risk {line.risk:.0%}"
    if line.value_basis == "expected":
        basis = f"{risk or 'risk'} times the spend expected in 12 months"
    else:
        basis = ", ".join(filter(None, ("spent last year", risk)))
    return f"{worth.amount:,.0f} {worth.currency} ({basis})"


def summary_of(alert: DigestAlertV1, at: str, zone: str) -> str:
    """What an alert says; where nothing was told of it lately, with the day whose numbers these are. `at`: of today."""
    is_of_today = alert.told_at is None or alert.told_at >= at
    return alert.summary if is_of_today else f"{alert.summary} (as told on {written_date(alert.told_at or at, zone)})"


def came_true(alert: DigestAlertV1) -> str | None:
    """How often alerts of the signal came true, None where that is not known."""
    rate = alert.came_true
    return None if rate is None else f"{rate.share:.0%} of such alerts came true ({rate.low:.0%} to {rate.high:.0%})"


def became(one: DigestEndV1, zone: str) -> str:
    """What happened to an alert, in words."""
    by = f" by {one.acknowledged_by}" if one.acknowledged_by else ""
    if one.became == "ended":
        answer = f"; outcome: {one.outcome.replace('_', ' ')}" if one.outcome else ""
        return f"over: {(one.ended_because or 'over').replace('_', ' ')}{answer}"
    if one.became == "answered":
        return f"outcome: {(one.outcome or '').replace('_', ' ')}{by}"
    if one.became == "acknowledged":
        return f"acknowledged{by}"
    if one.became == "snoozed":
        return f"snoozed until {moment(one.snoozed_until or '', zone)}"
    return f"escalated to {one.escalated_to or 'nobody named in the catalogue'}"
