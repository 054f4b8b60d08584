"""The rules of a catalogue as values: what a signal is, and the basis it is judged on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from models.catalogue.hit_rates import HitRate, KnownHitRates
from models.catalogue.language import CompiledCondition, CompiledTerm
from models.catalogue.template import Template
from models.catalogue.terms import Term
from models.config import HOUR_MS, Basis
from models.measures.scalars import RISK

Severity = Literal["info", "warning", "error", "critical"]
Polarity = Literal["negative", "positive"]
EndsAs = Literal["came_back", "solved", "over"]
"""What an alert that its end condition ended is told as, where the catalogue says so."""
DAYS_OPEN = "days_open"
"""A value that `later` and `ended` may name besides the signal's own."""


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """How bad it is, in the measure's own units, and by how much it must worsen to be worth an update."""

    term: CompiledTerm
    threshold: CompiledTerm
    worse: Literal["higher", "lower"]
    margin: float

    def is_worse(self, score: float | None, than: float | None) -> bool:
        """Whether a score is worse than another by at least the margin; an equal one is not, whatever the margin."""
        if score is None or than is None or score == than:
            return False
        return score >= than + self.margin if self.worse == "higher" else score <= than - self.margin


@dataclass(frozen=True, slots=True)
class DriverTerms:
    """A line of the explanation: what is measured and, where there is one, the customer's own usual."""

    text: str
    value: str
    usual: str | None


@dataclass(frozen=True, slots=True)
class Signal:
    """One rule: when it fires, when it ends, who does what by when, and how it is told."""

    id: str
    when: CompiledCondition
    ends: CompiledCondition
    announced_feed: int | None
    persistence: int
    cooldown_days: int
    expires_days: int | None
    polarity: Polarity
    cause: str
    """What kind of trouble it sees: open alerts of one customer and one cause are one case."""
    severity: Severity
    owner: str
    respond_ms: int | None
    intervention: str
    contacts_customer: bool
    """Whether the intervention writes to the customer, or calls."""
    if_no_contact: str
    """What to do instead where the customer must not be contacted."""
    playbook_url: str
    priority: int
    inhibited_by_outage: bool
    score: ScoreRule
    values: Mapping[str, CompiledTerm]
    summary: Template
    clears_when: Template
    later: Template
    ended: Template
    drivers: tuple[DriverTerms, ...]
    ends_as: EndsAs | None
    """None: it follows from the end condition, see `models.alerts.ending`."""
    holdout: float = 0.0
    """The share of customers whose alerts are decided and not sent, so that it shows what telling is worth."""
    silent_feeds: frozenset[int] = frozenset()
    """Feeds whose silence can make `when` true: see `models.catalogue.absence`."""
    has_left: bool = False
    """Whether the catalogue knows it no more: its alerts end, whatever is still to be seen of the customer."""

    def intervention_for(self, *, may_contact: bool) -> str:
        """What to do about a customer."""
        return self.intervention if may_contact or not self.contacts_customer else self.if_no_contact

    @property
    def counts_as_risk(self) -> bool:
        """Whether an open alert of it puts the customer at risk."""
        return self.polarity == "negative" and self.severity != "info"

    def terms(self) -> Iterator[Term]:
        """Everything that it reads."""
        yield from self.when.condition.terms()
        yield from self.ends.condition.terms()
        yield from (self.score.term.term, self.score.threshold.term)
        yield from (value.term for value in self.values.values())

    @property
    def asks_model(self) -> bool:
        """Whether it reads what the model says."""
        return RISK in self.when.feeds or RISK in self.ends.feeds or RISK in self.score.term.feeds


@dataclass(frozen=True, slots=True)
class Team:
    """How many people answer for an owner, and how many customers each of them can look after in a day."""

    people: int = 1
    alerts_a_day: int = 20

    @property
    def budget(self) -> int:
        """Customers a day."""
        return self.people * self.alerts_a_day


ALONE: Final = Team()
"""Of an owner of whom the catalogue says nothing."""


@dataclass(frozen=True, slots=True)
class OutageAlert:
    """What the alert says that tells of a feed that is down, to whom, and how soon to act on it."""

    owner: str = "Platform"
    respond_ms: int = 4 * HOUR_MS
    severity: Severity = "error"
    intervention: str = "Look at what posts this feed: its errors, its last record, its key and its network."
    playbook_url: str = "https://playbooks.example/churn-signals/feed_outage"


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole catalogue, ready to judge: the basis, the signals, and the hash that names it on every alert."""

    basis: Basis
    signals: tuple[Signal, ...]
    hash: str
    escalates_to: Mapping[str, str] = field(default_factory=dict)
    """By owner, who is told when the owner has not acknowledged an alert in time."""
    salt: str = ""
    """What arms of experiments are drawn with."""
    contact_days: int = 0
    """For how many days it is not suggested again to contact a customer, 0 for no such cap."""
    teams: Mapping[str, Team] = field(default_factory=dict)
    """By owner; `ALONE` for the others."""
    hit_rates: KnownHitRates = field(default_factory=KnownHitRates)
    """How often alerts came true on one's own history, where the catalogue names a file that says so."""
    outage_alert: OutageAlert = OutageAlert()
    text: str = ""
    """The whole catalogue as JSON in one form: what the hash is of, and what these rules can be built from again."""

    @property
    def owners(self) -> frozenset[str]:
        """Everybody whom the catalogue names to answer alerts of customers."""
        asked = (signal.owner for signal in self.signals)
        return frozenset((*asked, *self.escalates_to.values(), *self.teams))

    def held_by(self, feed: int) -> int:
        """Of how many signals alerts are held while a feed is down."""
        return sum(signal.inhibited_by_outage and feed in signal.silent_feeds for signal in self.signals)

    def hit_rate_of(self, signal: str) -> HitRate | None:
        """The share of a signal's alerts that came true, with its 95 % interval; None where nothing is known of it."""
        return self.hit_rates.by_signal.get(signal)


def without_model(rules: Rules) -> Rules:
    """The same rules where the model says nothing: no snapshots are taken, and what is asked of it is unknown."""
    return replace(rules, basis=replace(rules.basis, learning=None))


def sending_all(rules: Rules) -> Rules:
    """The same rules where nobody is held out or contacted too often: for judging what they decide, sent or not."""
    return replace(rules, contact_days=0, signals=tuple(replace(signal, holdout=0.0) for signal in rules.signals))


def without_outages(rules: Rules) -> Rules:
    """The same rules where no feed is ever down: for some customers alone, who are no feed."""
    return replace(rules, basis=replace(rules.basis, silence=None))
