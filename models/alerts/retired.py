"""Signals that left the catalogue: at the next boundary their open alerts end, and nothing of them begins any more."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from models.catalogue.conditions import Condition, Never
from models.catalogue.language import CompiledCondition, CompiledTerm
from models.catalogue.rules import Polarity, ScoreRule, Signal
from models.catalogue.template import Template
from models.catalogue.terms import UNKNOWN_TERM, Evening, Term
from models.customers.arrays import Ints, Rows, Selection
from models.measures.as_of import AsOf
from schemas.alert import AlertSeverity

SAYING: Final = "signal retired"
_NEVER_WORSE: Final = 1e15


class RetiredSignal(Struct, frozen=True):
    """What the last revision of an alert says of a signal that the catalogue does not know any more."""

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


def known_of(signal: Signal) -> RetiredSignal:
    """What must be remembered of a signal while alerts of it are open."""
    return RetiredSignal(
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


def retired(name: str, known: RetiredSignal) -> Signal:
    """The signal in a form that ends its alerts at the next boundary."""
    term = CompiledTerm("", UNKNOWN_TERM, frozenset())
    text = Template(SAYING)
    return Signal(
        id=name,
        when=CompiledCondition("never", Never(), frozenset()),
        ends=CompiledCondition("", _Always(), frozenset()),
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
        ended=Template("Over after {days_open|day|days}: signal retired."),
        drivers=(),
        ends_as=None,
        has_left=True,
    )
