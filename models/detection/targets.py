"""What detection must reach on simulated customers, stated beforehand; a target that is missed fails the command.

The floors were set once from 3,000 customers of seed 1, with room for chance, and are judged on other seeds. They are
of the default catalogue, not wishes: where a definition cannot do better, the floor says so.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

from models.detection.findings import Detection, SignalScore
from models.detection.proportion import Share

MIN_CASES: Final = 50
"""Cases below which a target is not judged: with fewer, one case moves a share by more than two points."""
LOYAL_DROP_SHARE: Final = 0.05
"""Most loyal customers with a `usage_drop` in any 60 days: what a look at z <= -2.75 daily gives by chance."""
LOYAL_ALERTS_A_YEAR: Final = 2.0
"""Most negative alerts about a loyal customer a year: more, and people stop looking."""


class Floor(NamedTuple):
    """Least precision (seasonal customers left out) and recall of a signal."""

    precision: float
    recall: float


FLOORS: Final[dict[str, Floor]] = {
    "onboarding_drop": Floor(0.80, 0.95),
    "usage_drop": Floor(0.65, 0.85),
    "purchase_drop_and_silence": Floor(0.30, 0.65),
    "support_spike": Floor(0.95, 0.95),
    "repeated_complaints": Floor(0.75, 0.95),
    "price_confusion": Floor(0.45, 0.95),
    "channel_friction": Floor(0.90, 0.95),
    "unsubscribed": Floor(0.95, 0.95),
    "first_purchase_only": Floor(0.95, 0.95),
    "loyal_gone_silent": Floor(0.55, 0.95),
    "dormant_high_value": Floor(0.85, 0.95),
    "reactivated": Floor(0.60, 0.95),
}
"""Low where the definition itself reads what well customers do too: a pause in a rhythm, a bill after an order."""


class Target(msgspec.Struct, frozen=True):
    """One bound and what was measured; `is_met` is None with too few cases to judge."""

    name: str
    bound: Literal["at most", "at least"]
    wanted: float
    found: float | None
    low: float | None
    high: float | None
    cases: int
    is_share: bool
    is_met: bool | None


def judge(detection: Detection) -> tuple[Target, ...]:
    """Hold what was found against every target."""
    loyal = detection.loyal
    drop = _share("loyal: usage_drop in any 60 days", "at most", LOYAL_DROP_SHARE, loyal.worst)
    rate = loyal.negative_a_year
    alerts = _target(
        "loyal: negative alerts a year",
        "at most",
        LOYAL_ALERTS_A_YEAR,
        (None, None, None) if rate is None else (rate.mean, rate.low, rate.high),
        cases=loyal.customers,
        is_share=False,
    )
    return drop, alerts, *(target for score in detection.signals for target in _of_signal(score))


def _of_signal(score: SignalScore) -> list[Target]:
    floor = FLOORS.get(score.signal)
    if floor is None:
        return []
    return [
        _share(f"{score.signal}: precision", "at least", floor.precision, score.precision_steady),
        _share(f"{score.signal}: recall", "at least", floor.recall, score.recall),
    ]


def _share(name: str, bound: Literal["at most", "at least"], wanted: float, found: Share | None) -> Target:
    values = (None, None, None) if found is None else (found.share, found.low, found.high)
    return _target(name, bound, wanted, values, cases=0 if found is None else found.of, is_share=True)


def _target(
    name: str,
    bound: Literal["at most", "at least"],
    wanted: float,
    found: tuple[float | None, float | None, float | None],
    *,
    cases: int,
    is_share: bool,
) -> Target:
    mean, low, high = found
    is_met = None
    if mean is not None and cases >= MIN_CASES:
        is_met = mean <= wanted if bound == "at most" else mean >= wanted
    return Target(name, bound, wanted, mean, low, high, cases, is_share, is_met)
