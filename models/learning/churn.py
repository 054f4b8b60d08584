"""The model that learns on line: River's scaler and logistic regressions in a committee of four experts.

This module alone imports River. A committee learns whole boundaries: all labels that mature at one, in their order,
so that its numbers are a function of the examples and its state is always that of a boundary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, isfinite, log
from typing import Any, Final

import numpy as np
from river import linear_model, optim, preprocessing

from models.labels import BINS, WHOLE, Example, Question, is_cold
from models.scoring.features import NARROW
from models.scoring.scorer import EXPERTS, Floats, Scorer, log_loss
from schemas.model import (
    MODEL_FORMAT,
    CommitteeV1,
    LogisticState,
    MixState,
    ModelStateError,
    ScalerState,
    check_committee,
)

PRIOR: Final = 0.5
"""P(churn) before anything was learned, unless the catalogue says otherwise (`model: prior`): it sets the intercepts,
so that the first weeks are wrong by the base rate and not wild."""

STEP: Final = 0.05
"""AdaGrad's step, for the intercepts too. Results hardly move between .01 and .1."""

WEEK: Final = 7
"""Days whose labels count as one observation when experts are weighed: they share their weather, sales and holidays.
With one unit of log loss a week the committee's loss never exceeds the best expert's by more than log 4 weeks' worth in
all, whatever happens; short of that the weights stay near equal."""

YARDSTICKS: Final = (("recency",), ("recency", "purchases", "basket"))
"""Features of the learned baselines: recency alone; recency, frequency and mean value."""

_INTERCEPT: Final = "1"


class AdaGrad(optim.AdaGrad):
    """River's AdaGrad, the step looked up once an example instead of once a feature: the same numbers, sooner."""

    def _step_with_dict(self, w: Any, g: Any) -> Any:
        squares, step, eps = self.g2, self.learning_rate, self.eps
        for name, slope in g.items():
            square = squares[name] = squares[name] + slope**2
            w[name] -= step / (square + eps) ** 0.5 * slope
        return w


class _Logistic:
    """A logistic regression on scaled features; the intercept is a weight among the others."""

    __slots__ = ("_model", "names")

    def __init__(self, names: Sequence[str], state: LogisticState) -> None:
        self.names = (*names, _INTERCEPT)
        optimizer = AdaGrad(STEP)
        optimizer.g2.update(zip(self.names, state.squares, strict=True))
        self._model = linear_model.LogisticRegression(optimizer=optimizer, intercept_lr=0.0)
        self._model._weights.update(dict(zip(self.names, state.weights, strict=True)))  # noqa: SLF001 - River has no setter

    def learn(self, scaled: Mapping[str, float], is_true: bool) -> None:  # noqa: FBT001 - the label
        """Learn one label; of the features it takes its own, as far as they are there."""
        if len(scaled) != len(self.names):
            scaled = {name: scaled[name] for name in self.names if name in scaled}
        self._model.learn_one(scaled, is_true)

    def folded(self, features: Sequence[str], deviations: Sequence[float]) -> tuple[list[float], float]:
        """(weights of unscaled features, intercept of centred ones): a feature that never varied counts nothing."""
        weights = self._model.weights
        vector = [
            float(weights.get(name, 0.0)) / deviation if deviation else 0.0
            for name, deviation in zip(features, deviations, strict=True)
        ]
        return vector, float(weights[_INTERCEPT])

    def to_state(self) -> LogisticState:
        weights, squares = self._model.weights, self._model.optimizer.g2
        return LogisticState(
            [float(weights.get(name, 0.0)) for name in self.names],
            [float(squares.get(name, 0.0)) for name in self.names],
        )


class Committee:
    """Four experts, their weights and three baselines. Mutable; `learn` takes one boundary at a time."""

    def __init__(self, state: CommitteeV1) -> None:
        self.question = Question(state.horizon_days, state.risk_set_days)
        self.features = tuple(state.features)
        self.boundary = state.boundary
        self.labels = list(state.labels)
        self._scaler = _to_scaler(self.features, state.scaler)
        self._wide = [_Logistic(self.features, part) for part in state.wide]
        self._narrow = [_Logistic(state.narrow_features, part) for part in state.narrow]
        self._baselines = [_Logistic(names, part) for names, part in zip(YARDSTICKS, state.baselines, strict=True)]
        self._log_weights = np.array(state.mix.log_weights)
        self._week = state.mix.week
        self._losses = np.array(state.mix.losses)
        self._number = state.mix.number

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of EXPERTS; they add up to 1."""
        highest = float(self._log_weights.max())
        shares = [exp(value - highest) for value in self._log_weights.tolist()]
        return tuple(share / sum(shares) for share in shares)

    @property
    def is_cold(self) -> bool:
        """Whether it has seen too little to be believed."""
        return is_cold(*self.labels)

    def learn(self, boundary: int, examples: Sequence[Example]) -> None:
        """Test, then learn all examples that matured at the boundary, given in their order.

        Raises ValueError when the boundary was learned before: nothing is learned twice.
        """
        if boundary <= self.boundary:
            raise ValueError(f"boundary {boundary} is not after {self.boundary}, which was learned")
        if examples:
            rows = np.array([example.features for example in examples], dtype=np.float64)
            self._weigh(boundary, examples, rows)
            self._scale(examples)
            self._learn(examples, rows)
        self.boundary = boundary

    def _weigh(self, boundary: int, examples: Sequence[Example], rows: Floats) -> None:
        """Count the experts' losses on labels they have not learned; the first of a week end the week before."""
        whole = np.array([example.part == WHOLE for example in examples])
        if not whole.any():
            return
        if boundary // WEEK != self._week and self._number:
            self._log_weights -= self._losses / self._number
            self._log_weights -= self._log_weights.max()
            self._losses, self._number = np.zeros(len(EXPERTS)), 0
        self._week = boundary // WEEK
        scorer = self.scorer()
        churned = np.array([example.is_true for example in examples])[whole]
        chances = scorer.experts(np.where(np.isfinite(rows), rows, scorer.means)[whole])
        self._losses = self._losses + log_loss(chances, churned[:, None]).sum(axis=0)
        self._number += len(churned)

    def _scale(self, examples: Sequence[Example]) -> None:
        """Take the features into the scale, once a snapshot: each has one example of the first bin."""
        for example in examples:
            if example.part == 1:
                values = dict(zip(self.features, example.features, strict=True))
                if not isfinite(sum(example.features)):
                    values = {name: value for name, value in values.items() if isfinite(value)}
                self._scaler.learn_one(values)

    def _learn(self, examples: Sequence[Example], rows: Floats) -> None:
        """Each part learns its examples, scaled as of this boundary; a missing feature moves no weight of its own."""
        scaled = np.ones((len(rows), len(self.features) + 1))
        scaled[:, :-1] = self._scaled(rows)
        names = (*self.features, _INTERCEPT)
        is_whole = bool(np.isfinite(scaled).all())
        for example, numbers in zip(examples, scaled.tolist(), strict=True):
            values = dict(zip(names, numbers, strict=True))
            if not is_whole:
                values = {name: value for name, value in values.items() if isfinite(value)}
            self._wide[example.part].learn(values, example.is_true)
            self._narrow[example.part].learn(values, example.is_true)
            if example.part == WHOLE:
                self.labels[example.is_true] += 1
                for baseline in self._baselines:
                    baseline.learn(values, example.is_true)

    def _scaled(self, rows: Floats) -> Floats:
        """What the scaler's `transform_one` says, for all rows at once; NaN stays NaN."""
        means, deviations = self._means(), self._deviations()
        varies = deviations > 0
        found: Floats = (rows - means) / np.where(varies, deviations, 1.0) * varies
        return found

    def _means(self) -> Floats:
        return np.array([float(self._scaler.means[name]) for name in self.features])

    def _deviations(self) -> Floats:
        return np.array([float(self._scaler.vars[name]) ** 0.5 for name in self.features])

    def scorer(self) -> Scorer:
        """The committee as it is now, for scoring."""
        means, deviations = self._means(), self._deviations()
        parts = (*self._wide, *self._narrow, *self._baselines)
        folded = [part.folded(self.features, deviations.tolist()) for part in parts]
        vectors = np.array([vector for vector, _ in folded])
        returned, churned = self.labels
        return Scorer(
            features=self.features,
            boundary=self.boundary,
            is_cold=self.is_cold,
            weights=self.weights,
            means=means,
            vectors=vectors,
            offsets=np.array([intercept for _, intercept in folded]) - (vectors * means).sum(axis=1),
            base_rate=(churned + PRIOR) / (returned + churned + 1),
        )

    def to_state(self) -> CommitteeV1:
        """Everything it has learned; `Committee(state)` continues to the last bit."""
        scaler = self._scaler
        return CommitteeV1(
            format=MODEL_FORMAT,
            horizon_days=self.question.horizon_days,
            risk_set_days=self.question.risk_set_days,
            features=list(self.features),
            narrow_features=list(NARROW),
            boundary=self.boundary,
            labels=list(self.labels),
            scaler=ScalerState(
                [scaler.counts[name] for name in self.features],
                [float(scaler.means[name]) for name in self.features],
                [float(scaler.vars[name]) for name in self.features],
            ),
            wide=[part.to_state() for part in self._wide],
            narrow=[part.to_state() for part in self._narrow],
            baselines=[part.to_state() for part in self._baselines],
            mix=MixState(self._log_weights.tolist(), self._week, self._losses.tolist(), self._number),
        )


def new_committee(question: Question, features: Sequence[str], *, prior: float = PRIOR) -> Committee:
    """A committee that has learned nothing: every expert says `prior`."""
    if not 0.0 < prior < 1.0:
        raise ValueError(f"a prior lies between 0 and 1, not at {prior}")
    hazard = 1.0 - prior ** (1.0 / BINS)
    intercepts = [_log_odds(prior), *[_log_odds(hazard)] * BINS]

    def untaught(size: int) -> list[LogisticState]:
        return [LogisticState([0.0] * size + [intercept], [0.0] * (size + 1)) for intercept in intercepts]

    size, equal = len(features), [0.0] * len(EXPERTS)
    return Committee(
        CommitteeV1(
            format=MODEL_FORMAT,
            horizon_days=question.horizon_days,
            risk_set_days=question.risk_set_days,
            features=list(features),
            narrow_features=list(NARROW),
            boundary=-1,
            labels=[0, 0],
            scaler=ScalerState([0] * size, [0.0] * size, [0.0] * size),
            wide=untaught(size),
            narrow=untaught(len(NARROW)),
            baselines=[untaught(len(names))[WHOLE] for names in YARDSTICKS],
            mix=MixState(equal, -1, equal, 0),
        )
    )


def restored_committee(state: CommitteeV1, question: Question, features: Sequence[str]) -> Committee:
    """Continue from a state; raises ModelStateError unless it answers this question from these features."""
    check_committee(state)
    if (state.horizon_days, state.risk_set_days) != (question.horizon_days, question.risk_set_days):
        raise ModelStateError("other_question", f"{state.horizon_days} and {state.risk_set_days} days, not {question}")
    if state.features != list(features) or state.narrow_features != list(NARROW):
        different = sorted({*state.features, *state.narrow_features} ^ {*features, *NARROW})
        raise ModelStateError("other_features", f"{', '.join(different[:5]) or 'another order'}")
    if len(state.wide) != BINS + 1:
        raise ModelStateError("shape", f"{len(state.wide)} parts, not {BINS + 1}")
    if [len(part.weights) for part in state.baselines] != [len(names) + 1 for names in YARDSTICKS]:
        raise ModelStateError("shape", "other baselines")
    return Committee(state)


def _log_odds(chance: float) -> float:
    return log(chance / (1.0 - chance))


def _to_scaler(names: Sequence[str], state: ScalerState) -> Any:
    scaler = preprocessing.StandardScaler()
    scaler.counts.update(dict(zip(names, state.counts, strict=True)))
    scaler.means.update(zip(names, state.means, strict=True))
    scaler.vars.update(zip(names, state.variances, strict=True))
    return scaler
