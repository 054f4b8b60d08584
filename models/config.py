"""What a catalogue fixes besides its signals: feeds, zone, money, weights and thresholds, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from typing import Final, Literal

from models.calendar import DAY_MS, Calendar
from models.labels import Question
from schemas.erasure import DEFAULT_SALT

KEEP_DAYS: Final = 400
"""Days a bucket is kept after it closed: a year of spend plus the longest window, so every measure stays exact."""
HOUR_MS: Final = 3_600_000
Number = int | float
"""As a catalogue writes it: what is whole stays so, in texts and in alerts."""
DEFAULT_QUESTION = Question(horizon_days=60, risk_set_days=90)


TARGETS = ("retention", "churn")
"""What a company may aim at, as shares: of all customers those who have not churned, of the base those who churn in 30
days. Drawn as lines, never judged."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Thresholds of the stages, in whole days of silence."""

    dormant_days: int = 60
    churned_days: int = 120
    new_days: int = 30
    reactivated_days: int = 30
    active_days: int = 30
    gap_factor: float = 2.0
    silence: Literal["purchase", "activity"] = "purchase"


@dataclass(frozen=True, slots=True)
class Engagement:
    """Weight and daily cap of each action in the engagement index, in tenths of a point so that sums are integers."""

    tenths: Mapping[str, int]
    caps: Mapping[str, int]
    half_life_days: int = 28
    history_days: int = 196
    """Seven half-lives: what lies beyond weighs under one per cent and is cut off; no older day is needed."""

    def of(self, action: str) -> tuple[int, int]:
        """Weight in tenths and daily cap of an action."""
        return self.tenths.get(action, 0), self.caps.get(action, 1)


@dataclass(frozen=True, slots=True)
class Base:
    """What the spend of a customer without much history is drawn to: the base, in the catalogue's currency.

    `worth_days` of a customer's own days weigh as much as the base's velocity, one purchase as much as its basket.
    """

    purchases_a_year: float = 4.0
    basket: float = 50.0
    worth_days: float = 90.0


@dataclass(frozen=True, slots=True)
class Silence:
    """When a feed is silent for longer than its own past allows for: see `models.customers.silence`."""

    log_odds: int = 138_155
    """The logarithm of one in how many, in ten-thousandths: a silence less likely than one in a million."""
    weeks: int = 8
    """With how many weeks of its past a silence is compared."""

    @property
    def chance(self) -> float:
        """How likely a silence may be at most that is an outage."""
        return exp(-self.log_odds / 10_000)

    @property
    def least_weeks(self) -> int:
        """With fewer nothing is judged."""
        return max(2, self.weeks * 3 // 4)

    @property
    def most_weeks(self) -> int:
        """How many weeks back those are looked for that had no outage."""
        return self.weeks * 3 // 2


@dataclass(frozen=True, slots=True)
class Learning:
    """What the model is asked, how often, and when it is believed."""

    question: Question = DEFAULT_QUESTION
    step_days: int = 7
    """Days between two snapshots of a customer."""
    anchor: int | None = None
    """The day of the first snapshot of all customers; None: each has a weekday of its own, which spreads the load."""
    prior: float = 0.5
    """Share expected to churn before anything is learned."""


@dataclass(frozen=True, slots=True)
class Running:
    """A constant that follows the customers: a quantile of a distribution, once enough is known of it.

    `of` is one of `models.customers.distributions`.
    """

    start: Number
    """What holds until then."""
    quantile: float
    of: str


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything a measure needs to know about the deployment. Feeds are indices of FEEDS, ascending."""

    calendar: Calendar
    feeds: tuple[int, ...]
    lifecycle: Lifecycle
    engagement: Engagement
    currency: str = "USD"
    minor_units: int = 100
    """What 1 of the currency is kept as: hundredths, or what its last decimal is where it has more than two."""
    rates: Mapping[str, float] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    """By TARGETS."""
    constants: Mapping[str, Number] = field(default_factory=dict)
    """By name; of those that run, where they start."""
    running: Mapping[str, Running] = field(default_factory=dict)
    """Those constants that run, by name."""
    disorder_ms: int = HOUR_MS
    lateness_ms: int = 7 * DAY_MS
    erasure_salt: str = DEFAULT_SALT
    """What ids of erased customers are hashed with."""
    keep_days: int = KEEP_DAYS
    learning: Learning | None = None
    silence: Silence | None = None
    """None: no feed is ever down."""
    base: Base = Base()

    @property
    def named(self) -> dict[str, Number | Running]:
        """All constants, as conditions name them."""
        return {**self.constants, **self.running}
