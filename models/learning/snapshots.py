"""Snapshots: what is known about a customer on a weekly day, kept until it is known whether the customer came back.

Labels are read from closed days at the customer's next snapshot day, so that a customer is looked at once a week for
them, and told with the boundary at which they were known.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple
from zlib import crc32

from models.config import Learning
from models.labels import Question, label, matures_after
from models.learning.features import Purchases
from models.scoring.snapshots import FLOAT_BYTES, Due

_HEAD = struct.Struct(">Id")
_MARK = struct.Struct(">I")


class Pending(NamedTuple):
    """A snapshot that waits for its labels: the boundary, the risk told then (None: no model yet), packed features."""

    boundary: int
    risk: float | None
    features: bytes


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


def is_in_risk_set(past: Purchases, boundary: int, learning: Learning) -> bool:
    """Whether the last purchase before the boundary is recent enough for the question to make sense."""
    silent = past.silent_days(boundary)
    return silent is not None and silent <= learning.question.risk_set_days


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
