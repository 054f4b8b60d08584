"""Snapshots: what was known of customers on a weekly day, kept until it is known whether they came back.

Labels are read from closed days at a customer's next snapshot day, so that a customer is looked at once a week for
them, and published with the boundary at which they were known.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from models.config import Learning
from models.customers.arrays import Bools, Floats, Ints, Rows
from models.customers.columns import NO_DAY
from models.customers.customers import Customers
from models.labels import PARTS, Question, matures_after

FLOAT_BYTES: Final = 4
"""Of a packed feature."""


# -- when, and what is asked


def question_id(question: Question, features: Sequence[str]) -> str:
    """A short name for what is asked of which features, in their order: answers to another must not be mixed with it.

    >>> question_id(Question(60, 90), ["recency"]) == question_id(Question(90, 90), ["recency"])
    False
    """
    asked = f"{question.horizon_days},{question.risk_set_days},{','.join(features)}"
    return f"{len(features)}-{crc32(asked.encode()):08x}"


def weekday_of(customer_id: str, learning: Learning) -> int:
    """The remainder of a customer's snapshot days by `step_days`: each has an own one, or all that of the anchor."""
    anchor = crc32(customer_id.encode()) if learning.anchor is None else learning.anchor
    return anchor % learning.step_days


def rows_of_day(weekdays: Ints, boundary: int, learning: Learning) -> Rows:
    """The customers whose snapshot day a boundary is, by the weekday of each; an anchor is the first of all."""
    if learning.anchor is not None and boundary < learning.anchor:
        return np.empty(0, np.int32)
    return np.flatnonzero(weekdays == boundary % learning.step_days).astype(np.int32)


def last_complete(boundary: int, learning: Learning) -> int:
    """Up to when all labels are published once a boundary was reviewed: each is on the customer's next snapshot day."""
    step = learning.step_days
    return boundary - (step - 1 if learning.anchor is None else (boundary - learning.anchor) % step)


def is_in_risk_set(customers: Customers, rows: Rows, question: Question) -> Bools:
    """Whose last purchase before the boundary is recent enough for the question to make sense."""
    last = customers.columns.last_purchase[rows]
    longest = min(question.risk_set_days, customers.basis.keep_days)
    found: Bools = (last != NO_DAY) & (customers.boundary - last <= longest)
    return found


Due = Mapping[int, Sequence[int]]
"""Parts of the horizon by the age in days of the snapshot at which they are published."""


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


# -- what waits


class Taken(NamedTuple):
    """Snapshots of one day: whose, the risk given then (NaN: no model yet), features of 32 bits, a row each."""

    rows: Rows
    risks: Floats
    features: NDArray[np.float32]

    def only(self, kept: Bools) -> "Taken":
        """Some of them."""
        return taken(self.rows[kept], self.risks[kept], self.features[kept])


def taken(rows: Rows, risks: Floats, features: NDArray[np.float32]) -> Taken:
    """Snapshots of one day. Where no model gave a risk, the risks take no memory."""
    return Taken(rows, np.broadcast_to(np.nan, len(rows)) if np.isnan(risks).all() else risks, features)


class Pending:
    """Snapshots that wait for labels, by their day."""

    def __init__(self, question: str, features: int) -> None:
        self.question = question
        self._features = features
        self._days: dict[int, Taken] = {}

    def __len__(self) -> int:
        return sum(len(taken.rows) for taken in self._days.values())

    def add(self, day: int, rows: Rows, risks: Floats, features: Floats) -> None:
        """Keep the snapshots of a day."""
        if len(rows):
            self._days[day] = taken(rows, risks, features.astype(np.float32))

    def of(self, day: int) -> Taken | None:
        """The snapshots of a day that still wait."""
        return self._days.get(day)

    def newest_first(self) -> Iterator[tuple[int, Taken]]:
        """Every day with its snapshots."""
        return ((day, self._days[day]) for day in sorted(self._days, reverse=True))

    def drop(self, rows: Bools, before: int) -> None:
        """Forget those that some customers (flags by row) have of days up to and with `before`."""
        for day in [day for day in self._days if day <= before]:
            taken = self._days.pop(day)
            kept = ~rows[taken.rows]
            if kept.any():
                self._days[day] = taken.only(kept)

    def drop_behind(self, rows: Bools, day: int) -> None:
        """Forget those that some customers have of days behind a day."""
        for late in [late for late in self._days if late > day]:
            taken = self._days.pop(late)
            kept = ~rows[taken.rows]
            if kept.any():
                self._days[late] = taken.only(kept)

    def copy(self) -> "Pending":
        """The same snapshots, apart from what is added and dropped from now on."""
        found = Pending(self.question, self._features)
        found._days = self._days.copy()
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of everything, by name."""
        days = [self._days[day] for day in sorted(self._days)]
        table = [(day, len(self._days[day].rows)) for day in sorted(self._days)]
        none = Taken(np.empty(0, np.int32), np.empty(0), np.empty((0, self._features), np.float32))
        return {
            "question": np.array([crc32(self.question.encode())], np.int64),
            "days": np.array(table, np.int64).reshape(-1, 2),
            "rows": np.concatenate([none.rows, *(taken.rows for taken in days)]),
            "risks": np.concatenate([none.risks, *(taken.risks for taken in days)]),
            "features": np.concatenate([none.features, *(taken.features for taken in days)]),
        }

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `to_arrays` gave; nothing taken for another question: its labels would mislead."""
        self._days = {}
        if arrays["question"].tolist() != [crc32(self.question.encode())]:
            return
        end = 0
        for day, count in arrays["days"].tolist():
            span = slice(end, end + count)
            end += count
            # Copied: a day that is dropped later gives back its memory.
            self._days[day] = taken(*(arrays[name][span].copy() for name in ("rows", "risks", "features")))


def pack_features(features: Sequence[float]) -> bytes:
    """Features as big-endian 32-bit floats: they are of that precision already.

    >>> unpack_features(pack_features([0.5, -2.25]))
    [0.5, -2.25]
    """
    return struct.pack(f">{len(features)}f", *features)


def unpack_features(packed: bytes) -> list[float]:
    """The features in their order."""
    return list(struct.unpack(f">{len(packed) // FLOAT_BYTES}f", packed))
