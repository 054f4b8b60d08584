"""Parts of the model over columns: weekdays, labels of many at once, ranks, how much is kept."""

from __future__ import annotations

import random
from zlib import crc32

import numpy as np
import pytest

from models.config import Learning
from models.labels import PARTS, Question, label
from models.learning.risk_counts import RiskCounts
from models.scoring.matured import is_known
from models.scoring.ranks import MIN_SCORES, counted, shares
from models.scoring.risks import OWN_DAYS, Risks
from models.scoring.snapshots import Pending, rows_of_day, weekday_of

NO_PURCHASE = 1 << 29


@pytest.mark.parametrize("anchor", [None, 0, 705, 712])
@pytest.mark.parametrize("step", [1, 2, 7, 30, 365])
def test_a_snapshot_day_is_every_step_on_the_own_weekday(step: int, anchor: int | None) -> None:
    learning = Learning(step_days=step, anchor=anchor)
    ids = [f"c{number}" for number in range(50)]
    weekdays = np.array([weekday_of(customer, learning) for customer in ids])
    for boundary in range(690, 1100):
        own = [anchor if anchor is not None else crc32(one.encode()) for one in ids]
        begun = anchor is None or boundary >= anchor
        expected = [row for row, day in enumerate(own) if begun and (boundary - day) % step == 0]
        assert rows_of_day(weekdays, boundary, learning).tolist() == expected


@pytest.mark.parametrize("question", [Question(60, 90), Question(4, 1), Question(7, 30), Question(365, 365)])
def test_labels_of_many_are_those_of_each(question: Question) -> None:
    untils = [*range(400), None]
    days = np.array([NO_PURCHASE if until is None else until for until in untils])
    for part in PARTS:
        known, is_true = is_known(question, part, days)
        found = [bool(true) if there else None for there, true in zip(known, is_true, strict=True)]
        assert found == [label(question, part, until) for until in untils]


@pytest.mark.parametrize("size", [0, 10, MIN_SCORES - 1, MIN_SCORES, 3_000])
def test_shares_are_a_recount_of_the_risks_given_in_every_partition(size: int) -> None:
    dice, base = random.Random(size), RiskCounts(3, 7)
    given = [dice.choice((dice.random(), 0.0, 1.0, 0.005, 0.995)) for _ in range(size)]
    for partition in range(3):
        for boundary in range(7):
            risks = given[partition * 7 + boundary :: 21]
            base.take(boundary, partition, counted(np.array(risks)), offset=partition)
            base.take(boundary, partition, counted(np.array(risks)), offset=partition)  # told again
    base.take(7, 0, counted(np.array([0.5])), offset=9)
    counts, steps = base.as_of(6), [step_of(risk) for risk in given]
    asked = [0.0, 0.004, 0.5, 0.996, 1.0, *given[:50]]
    expected = [sum(one >= step_of(risk) for one in steps) / size if size >= MIN_SCORES else None for risk in asked]
    found = shares(counts, np.array(asked)).tolist()
    assert [None if rank != rank else rank for rank in found] == expected  # noqa: PLR0124 - not a number
    assert base.reviewed == 6
    assert MIN_SCORES == 200


def step_of(risk: float) -> int:
    """Risks are compared in steps of half a per cent."""
    return min(199, int(risk * 200))


@pytest.mark.parametrize(("step", "kept"), [(1, 29), (7, 5), (28, 2), (29, 1), (365, 1)])
def test_risks_are_kept_for_four_weeks_and_no_more(step: int, kept: int) -> None:
    risks, rows = Risks(step), np.array([1], np.int32)
    risks.grow(3)
    given: list[tuple[int, float]] = []
    for number in range(80):
        risks.begin(rows)
        if number % 5 != 3:
            risks.give(rows, np.array([number / 80]), np.array([0.5]), 0)
            given.append((number * step, number / 80))
        scores = risks.scores(3)
        lately = [risk for day, risk in given if number * step - day <= OWN_DAYS]
        in_force = number % 5 != 3
        assert scores.risk[1] == lately[-1] if in_force else np.isnan(scores.risk[1])
        if in_force and len(lately) > 1:
            assert scores.usual[1] == sum(lately[:-1]) / (len(lately) - 1)
        else:
            assert np.isnan(scores.usual[1])
        assert np.isnan(scores.risk[[0, 2]]).all()
    assert risks.values.shape == (kept, 3)


def test_snapshots_leave_when_their_horizon_has_passed_and_their_customers_were_looked_at() -> None:
    pending = Pending("1-0", 1)
    for day in (700, 707):
        pending.add(day, np.array([0, 2], np.int32), np.array([0.5, np.nan]), np.array([[1.0], [2.0]]))
    pending.drop(np.array([True, False, False]), 700)
    assert [(day, taken.rows.tolist()) for day, taken in pending.newest_first()] == [(707, [0, 2]), (700, [2])]
    pending.drop(np.array([True, False, True]), 707)
    assert len(pending) == 0
    assert pending.to_arrays()["features"].shape == (0, 1)
