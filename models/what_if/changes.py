"""What differs between two catalogues, in their own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Literal

import msgspec

from models.catalogue.rules import ALONE, Rules, Signal
from models.config import HOUR_MS, Number, Running
from schemas.event import FEEDS

What = Literal["new", "gone", "changed"]


class Change(msgspec.Struct, frozen=True):
    """A part of a signal (or of what all signals read: `signal` None) that is new, gone or changed."""

    what: What
    signal: str | None
    part: str
    before: str | None
    after: str | None


def changes(before: Rules, after: Rules) -> tuple[Change, ...]:
    """Everything that can make alerts differ: what all signals read, then signals in the order of their catalogues."""
    ours, theirs = ({signal.id: signal for signal in rules.signals} for rules in (before, after))
    return (
        *_compared(None, _shared(before), _shared(after)),
        *_compared(None, _rooms(before, after.teams), _rooms(after, before.teams)),
        *(Change("gone", name, "signal", one.when.text, None) for name, one in ours.items() if name not in theirs),
        *(Change("new", name, "signal", None, one.when.text) for name, one in theirs.items() if name not in ours),
        *(
            change
            for name, one in ours.items()
            if name in theirs
            for change in _compared(name, _parts(one), _parts(theirs[name]))
        ),
    )


def _compared(signal: str | None, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Change]:
    for part in dict.fromkeys((*ours, *theirs)):
        before, after = ours.get(part), theirs.get(part)
        if before != after:
            yield Change("changed", signal, part, _shown(before), _shown(after))


def _shown(value: Any) -> str | None:
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


def _constant(value: Number | Running) -> Number | str:
    """A constant in words where it runs."""
    if isinstance(value, Running):
        return f"{value.start:g}, later the {value.quantile:g} quantile of {value.of}"
    return value


def _parts(signal: Signal) -> dict[str, Any]:
    """What decides when a signal fires and ends, and who gets it."""
    return {
        "when": signal.when.text,
        "ends": signal.ends.text,
        "announced": None if signal.announced_feed is None else FEEDS[signal.announced_feed],
        "persistence": signal.persistence,
        "cooldown_days": signal.cooldown_days,
        "expires_days": signal.expires_days,
        "polarity": signal.polarity,
        "severity": signal.severity,
        "owner": signal.owner,
        "respond_hours": None if signal.respond_ms is None else signal.respond_ms / HOUR_MS,
        "cause": signal.cause,
        "priority": signal.priority,
        "contacts_customer": signal.contacts_customer,
        "inhibited_by_outage": signal.inhibited_by_outage,
        "holdout": signal.holdout,
        "margin": signal.score.margin,
        "score": signal.score.term.text,
        "threshold": signal.score.threshold.text,
    }


def _rooms(rules: Rules, others: Iterable[str]) -> dict[str, str]:
    """How many customers an owner can look after, of owners of whom either catalogue says it."""
    named = sorted({*rules.teams, *others})
    return {f"owners.{name}": f"room for {rules.teams.get(name, ALONE).budget:,} a day" for name in named}


def _shared(rules: Rules) -> dict[str, Any]:
    """What all signals read, and how often customers are contacted whatever the signal."""
    basis = rules.basis
    learning = {} if basis.learning is None else asdict(basis.learning)
    engagement = {f"engagement.{action}": basis.engagement.of(action) for action in basis.engagement.tenths}
    return {
        "feeds": ", ".join(FEEDS[feed] for feed in basis.feeds),
        "currency": basis.currency,
        **{f"rates.{code}": rate for code, rate in basis.rates.items()},
        **{f"lifecycle.{name}": value for name, value in asdict(basis.lifecycle).items()},
        **{name: f"{tenths / 10:g} points, at most {cap} a day" for name, (tenths, cap) in engagement.items()},
        **{f"constants.{name}": _constant(value) for name, value in basis.named.items()},
        **{f"model.{name}": value for name, value in learning.items()},
        **_outage(rules),
        "attention.contact_days": rules.contact_days,
    }


def _outage(rules: Rules) -> dict[str, Any]:
    """When a feed is down, which holds alerts, and who is told of it; nothing where no feed ever is."""
    silence, alert = rules.basis.silence, rules.outage_alert
    if silence is None:
        return {}
    return {
        "outage.chance": f"{silence.chance:.4g}",
        "outage.weeks": silence.weeks,
        "outage.owner": alert.owner,
        "outage.severity": alert.severity,
        "outage.respond_hours": alert.respond_ms / HOUR_MS,
    }
