"""E-mails of a day that is not closed yet. Most were merely sent: they are counted, and no more is kept of them."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from models.customers.arrays import Rows
from models.customers.buckets import EMAIL_ACTIONS, NO_TIME, REFUSALS, STRONG_ACTIONS, Bucket, Note
from models.customers.cells import DayOf
from schemas.event import Email

_BITS: Final = 64
_BYTES: Final = _BITS // 8 * len(EMAIL_ACTIONS)
_MASK: Final = (1 << _BITS) - 1
_ONE: Final = {name: 1 << _BITS * place for place, name in enumerate(EMAIL_ACTIONS)}
_IS_STRONG: Final = frozenset(STRONG_ACTIONS)


def is_by_machine(data: Email) -> bool:
    """Whether a mail proxy opened an e-mail: nothing is kept of that."""
    return data.action == "opened" and data.machine_open


class OpenEmails:
    """By row: the counts of all actions in one number, 64 bits each; the first activity; buckets of notes."""

    __slots__ = ("_counts", "_first_ms", "refused")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._first_ms: dict[int, int] = {}
        self.refused: dict[int, Bucket] = {}
        """The notes of who refused an e-mail; the counts are not in there."""

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, row: int, data: Email, time_ms: int, event_id: str) -> bool:
        """Count an e-mail's event; True when it is a refusal. What a machine opened is not counted."""
        action = data.action
        if is_by_machine(data):
            return False
        self._counts[row] = self._counts.get(row, 0) + _ONE[action]
        if action not in _IS_STRONG:
            return False
        self._first_ms[row] = min(self._first_ms.get(row, NO_TIME), time_ms)
        if action not in REFUSALS:
            return False
        bucket = self.refused.get(row)
        if bucket is None:
            bucket = self.refused[row] = Bucket(0)
        bucket.add_notes((Note(time_ms, event_id, action, "", ""),))
        return True

    def bucket_of(self, row: int) -> Bucket | None:
        """Everything of one customer, None when nothing was counted."""
        counts = self._counts.get(row)
        if counts is None:
            return None
        bucket = Bucket(0)
        bucket.counts = [counts >> _BITS * place & _MASK for place in range(len(EMAIL_ACTIONS))]
        bucket.first_ms = self._first_ms.get(row, NO_TIME)
        if row in self.refused:
            bucket.notes = self.refused[row].notes.copy()
        return bucket

    def merge(self, row: int, bucket: Bucket) -> None:
        """Add what `bucket_of` gave of a customer."""
        more = sum(count << _BITS * place for place, count in enumerate(bucket.counts))
        self._counts[row] = self._counts.get(row, 0) + more
        if bucket.is_activity:
            self._first_ms[row] = min(self._first_ms.get(row, NO_TIME), bucket.first_ms)
        if bucket.notes:
            self.refused.setdefault(row, Bucket(0)).add_notes(bucket.notes)

    def buckets(self) -> dict[int, Bucket]:
        """Everything of everybody."""
        return {row: bucket for row in self._counts if (bucket := self.bucket_of(row)) is not None}

    def set_buckets(self, buckets: Mapping[int, Bucket]) -> None:
        """Take over what `buckets` gave."""
        for row, bucket in buckets.items():
            self.merge(row, bucket)

    def drop(self, rows: Rows) -> None:
        """Forget what came of some customers."""
        for row in rows.tolist():
            self._counts.pop(row, None)
            self._first_ms.pop(row, None)
            self.refused.pop(row, None)

    def close(self) -> DayOf:
        """The day's cells."""
        rows = np.fromiter(self._counts, np.int32, len(self._counts))
        order = rows.argsort()
        packed = b"".join([counts.to_bytes(_BYTES, "little") for counts in self._counts.values()])
        table = np.frombuffer(packed, "<i8").reshape(-1, len(EMAIL_ACTIONS))[order]
        first_ms = np.full(len(rows), NO_TIME, np.int64)
        active = np.fromiter(self._first_ms, np.int32, len(self._first_ms))
        first_ms[rows[order].searchsorted(active)] = np.fromiter(self._first_ms.values(), np.int64, len(active))
        return DayOf(rows[order], dict(zip(EMAIL_ACTIONS, table.T, strict=True)), first_ms)
