"""What the learner is taught: labels that became known with the features behind them, and how far partitions are."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

from schemas.erasure import ErasureV1

LessonRefusal = Literal["not_a_lesson", "other_question", "shape", "not_finite"]


class LabelV1(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A label of a snapshot. `part` 0 is the whole horizon (`is_true`: no purchase in it), 1, 2, … are its bins.

    Of a bin `is_true` says that there was a purchase in it, asked only of who had not bought before it. `matured_at` is
    the boundary (RFC 3339) at which it was known.
    """

    part: int
    matured_at: str
    is_true: bool


class SnapshotV1(msgspec.Struct, frozen=True, gc=False):
    """A snapshot (`at`, a boundary) with the labels that became known of it.

    `features` are big-endian 32-bit floats, in JSON as base64. `risk` is what the model in force said then about the
    whole horizon (None: there was none yet), and the one thing here that is not a function of events alone.
    """

    at: str
    features: bytes
    risk: float | None
    labels: tuple[LabelV1, ...]


class LessonV1(msgspec.Struct, frozen=True, tag="labels", tag_field="type", gc=False):
    """What became known of a customer between two snapshot days; `question` names what was asked of which features."""

    customer_id: str
    question: str
    snapshots: tuple[SnapshotV1, ...]
    schema_version: Literal[1] = 1


class ProgressV1(msgspec.Struct, frozen=True, tag="progress", tag_field="type"):
    """A partition has reviewed `boundary` with a version of the model (None: none yet).

    Every label of the partition that matured by `complete_until` lies before this record on the topic. `risks` counts
    the customers who got a risk at this boundary and were not lost, as pairs (half per cents of risk, customers).
    `distributions` counts what running constants are quantiles of, by what is counted, as pairs (bucket, customers).
    """

    partition: int
    boundary: str
    complete_until: str
    model_version: str | None
    schema_version: Literal[1] = 1
    risks: tuple[tuple[int, int], ...] | msgspec.UnsetType = msgspec.UNSET
    distributions: dict[str, tuple[tuple[int, int], ...]] | msgspec.UnsetType = msgspec.UNSET


Lesson = LessonV1 | ProgressV1 | ErasureV1
"""What lies on the topic; behind an erasure nothing is taught of that customer that was not learned yet."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Lesson] = msgspec.json.Decoder(Lesson)


def encode_lesson(lesson: Lesson) -> bytes:
    """Compact JSON with the fields in their declared order; floats come back bit by bit."""
    return _encoder.encode(lesson)


def lesson_key(lesson: Lesson, payload: bytes) -> bytes:
    """The key of a record, one each; `payload`: its value."""
    if isinstance(lesson, ProgressV1):
        return f"progress/{lesson.partition}/{lesson.boundary}".encode()
    if isinstance(lesson, ErasureV1):
        return lesson.customer.encode()
    return blake2b(payload, digest_size=16).hexdigest().encode()


class LessonError(Exception):
    """A record of the examples that must not be learned: which rule it breaks, and where. Survives pickle."""

    def __init__(self, reason: LessonRefusal, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: LessonRefusal = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


def decode_lesson(value: bytes) -> Lesson:
    """The labels or progress marker in a record's value. Raises LessonError for anything else."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise LessonError("not_a_lesson", str(error)) from error
