"""Snapshots: what is known about a customer on a weekly day, kept until it is known whether the customer came back.

Labels are read from closed days at the customer's next snapshot day, so that a customer is looked at once a week for
them, and told with the boundary at which they were known.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple
from zlib import crc32

from models.config import Learning
from models.labels import PARTS, Question, label, matures_after
from models.learning.features import Purchases

_HEAD = struct.Struct(">Id")
_MARK = struct.Struct(">I")
FLOAT_BYTES = 4
"""Of a packed feature."""


class Pending(NamedTuple):
    """A snapshot that waits for its labels: the boundary, the risk told then (None: no model yet), packed features."""

    boundary: int
    risk: float | None
    features: bytes


def question_id(question: Question, features: Sequence[str]) -> str:
    """A short name for what is asked of which features, in their order: answers to another must not be mixed with it.

    >>> question_id(Question(60, 90), ["recency"]) == question_id(Question(90, 90), ["recency"])
    False
    """
    asked = f"{question.horizon_days},{question.risk_set_days},{','.join(features)}"
    return f"{len(features)}-{crc32(asked.encode()):08x}"


class Known(NamedTuple):
    """A label that became known: for a part of the horizon, when (a boundary)."""

    part: int
    matured: int
    is_true: bool


def next_snapshot_day(customer_id: str, after: int, learning: Learning) -> int:
    """The customer's first snapshot day behind a boundary: every customer has a weekday of its own, or all the same.

    An anchor is the first of all.

    >>> next_snapshot_day("anybody", 7, Learning(anchor=0)), next_snapshot_day("anybody", 8, Learning(anchor=0))
    (14, 14)
    """
    step, anchor = learning.step_days, learning.anchor
    if anchor is None:
        anchor = crc32(customer_id.encode())
    elif after < anchor:
        return anchor
    return after + 1 + (anchor - after - 1) % step


def last_complete(boundary: int, learning: Learning) -> int:
    """Up to when all labels are told once a boundary was reviewed: each is on the customer's next snapshot day."""
    step = learning.step_days
    return boundary - (step - 1 if learning.anchor is None else (boundary - learning.anchor) % step)


def is_in_risk_set(past: Purchases, boundary: int, learning: Learning) -> bool:
    """Whether the last purchase before the boundary is recent enough for the question to make sense."""
    silent = past.silent_days(boundary)
    return silent is not None and silent <= learning.question.risk_set_days


Due = Mapping[int, Sequence[int]]
"""Parts of the horizon by the age in days of the snapshot at which they are told."""


def due_parts(learning: Learning) -> Due:
    """Every part at each age between its end and the next snapshot day.

    >>> due_parts(Learning())[21], due_parts(Learning())[60]
    ([1], [4, 0])
    """
    due: dict[int, list[int]] = {}
    for part in PARTS:
        after = matures_after(learning.question, part)
        for age in range(after, after + learning.step_days):
            due.setdefault(age, []).append(part)
    return due


def known_labels(snapshot: Pending, past: Purchases, boundary: int, question: Question, due: Due) -> Iterator[Known]:
    """What became known of a snapshot since the customer's last snapshot day."""
    for part in due.get(boundary - snapshot.boundary, ()):
        is_true = label(question, part, past.days_until_purchase(snapshot.boundary, boundary))
        if is_true is not None:
            yield Known(part, snapshot.boundary + matures_after(question, part), is_true)


@dataclass(frozen=True, slots=True)
class Pack:
    """How the snapshots of a question are kept in a record: its mark, then one behind the other, all of one size."""

    question: str
    features: int

    @property
    def _mark(self) -> bytes:
        return _MARK.pack(crc32(self.question.encode()))

    def to_bytes(self, pending: Sequence[Pending]) -> bytes:
        """Nothing for none."""
        rows = (_HEAD.pack(one.boundary, nan if one.risk is None else one.risk) + one.features for one in pending)
        return self._mark + b"".join(rows) if pending else b""

    def from_bytes(self, packed: bytes) -> list[Pending]:
        """None of those taken for another question: their labels would teach something else."""
        if not packed.startswith(self._mark):
            return []
        size = _HEAD.size + self.features * FLOAT_BYTES
        found = []
        for place in range(_MARK.size, len(packed), size):
            boundary, risk = _HEAD.unpack_from(packed, place)
            features_at = place + _HEAD.size
            found.append(Pending(boundary, None if isnan(risk) else risk, packed[features_at : place + size]))
        return found


def pack_features(features: Sequence[float]) -> bytes:
    """Features as big-endian 32-bit floats: they are of that precision already.

    >>> unpack_features(pack_features([0.5, -2.25]))
    [0.5, -2.25]
    """
    return struct.pack(f">{len(features)}f", *features)


def unpack_features(packed: bytes) -> list[float]:
    """The features in their order."""
    return list(struct.unpack(f">{len(packed) // FLOAT_BYTES}f", packed))
