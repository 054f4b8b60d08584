"""What the model would have said at a snapshot of a history: nobody was given a risk then, and it must be judged.

A worker that works off a backlog has no version of the model, so its labels come without a risk. The learner keeps the
scorers of the weeks whose snapshots wait for their outcome, and lets each snapshot be scored by the newest that a
deployment could have had on its day: of a week that ended one snapshot step before it, when its last labels had come.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.config import Learning
from models.labels import BINS, WHOLE, Example
from models.learning.churn import YARDSTICKS
from models.scoring.features import NARROW
from models.scoring.scorer import BASELINES, EXPERTS, Floats, Scorer
from schemas.model import ModelStateError
from schemas.model_version import ScorerV1

MAX_SCORERS: Final = 64
"""Scorers kept at most, 2 kB each in a version: of shorter steps over longer horizons every second is kept, or third,
so that a snapshot may be scored by an older one; never by a newer."""

NUMBER: Final = np.dtype(">f8")


class Said(NamedTuple):
    """P(no purchase within the horizon) as of the snapshots, by example: of the model, and a column a baseline.

    NaN where no version was there yet, and of labels that nobody judges: those of the later bins.
    """

    risks: Floats
    baselines: Floats


class Hindsight:
    """Scorers by the day until which each had learned, and what they say of the snapshots of their time."""

    def __init__(self, learning: Learning, features: Sequence[str], known: Sequence[ScorerV1] = ()) -> None:
        """Go on with those of a version. Raises ModelStateError when their numbers cannot be of these features."""
        self._step, self._horizon = learning.step_days, learning.question.horizon_days
        self._every = -(-(self._horizon // self._step + 4) // (MAX_SCORERS - 2))
        self._features = tuple(features)
        self._used = _used(self._features)
        self._scorers = {one.until: self._scorer(one) for one in known}
        untils = [one.until for one in known]
        if len(untils) > MAX_SCORERS or untils != sorted(set(untils)):
            raise ModelStateError("shape", f"earlier: {len(known)} scorers, or not one a week")

    def keep(self, until: int, scorer: Scorer) -> None:
        """Keep the scorer of a week, and forget those that no snapshot waits for any more."""
        if until // self._step % self._every:
            return
        self._scorers[until] = scorer
        oldest = until - self._horizon + 1 - self._step  # of the first snapshot whose horizon is not over
        while len(self._scorers) > 1 and sorted(self._scorers)[1] <= oldest:
            del self._scorers[min(self._scorers)]

    def said(self, examples: Sequence[Example]) -> Said:
        """What was known on the days of the snapshots, of those with a first bin or a whole horizon that is over."""
        found = Said(np.full(len(examples), np.nan), np.full((len(examples), len(BASELINES)), np.nan))
        places = np.array([place for place, one in enumerate(examples) if one.part in (1, WHOLE)], np.intp)
        days = np.array([examples[place].snapshot for place in places.tolist()], np.int64)
        untils = sorted(self._scorers)
        of = np.searchsorted(untils, days - self._step, side="right") - 1
        for number in np.unique(of[of >= 0]).tolist():
            chosen, scorer = places[of == number], self._scorers[untils[number]]
            rows = np.array([examples[place].features for place in chosen.tolist()], np.float64)
            found.risks[chosen] = scorer.score(rows)
            found.baselines[chosen] = scorer.baselines(rows)
        return found

    def to_state(self) -> list[ScorerV1]:
        """All of them; `Hindsight` continues to the last bit."""
        found = []
        for until, one in sorted(self._scorers.items()):
            parts = (one.weights, (one.base_rate,), one.means, one.offsets, one.vectors[self._used])
            numbers = np.concatenate([np.asarray(part, NUMBER) for part in parts])
            found.append(ScorerV1(until, one.boundary, one.is_cold, numbers.astype(NUMBER).tobytes()))
        return found

    def _scorer(self, state: ScorerV1) -> Scorer:
        sizes = (len(EXPERTS), 1, len(self._features), len(self._used), int(self._used.sum()))
        if len(state.numbers) != sum(sizes) * NUMBER.itemsize:
            raise ModelStateError("shape", f"earlier: {len(state.numbers)} bytes of numbers")
        numbers = np.frombuffer(state.numbers, NUMBER).astype(np.float64)
        if not np.isfinite(numbers).all():
            raise ModelStateError("not_finite", "earlier: a number is not finite")
        weights, base_rate, means, offsets, used = np.split(numbers, np.cumsum(sizes)[:-1])
        vectors = np.zeros(self._used.shape)
        vectors[self._used] = used
        return Scorer(
            features=self._features,
            boundary=state.boundary,
            is_cold=state.is_cold,
            weights=tuple(weights.tolist()),
            means=means,
            vectors=vectors,
            offsets=offsets,
            base_rate=float(base_rate[0]),
        )


def _used(features: Sequence[str]) -> NDArray[np.bool_]:
    """Which features each vector of a scorer may weigh; for the others it holds zeros."""
    parts = BINS + 1
    sets = [features] * parts + [NARROW] * parts + [*YARDSTICKS]
    return np.array([[name in one for name in features] for one in sets])
