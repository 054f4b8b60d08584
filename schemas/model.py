"""What a learned model is, as JSON: numbers by name, nothing that could run. Whoever reads one trusts none of it."""

from __future__ import annotations

from math import isfinite
from typing import Final, Literal

import msgspec
from msgspec import Struct

MODEL_FORMAT: Final = 1
MAX_MODEL_BYTES: Final = 262_144
"""A version has some 30 kB, and 190 kB with as many earlier scorers and counts in buckets as it may carry; what is much
larger is not even parsed."""

Refusal = Literal[
    "too_large", "undecodable", "other_format", "other_question", "other_features", "shape", "not_finite", "checksum"
]


class ModelStateError(Exception):
    """A model record that cannot be used: which rule it breaks, and where."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Refusal = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[ModelStateError], tuple[Refusal, str]]:
        return type(self), (self.reason, self.detail)


class LogisticState(Struct, frozen=True, forbid_unknown_fields=True):
    """A logistic regression: weights of scaled features with the intercept last, and AdaGrad's sums of squares."""

    weights: list[float]
    squares: list[float]


class ScalerState(Struct, frozen=True, forbid_unknown_fields=True):
    """Running counts, means and variances of the features."""

    counts: list[int]
    means: list[float]
    variances: list[float]


class MixState(Struct, frozen=True, forbid_unknown_fields=True):
    """What weighs the experts: log weights, and the losses of the week that is not over, with their number."""

    log_weights: list[float]
    week: int
    losses: list[float]
    number: int


class CommitteeV1(Struct, frozen=True, forbid_unknown_fields=True):
    """A committee of experts as of a boundary; `wide` and `narrow` are by part: the whole horizon, then the bins.

    `labels` counts those of the whole horizon: returned, churned. `baselines` are no members, only yardsticks.
    """

    format: int
    horizon_days: int
    risk_set_days: int
    features: list[str]
    narrow_features: list[str]
    boundary: int
    labels: list[int]
    scaler: ScalerState
    wide: list[LogisticState]
    narrow: list[LogisticState]
    baselines: list[LogisticState]
    mix: MixState


def encode_committee(state: CommitteeV1) -> bytes:
    """The state as JSON; floats are written so that they are read back to the last bit."""
    return msgspec.json.encode(state)


def check_committee(state: CommitteeV1) -> None:
    """Raise ModelStateError unless every list has its length and every number is finite and possible."""
    if state.format != MODEL_FORMAT:
        raise ModelStateError("other_format", f"format {state.format}, this program reads {MODEL_FORMAT}")
    wide, narrow = len(state.features), len(state.narrow_features)
    _check_lengths("scaler", wide, state.scaler.counts, state.scaler.means, state.scaler.variances)
    if len(state.narrow) != len(state.wide):
        raise ModelStateError("shape", f"narrow: {len(state.narrow)} parts, not {len(state.wide)}")
    for part in state.wide:
        _check_lengths("wide", wide + 1, part.weights, part.squares)
    for part in state.narrow:
        _check_lengths("narrow", narrow + 1, part.weights, part.squares)
    for part in (*state.wide, *state.narrow, *state.baselines):
        _check_lengths("weights", len(part.squares), part.weights)
        _check_numbers("weights", part.weights)
        _check_numbers("squares", part.squares, least=0.0)
    _check_lengths("mix", 4, state.mix.log_weights, state.mix.losses)
    _check_lengths("labels", 2, state.labels)
    _check_numbers("mix", [*state.mix.log_weights, *state.mix.losses])
    _check_numbers("scaler", state.scaler.means)
    counted = [*state.scaler.variances, *state.scaler.counts, *state.labels, state.mix.number]
    _check_numbers("scaler, labels", counted, least=0.0)


def _check_lengths(name: str, size: int, *lists: list[float] | list[int]) -> None:
    for found in lists:
        if len(found) != size:
            raise ModelStateError("shape", f"{name}: {len(found)} numbers, not {size}")


def _check_numbers(name: str, numbers: list[float], least: float | None = None) -> None:
    for number in numbers:
        if not isfinite(number) or (least is not None and number < least):
            raise ModelStateError("not_finite", f"{name}: {number} is no possible value")
