"""How good the given probabilities were: exactly over rows, and decayed over a stream of boundaries.

Both tell log loss, Brier score, calibration (ECE over ten equal bins), AUC and bias. The stream keeps a hundred buckets
of probability, from which calibration is exact and the AUC is right up to ties within a hundredth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.scoring.scorer import Floats, log_loss
from schemas.model import ModelStateError
from schemas.model_version import QualityState

Flags = NDArray[np.bool_]
Counts = NDArray[np.floating | np.integer]

HALF_LIFE_DAYS: Final = 91
"""A quarter: what people mean by 'lately', and long enough for a few thousand labels of a small shop."""

BINS_SHOWN: Final = 10
BUCKETS: Final = 100


class Score(NamedTuple):
    """Quality over some rows; NaN where it is not defined (no rows, or one outcome only)."""

    rows: float
    log_loss: float
    brier: float
    ece: float
    auc: float
    bias: float


class Bin(NamedTuple):
    """One bin of a reliability table: mean probability given, share that churned, rows."""

    given: float
    happened: float
    rows: float


def score(chance: Floats, churned: Flags) -> Score:
    """Quality of probabilities given to rows whose outcome is known, exactly."""
    if not len(chance):
        return Score(0.0, *[float("nan")] * 5)
    table = reliability(chance, churned)
    return Score(
        float(len(chance)),
        float(log_loss(chance, churned).mean()),
        float(((chance - churned) ** 2).mean()),
        _ece(table),
        auc(chance, churned),
        float(chance.mean() - churned.mean()),
    )


def reliability(chance: Floats, churned: Flags) -> list[Bin]:
    """What was given against what happened, in ten bins of equal width; empty ones are left out."""
    places = np.minimum((chance * BINS_SHOWN).astype(np.int64), BINS_SHOWN - 1)
    rows = np.bincount(places, minlength=BINS_SHOWN)
    given = np.bincount(places, weights=chance, minlength=BINS_SHOWN)
    happened = np.bincount(places, weights=churned, minlength=BINS_SHOWN)
    return _table(given, happened, rows)


def auc(chance: Floats, churned: Flags) -> float:
    """The chance that a churner was given more than a returner, ties counting half; NaN with one outcome only."""
    values, places = np.unique(chance, return_inverse=True)
    lost = np.bincount(places, weights=churned, minlength=len(values))
    kept = np.bincount(places, weights=~churned, minlength=len(values))
    return _auc(lost, kept)


@dataclass(slots=True)
class Quality:
    """The same over a stream, older boundaries fading by half every `HALF_LIFE_DAYS` of event time."""

    boundary: int
    rows: float
    losses: float
    squares: float
    given: Floats
    lost: Floats
    kept: Floats

    def add(self, boundary: int, chance: Floats, churned: Flags) -> None:
        """Take the rows whose outcome became known at a boundary, not before the last one."""
        fade = 0.5 ** (max(0, boundary - self.boundary) / HALF_LIFE_DAYS)
        places = np.minimum((chance * BUCKETS).astype(np.int64), BUCKETS - 1)
        self.boundary = boundary
        self.rows = self.rows * fade + len(chance)
        self.losses = self.losses * fade + float(log_loss(chance, churned).sum())
        self.squares = self.squares * fade + float(((chance - churned) ** 2).sum())
        self.given = self.given * fade + np.bincount(places, weights=chance, minlength=BUCKETS)
        self.lost = self.lost * fade + np.bincount(places, weights=churned, minlength=BUCKETS)
        self.kept = self.kept * fade + np.bincount(places, weights=~churned, minlength=BUCKETS)

    def score(self) -> Score:
        """Quality as of the last boundary."""
        if not self.rows:
            return Score(0.0, *[float("nan")] * 5)
        bias = (float(self.given.sum()) - float(self.lost.sum())) / self.rows
        loss, brier = self.losses / self.rows, self.squares / self.rows
        return Score(self.rows, loss, brier, _ece(self.table()), _auc(self.lost, self.kept), bias)

    def to_state(self) -> QualityState:
        """All of it; `quality_of` continues to the last bit."""
        given, lost, kept = self.given.tolist(), self.lost.tolist(), self.kept.tolist()
        return QualityState(self.boundary, self.rows, self.losses, self.squares, given, lost, kept)

    def table(self) -> list[Bin]:
        """The reliability table, decayed."""
        given, lost, kept = (
            counts.reshape(BINS_SHOWN, -1).sum(axis=1) for counts in (self.given, self.lost, self.kept)
        )
        return _table(given, lost, lost + kept)


def new_quality() -> Quality:
    """A stream of which nothing is known yet."""
    return Quality(0, 0.0, 0.0, 0.0, np.zeros(BUCKETS), np.zeros(BUCKETS), np.zeros(BUCKETS))


def quality_of(state: QualityState) -> Quality:
    """A stream that goes on, from a published version. Raises ModelStateError when the numbers cannot be of one."""
    counts = [np.array(each, dtype=np.float64) for each in (state.given, state.lost, state.kept)]
    if any(each.shape != (BUCKETS,) or not np.isfinite(each).all() for each in counts):
        raise ModelStateError("shape", f"quality: not {BUCKETS} finite numbers")
    return Quality(state.boundary, state.rows, state.losses, state.squares, *counts)


def _table(given: Counts, happened: Counts, rows: Counts) -> list[Bin]:
    found = zip(given.tolist(), happened.tolist(), rows.tolist(), strict=True)
    return [Bin(chance / number, lost / number, number) for chance, lost, number in found if number > 0]


def _ece(table: list[Bin]) -> float:
    """Mean distance of what was given from what happened, over the bins, by their rows."""
    total = sum(each.rows for each in table)
    return sum(abs(each.given - each.happened) * each.rows for each in table) / total


def _auc(lost: Counts, kept: Counts) -> float:
    """From counts by ascending probability."""
    pairs = float(lost.sum()) * float(kept.sum())
    if pairs <= 0:
        return float("nan")
    below = np.cumsum(kept) - kept
    return float((lost * (below + kept / 2)).sum()) / pairs
