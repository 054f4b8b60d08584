"""What becomes of a snapshot, and when that is known: the labels a model may learn from, by event time alone.

The horizon of H days after a snapshot is cut into bins. At the end of a bin it is known whether a customer who had not
bought before it bought in it; at H it is known whether there was no purchase at all. A label is never known earlier,
for nobody: learning from the first to return would teach that everybody returns.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

BINS: Final = 4
"""Bins of the horizon: the hazard of each has weights of its own. More bins learn sooner from fewer purchases each."""

COLD_LABELS: Final = 500
"""Labels of each outcome without which the committee is cold: it learns and is judged, and raises no alerts."""

WHOLE: Final = 0
"""The part of a label that speaks of the whole horizon; bins are numbered from 1."""

MAX_HORIZON_DAYS: Final = 365
MAX_RISK_SET_DAYS: Final = 365
"""A customer silent for longer is not scored: the record keeps its days for 400, and nobody calls after a year."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a customer whose last purchase is at most `risk_set_days` old makes none in `horizon_days`.

    >>> Question(60, 90).edges
    (0, 15, 30, 45, 60)
    """

    horizon_days: int
    risk_set_days: int

    def __post_init__(self) -> None:
        if not BINS <= self.horizon_days <= MAX_HORIZON_DAYS:
            raise ValueError(f"a horizon has {BINS} to {MAX_HORIZON_DAYS} days, not {self.horizon_days}")
        if not 1 <= self.risk_set_days <= MAX_RISK_SET_DAYS:
            raise ValueError(f"a risk set has 1 to {MAX_RISK_SET_DAYS} days, not {self.risk_set_days}")

    @property
    def edges(self) -> tuple[int, ...]:
        """Days after a snapshot at which a bin ends, from 0 on."""
        return _edges(self.horizon_days)


@cache
def _edges(horizon_days: int) -> tuple[int, ...]:
    return tuple(round(part * horizon_days / BINS) for part in range(BINS + 1))


class Example(NamedTuple):
    """A label with the features of its snapshot. Learned in the order (matured, snapshot, customer, part, WHOLE last).

    `matured` and `snapshot` are boundaries. `is_true`: of a bin, that there was a purchase in it; of the WHOLE horizon,
    that there was none (churn). `features` are those of the committee, in its order; NaN stands for a missing one.
    """

    matured: int
    snapshot: int
    customer_id: str
    part: int
    is_true: bool
    features: tuple[float, ...]


def label(question: Question, part: int, until_purchase: int | None) -> bool | None:
    """The label of a part at its end, from the days to the first purchase so far; None when there is none to learn.

    A bin has no label when a purchase was made before it. Nothing beyond the end of the part is looked at.

    >>> [label(Question(60, 90), part, 20) for part in (1, 2, 3, WHOLE)]
    [False, True, None, False]
    """
    edges = question.edges
    if part == WHOLE:
        return until_purchase is None or until_purchase >= question.horizon_days
    if until_purchase is None:
        return False
    return until_purchase < edges[part] if until_purchase >= edges[part - 1] else None


def matures_after(question: Question, part: int) -> int:
    """Days after the snapshot at which the label of a part is known."""
    return question.horizon_days if part == WHOLE else question.edges[part]


PARTS: Final = (*range(1, BINS + 1), WHOLE)
"""All parts in the order in which those of one snapshot become known."""


def is_cold(returned: int, churned: int) -> bool:
    """Whether so many labels of the whole horizon, by outcome, are too few to believe what was learned of them.

    >>> is_cold(499, 90_000), is_cold(500, 500)
    (True, False)
    """
    return min(returned, churned) < COLD_LABELS
