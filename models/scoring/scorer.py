"""Scoring with learned weights: scaler and weights folded into one vector a logistic regression. No learning here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.labels import BINS

Floats = NDArray[np.float64]

EXPERTS: Final = ("wide_whole", "wide_hazard", "narrow_whole", "narrow_hazard")
"""The committee: all features or the narrow set; the chance of no purchase in one go, or bin by bin."""

BASELINES: Final = ("base_rate", "recency", "recency_frequency_value")
"""What the committee is held against, always: the share that churned so far, and two small logistic regressions."""

_SET = BINS + 1
"""Logistic regressions of a feature set: that of the whole horizon, then those of the bins."""

_EXPERTS_END = 2 * _SET

_STEEPEST = 36.0
"""Log-odds beyond which a probability is 0 or 1 in 64 bits: a loss must stay finite."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """The committee as of a boundary, frozen. `vectors`, `offsets`: wide whole and bins, narrow the same, baselines.

    A row's result does not depend on the rows scored with it, to the last bit.
    """

    features: tuple[str, ...]
    boundary: int
    is_cold: bool
    weights: tuple[float, ...]
    means: Floats
    vectors: Floats
    offsets: Floats
    base_rate: float

    def experts(self, rows: Floats) -> Floats:
        """P(no purchase within the horizon) by each of EXPERTS: a row for each of `rows` (by `features`)."""
        chance = _sigmoid(self._log_odds(rows, 0, _EXPERTS_END))
        found = np.empty((len(rows), len(EXPERTS)))
        found[:, 0], found[:, 2] = chance[:, 0], chance[:, _SET]
        for place, first in ((1, 1), (3, _SET + 1)):
            found[:, place] = _survival(chance[:, first : first + BINS])
        return found

    def score(self, rows: Floats) -> Floats:
        """The committee's probability: the experts' mean by their weights."""
        return self.mix(self.experts(rows))

    def mix(self, experts: Floats) -> Floats:
        """The committee's probability from those of the experts."""
        found = np.zeros(len(experts))
        for place, weight in enumerate(self.weights):
            found += weight * experts[:, place]
        return found

    def baselines(self, rows: Floats) -> Floats:
        """P(no purchase within the horizon) by each of BASELINES."""
        found = np.full((len(rows), len(BASELINES)), self.base_rate)
        found[:, 1:] = _sigmoid(self._log_odds(rows, _EXPERTS_END, len(self.vectors)))
        return found

    def drivers(self, row: Sequence[float]) -> list[tuple[str, float]]:
        """What moves the score off that of the mean customer, the largest first, in log-odds of churn.

        The terms w * (x - mean) of every logistic regression, each times what a unit of its log-odds moves the
        committee's at this row. Of a single expert for the whole horizon these are its own terms, exactly.
        """
        moves = self._moves(np.array([row], dtype=np.float64))
        terms = (moves @ self.vectors[:_EXPERTS_END]) * (np.asarray(row) - self.means)
        found = zip(self.features, terms.tolist(), strict=True)
        return sorted(found, key=lambda term: (-abs(term[1]), term[0]))

    def _moves(self, row: Floats) -> Floats:
        """How much a unit of log-odds of each logistic regression moves the committee's log-odds of churn."""
        chance, experts = _sigmoid(self._log_odds(row, 0, _EXPERTS_END))[0], self.experts(row)[0]
        total = float(self.score(row)[0])
        shares = np.asarray(self.weights) * experts / (total * (1 - total))
        moves = np.empty(_EXPERTS_END)
        for place, first in ((0, 0), (2, _SET)):
            moves[first] = shares[place] * (1 - experts[place])
            moves[first + 1 : first + _SET] = -shares[place + 1] * chance[first + 1 : first + _SET]
        return moves

    def _log_odds(self, rows: Floats, first: int, end: int) -> Floats:
        # einsum without `optimize` adds up row by row; a matrix product would depend on how many rows there are.
        found: Floats = np.einsum("ij,kj->ik", rows, self.vectors[first:end])
        return found + self.offsets[first:end]


def _survival(hazards: Floats) -> Floats:
    survival = 1.0 - hazards[:, 0]
    for part in range(1, hazards.shape[1]):
        survival = survival * (1.0 - hazards[:, part])
    return survival


def _sigmoid(log_odds: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -_STEEPEST, _STEEPEST)))
    return found


def log_loss(chance: Floats, is_true: NDArray[np.bool_]) -> Floats:
    """Minus the log of the probability given to what happened, row by row; a certainty that failed costs 36."""
    given = np.where(is_true, chance, 1.0 - chance)
    found: Floats = -np.log(np.maximum(given, np.exp(-_STEEPEST)))
    return found
