"""What a run over customers whose truth is known found, as its report holds it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from models.detection.loyal import LoyalScore
from models.detection.proportion import Quartiles, Rate, Share

CURVE_DAYS: Final = 90
"""How long after a change a kind is followed: well beyond the 60 days at which a customer counts as dormant."""


class Lead(msgspec.Struct, frozen=True):
    """Days between the first right alert and the day on which the customer counts as dormant, and as churned."""

    dormant: Quartiles | None
    churned: Quartiles | None


class KindLoad(msgspec.Struct, frozen=True):
    """Alerts of one signal about customers of one kind: how many, how many right, and how many a week and 1,000."""

    alerts: int
    right: int
    weekly: float


class SignalScore(msgspec.Struct, frozen=True):
    """How good one signal is. `recall` is of customers in whom it is expected, `coverage` of all it applies to.

    `precision_steady` leaves seasonal customers out: their silence is real, only its meaning is not.
    `open_ended`: expected, but the data end before the interval does; they count for precision alone. `delay`: days
    from the change to the first right alert. `weekly`: alerts per 1,000 customers and week.
    """

    signal: str
    polarity: Literal["negative", "positive"]
    is_judged: bool
    alerts: int
    precision: Share | None
    precision_steady: Share | None
    recall: Share | None
    coverage: Share | None
    open_ended: int
    delay: Quartiles | None
    lead: Lead
    weekly: float
    kinds: dict[str, KindLoad]


class KindScore(msgspec.Struct, frozen=True):
    """What customers of one kind got. `found`: got any right negative alert within CURVE_DAYS of their first change.

    The curves tell which share was found, and which was dormant, so many days after the change (0 to CURVE_DAYS).
    """

    kind: str
    customers: int
    years: float
    negative_a_year: Rate | None
    positive_a_year: Rate | None
    wrong_a_year: Rate | None
    found: Share | None
    delay: Quartiles | None
    lead: Lead
    found_by_day: tuple[float, ...]
    dormant_by_day: tuple[float, ...]


class Detection(msgspec.Struct, frozen=True):
    """Everything measured about one run over customers whose truth is known."""

    customers: int
    events: int
    days: int
    years: float
    alerts: int
    signals: tuple[SignalScore, ...]
    kinds: tuple[KindScore, ...]
    loyal: LoyalScore
