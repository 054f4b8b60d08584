"""Labels that became known since the customers' last snapshot day, as the training examples that the learner reads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.config import Learning
from models.customers.arrays import Bools, Ints
from models.customers.columns import NEVER
from models.customers.customers import Customers
from models.labels import WHOLE, Question, matures_after
from models.scoring.snapshots import FLOAT_BYTES, Due, Pending, Taken
from schemas.event import PURCHASE
from schemas.example import LabelV1, LessonV1, SnapshotV1

Labels = tuple[LabelV1, ...]


def matured(customers: Customers, pending: Pending, is_due: Bools, learning: Learning, due: Due) -> list[LessonV1]:
    """What became known of customers whose snapshot day it is (`is_due` by row): one record each, by row."""
    boundary, log = customers.boundary, customers.days.feeds[PURCHASE]
    first_purchase = np.full(customers.size, NEVER, np.int32)
    looked_back = boundary
    found: dict[int, list[SnapshotV1]] = {}
    for day, taken in pending.newest_first():
        for bought in range(looked_back - 1, day - 1, -1):
            first_purchase[log.rows(log.day(bought))] = bought
        looked_back = day
        parts = due.get(boundary - day, ())
        places = np.flatnonzero(is_due[taken.rows]) if parts else np.empty(0, np.intp)
        if len(places):
            until = first_purchase[taken.rows[places]].astype(np.int64) - day
            codes = _codes(learning.question, parts, until)
            labels = _labels(customers, codes, parts, day, learning.question)
            told = codes > 0
            _note(found, customers.basis.calendar.text_of(day), taken, places[told], [labels[c] for c in codes[told]])
    rows = sorted(found)
    return [
        LessonV1(customer_id, pending.question, tuple(reversed(found[row])))
        for row, customer_id in zip(rows, customers.roster.ids_of(rows), strict=True)
    ]


def is_known(question: Question, part: int, until: Ints) -> tuple[Bools, Bools]:
    """Of a part at its end: where there is a label, and what it is; `models.labels.label` for many at once.

    `until`: days from the snapshot to the first purchase so far, more than any horizon when there is none.
    """
    edges = question.edges
    if part == WHOLE:
        return np.ones(len(until), np.bool_), until >= question.horizon_days
    return until >= edges[part - 1], until < edges[part]


def _codes(question: Question, parts: Sequence[int], until: Ints) -> Ints:
    """The labels of each in one number, a digit to the base of three a part: none, false, true; 0 for no label."""
    codes = np.zeros(len(until), np.int64)
    for part in parts:
        known, is_true = is_known(question, part, until)
        codes = codes * 3 + np.where(known, 1 + is_true, 0)
    return codes


def _labels(customers: Customers, codes: Ints, parts: Sequence[int], day: int, question: Question) -> dict[int, Labels]:
    """The labels that each code stands for."""
    text_of = customers.basis.calendar.text_of
    times = {part: text_of(day + matures_after(question, part)) for part in parts}
    found: dict[int, Labels] = {}
    for code in np.flatnonzero(np.bincount(codes)).tolist():
        digits = [code // 3 ** (len(parts) - 1 - place) % 3 for place in range(len(parts))]
        known = [(part, digit) for part, digit in zip(parts, digits, strict=True) if digit]
        found[code] = tuple(LabelV1(part, times[part], digit == 2) for part, digit in known)
    return found


def _note(
    found: dict[int, list[SnapshotV1]], at: str, taken: Taken, places: NDArray[np.intp], labels: Sequence[Labels]
) -> None:
    packed = taken.features[places].astype(">f4").tobytes()
    width = taken.features.shape[1] * FLOAT_BYTES
    risks = [None if risk != risk else risk for risk in taken.risks[places].tolist()]  # noqa: PLR0124 - not a number
    rows = taken.rows[places].tolist()
    for number, (row, risk, known) in enumerate(zip(rows, risks, labels, strict=True)):
        features = packed[number * width : (number + 1) * width]
        found.setdefault(row, []).append(SnapshotV1(at, features, risk, known))
