"""Signals without conditions: those that left the catalogue, whose alerts end at the next boundary, and of feeds."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from msgspec import Struct

from models.catalogue.conditions import Condition, Never
from models.catalogue.language import CompiledCondition, CompiledTerm
from models.catalogue.rules import DAYS_OPEN, Polarity, ScoreRule, Signal
from models.catalogue.template import Template
from models.catalogue.terms import UNKNOWN_TERM, Evening, Term
from models.customers.arrays import Ints, Rows, Selection
from models.measures.as_of import AsOf
from schemas.alert import AlertSeverity

_SAYING: Final = "signal retired"
_NEVER_WORSE: Final = 1e15


class KnownSignal(Struct, frozen=True):
    """What alerts say of their signal, whether or not the catalogue knows it."""

    polarity: Polarity
    severity: AlertSeverity
    owner: str
    intervention: str
    contacts_customer: bool
    if_no_contact: str
    playbook_url: str
    respond_ms: int | None
    announced_feed: int | None
    cause: str


def known_of(signal: Signal) -> KnownSignal:
    """What must be remembered of a signal while alerts of it are open."""
    return KnownSignal(
        signal.polarity, signal.severity, signal.owner, signal.intervention, signal.contacts_customer,
        signal.if_no_contact, signal.playbook_url, signal.respond_ms, signal.announced_feed, signal.cause,
    )  # fmt: skip


class _Always(Condition):
    """True of everybody."""

    def where(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Rows:  # noqa: ARG002 - whatever is looked at
        """All of those chosen."""
        return as_of.rows(chosen)

    def is_true(self, evening: Evening) -> bool:  # noqa: ARG002 - as above
        """It is."""
        return True

    def terms(self) -> Iterator[Term]:
        """None."""
        return iter(())


def retired(name: str, known: KnownSignal) -> Signal:
    """The signal in a form that ends its alerts at the next boundary."""
    return replace(
        unconditional(name, known),
        ends=CompiledCondition("", _Always(), frozenset()),
        ended=Template(f"Over after {{{DAYS_OPEN}|day|days}}: {_SAYING}."),
        has_left=True,
    )


def unconditional(name: str, known: KnownSignal) -> Signal:
    """The signal in a form that begins and ends nothing by itself."""
    term = CompiledTerm("", UNKNOWN_TERM, frozenset())
    never, text = CompiledCondition("never", Never(), frozenset()), Template(_SAYING)
    return Signal(
        id=name,
        when=never,
        ends=never,
        announced_feed=known.announced_feed,
        persistence=1,
        cooldown_days=0,
        expires_days=None,
        polarity=known.polarity,
        cause=known.cause,
        severity=known.severity,
        owner=known.owner,
        respond_ms=known.respond_ms,
        intervention=known.intervention,
        contacts_customer=known.contacts_customer,
        if_no_contact=known.if_no_contact,
        playbook_url=known.playbook_url,
        priority=0,
        inhibited_by_outage=False,
        score=ScoreRule(term, term, "higher", _NEVER_WORSE),
        values={},
        summary=text,
        clears_when=text,
        later=text,
        ended=text,
        drivers=(),
        ends_as=None,
    )
