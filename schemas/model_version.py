"""A version of the model as it is published: what was learned, how good it is, and where a learner goes on from."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Literal

import msgspec

from schemas.epoch import payload_of, with_epoch
from schemas.instant import from_rfc3339
from schemas.model import MAX_MODEL_BYTES, CommitteeV1, ModelStateError, check_committee

MODEL_NAME: Final = "churn"
MODEL_KEY: Final = MODEL_NAME.encode()
"""Key of every version on the models topic; the learner keeps a record of its own beside them."""


class QualityState(msgspec.Struct, frozen=True):
    """A decayed record of probabilities given and what happened, see `models.learning.quality.Quality`."""

    boundary: int
    rows: float
    losses: float
    squares: float
    given: list[float]
    lost: list[float]
    kept: list[float]


class DriftState(msgspec.Struct, frozen=True):
    """A window of boundaries and the changes seen in it, see `models.learning.drift.Window`.

    Of a boundary: its day, values, their sum and that of their squares. Of an alarm: its day, the means before
    and since.
    """

    buckets: list[tuple[int, int, float, float]]
    alarms: list[tuple[int, float, float]]


class ScorerV1(msgspec.Struct, frozen=True, array_like=True):
    """A scorer as of the day (`until`) of an earlier version, see `models.learning.hindsight.Hindsight`.

    `boundary`: of the newest label learned. `numbers` are big-endian 64-bit floats: the experts' weights, the base
    rate, means of the features, offsets, and of each vector the weights that it has.
    """

    until: int
    boundary: int
    is_cold: bool
    numbers: bytes


class JudgedState(msgspec.Struct, frozen=True):
    """Risks that were held against what happened, of snapshots since a day (RFC 3339), none of them faded.

    `given` were said at the snapshot by the version in force, `worked_out` afterwards by what was known on its day.
    """

    since: str
    given: int
    worked_out: int


class DistributionsV1(msgspec.Struct, frozen=True):
    """What running constants are quantiles of: customers of all partitions as of a boundary (RFC 3339).

    By what is counted, as pairs (bucket, customers).
    """

    as_of: str
    counts: dict[str, tuple[tuple[int, int], ...]]


class ModelVersionV1(msgspec.Struct, frozen=True):
    """`checksum` covers all but itself and `resume_offset`: the same examples give the same version wherever they lay.

    Every example that matured by `learned_until` (a boundary, RFC 3339) is in it. A learner that goes on from here
    reads the examples from `resume_offset` on. `quality` and `drift` are what was measured on the way, `warm_since` is
    the boundary from which on it is believed. `risks` counts the customers of all partitions who were given a risk in
    the week before, by half per cents of it; while too few were, those of the newest snapshots learned from, scored by
    this version. `earlier` are the scorers of versions whose snapshots wait for their outcome, `judged` counts what
    `quality` is of, `distributions` is there where partitions count any. Earlier programs wrote none of the last six,
    nor has their checksum.
    """

    name: str
    learned_until: str
    committee: CommitteeV1
    quality: dict[str, QualityState]
    resume_offset: int
    checksum: str = ""
    schema_version: Literal[1] = 1
    drift: dict[str, DriftState] | msgspec.UnsetType = msgspec.UNSET
    warm_since: str | msgspec.UnsetType = msgspec.UNSET
    risks: list[int] | msgspec.UnsetType = msgspec.UNSET
    earlier: list[ScorerV1] | msgspec.UnsetType = msgspec.UNSET
    judged: JudgedState | msgspec.UnsetType = msgspec.UNSET
    distributions: DistributionsV1 | msgspec.UnsetType = msgspec.UNSET

    @property
    def version(self) -> str:
        """The name of this version: until when it learned, and the beginning of the checksum."""
        return f"{self.learned_until[:10]}-{self.checksum[:8]}"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ModelVersionV1)


def sealed(model: ModelVersionV1) -> ModelVersionV1:
    """The version with its checksum."""
    return msgspec.structs.replace(model, checksum=_checksum(model))


def encode_model_version(model: ModelVersionV1, epoch: int) -> bytes:
    """The record's value: the writer's epoch, then JSON; floats come back bit by bit."""
    return with_epoch(_encoder.encode(model), epoch)


def decode_model_version(value: bytes) -> ModelVersionV1:
    """The version in a record's value. Raises ModelStateError for whatever is not exactly what a learner wrote."""
    if len(value) > MAX_MODEL_BYTES:
        raise ModelStateError("too_large", f"{len(value):,} bytes, more than {MAX_MODEL_BYTES:,}")
    try:
        model = _decoder.decode(payload_of(value))
        from_rfc3339(model.learned_until)
        if isinstance(model.warm_since, str):
            from_rfc3339(model.warm_since)
        if isinstance(model.judged, JudgedState):
            from_rfc3339(model.judged.since)
        if isinstance(model.distributions, DistributionsV1):
            from_rfc3339(model.distributions.as_of)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModelStateError("undecodable", str(error)) from error
    check_committee(model.committee)
    if model.checksum != _checksum(model):
        raise ModelStateError("checksum", "the content is not what was written")
    return model


def _checksum(model: ModelVersionV1) -> str:
    return sha256(_encoder.encode(msgspec.structs.replace(model, checksum="", resume_offset=0))).hexdigest()
