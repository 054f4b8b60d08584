"""The model over columns says what it says of packed records, whoever stands beside and whatever comes late."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.activity import fold
from models.config import Basis, Learning
from models.customer import Customer, risks_in_force
from models.customers.arrays import Floats, Rows
from models.customers.columns import STAGE_NAMES
from models.labels import Question
from models.learning.crowd import Crowd
from models.learning.features import Past
from models.learning.foresight import Foresight, Insight
from models.oracle import Oracle
from models.scoring.features import feature_names, features
from models.scoring.scoring import Scoring
from models.scoring.snapshots import is_in_risk_set
from models.scoring.version import Version
from models.scoring.worth import worth_of
from models.worth import worth_of as worth_of_record
from property.test_measures import CALENDAR, pasts, quick
from schemas.event import Event
from schemas.example import LabelV1, LessonV1, decode_lesson, encode_lesson
from support.closing import Closing
from support.examples import taught
from support.histories import Size, history
from support.troubled import FIRST_DAY, default_rules, make_event, rich_history

BASIS = default_rules().basis
VERSION = Version("2026-01-05-00000000", FIRST_DAY, taught(8, 200).scorer())
ROUGH = 1e-3
"""Share of features that may differ in the last of 32 bits: logarithms of numpy are not those of the C library."""


def at_risk(closing: Closing, learning: Learning) -> Rows:
    rows = np.arange(closing.customers.size, dtype=np.int32)
    return rows[is_in_risk_set(closing.customers, rows, learning)]


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_features_of_any_history(events: list[Event], ahead: int) -> None:
    boundary = FIRST_DAY + ahead
    closing = Closing(BASIS, events)
    for _ in closing.until(boundary):
        pass
    past = Past(folded(BASIS, events)["c1"], BASIS)
    rows = at_risk(closing, Learning(Question(60, 365))) if closing.customers.boundary == boundary else np.empty(0, int)
    assert bool(len(rows)) == (past.silent_days(boundary) is not None)
    if len(rows):
        assert_features(features(closing.customers, rows, boundary), np.array([past.vector(boundary)]))


def test_a_row_alone_has_the_same_bits_as_among_all() -> None:
    events = rich_history(5, customers=60, days=120)
    closing = Closing(BASIS, events)
    for boundary in closing.until(FIRST_DAY + 121):
        if boundary % 20:
            continue
        rows = at_risk(closing, Learning())
        together = features(closing.customers, rows, boundary)
        risks = VERSION.risks(together)
        for place in range(len(rows)):
            alone = features(closing.customers, rows[place : place + 1], boundary)
            assert alone.tobytes() == together[place : place + 1].tobytes()
            assert VERSION.risks(alone)[0] == risks[place]


# -- whole runs against the records


def crowded(seed: int, customers: int = 12, days: int = 150) -> list[Event]:
    """Some temperaments, and many who buy now and then: enough to be ranked among."""
    dice = random.Random(seed)
    events = rich_history(seed, customers, days)
    for number in range(10_000, 10_000 + 180 * customers):
        day, choice = FIRST_DAY + dice.randrange(days), dice.randrange(60)
        at_ms = CALENDAR.start_of(day) + dice.randrange(86_400_000)
        events.append(make_event(dice.choice((0, 0, 1, 2, 3)), f"m{number % (60 * customers)}", at_ms, number, choice))
    return events


def by_records(
    basis: Basis, learning: Learning, events: Sequence[Event], closing: Closing, versions: dict[int, Version | None]
) -> Iterator[tuple[int, list[bytes], dict[str, Customer]]]:
    """What the engine over records says at each boundary; stages are put into its records from the columns."""
    foresight, crowd = Foresight(learning, basis), Crowd(learning.step_days)
    records = Records(basis, events)
    for boundary, version in versions.items():
        records.close(boundary - 1)
        foreseen = foresight.foresee(records.customers, boundary, Insight(version, crowd))
        yield boundary, sorted(output.payload for one in foreseen.values() for output in one.lessons), records.customers
        for customer_id, customer in records.customers.items():
            customer.stage = STAGE_NAMES[closing.customers.columns.stage[closing.customers.roster.rows[customer_id]]]


LEARNINGS = {
    "default": Learning(),
    "anchored": Learning(anchor=FIRST_DAY + 20),
    "daily": Learning(Question(4, 30), step_days=1),
    "horizon_no_multiple": Learning(Question(30, 60), step_days=9),
    "four_weeks": Learning(Question(20, 90), step_days=28),
    "rare": Learning(Question(60, 120), step_days=45, anchor=FIRST_DAY + 10),
    "yearly": Learning(Question(14, 90), step_days=365),
}


@pytest.mark.parametrize("name", LEARNINGS)
def test_lessons_scores_ranks_and_worth_are_those_of_the_records(name: str) -> None:
    learning = LEARNINGS[name]
    basis = replace(BASIS, learning=learning)
    days = 60 if name == "daily" else 150
    events = crowded(11, 12, days)
    closing, end = Closing(basis, events), FIRST_DAY + days + 40
    cold = replace(VERSION, name="cold", scorer=replace(VERSION.scorer, is_cold=True))
    other = replace(VERSION, name="other", scorer=taught(9, 150).scorer())
    chosen = [None, cold, VERSION, VERSION, other]
    versions = {b: chosen[min((b - FIRST_DAY) // 15, 4)] for b in range(closing.first + 1, end + 1)}
    told = by_records(basis, learning, events, closing, versions)
    ranked = expected = 0
    scoring = Scoring(closing.customers, learning)
    for boundary in closing.until(end):
        _, lessons, records = next(told)
        found = scoring.review(versions[boundary])
        assert [lesson.customer_id for lesson in found] == sorted(
            (lesson.customer_id for lesson in found), key=closing.customers.roster.rows.__getitem__
        )
        assert sorted(map(encode_lesson, found)) == lessons
        if boundary % 3 == 0:
            known = compare_scores(closing, scoring, records, learning)
            ranked, expected = ranked + known[0], expected + known[1]
    assert expected > 100 or name == "yearly"
    assert ranked > 100 or name in ("yearly", "rare", "daily")


def test_lessons_of_a_replay_are_those_of_the_engine_over_records() -> None:
    events = history(Size(6_000, 400, 120), seed=3)
    oracle = Oracle(default_rules(), 2, 0, lambda _partition, _boundary: VERSION)
    published = [output for event in events for output in oracle.take(event)[1]] + oracle.finish()
    expected = sorted(output.payload for output in published if output.kind == "lesson")
    learning, found = default_rules().basis.learning, []
    assert learning is not None
    for place, partition in enumerate(oracle.partitions):
        own = [event for event in events if oracle.place_of(event.customer_id) == place]
        for _, _, lessons in Closing(BASIS, own).scored(learning, partition.state.boundary, VERSION):
            found += [encode_lesson(lesson) for lesson in lessons]
    assert len(expected) > 1_000
    assert sorted(found) == expected


def compare_scores(
    closing: Closing, scoring: Scoring, records: dict[str, Customer], learning: Learning
) -> tuple[int, int]:
    """Hold every customer's scores and worth against the record; how many were ranked, how many are expected."""
    scores, boundary, basis = scoring.scores(), closing.customers.boundary, closing.customers.basis
    rows = np.array([closing.customers.roster.rows[customer_id] for customer_id in records], np.int32)
    worth = worth_of(closing.as_of(scoring), rows, scoring)
    assert worth is not None
    for place, (row, customer) in enumerate(zip(rows.tolist(), records.values(), strict=True)):
        risks = risks_in_force(customer, boundary, learning)
        before = [risk.value for risk in risks[:-1]]
        usual = sum(before) / len(before) if before else None
        expected = (risks[-1].value, usual, risks[-1].rank) if risks else (None, None, None)
        assert tuple(None if isnan(value) else value for value in (array[row] for array in scores)) == expected
        if risks:
            assert scoring.scored_by(row) == customer.scored_by
        if max(customer.first) >= 0:
            of_record = worth_of_record(customer, boundary, basis)
            assert of_record is not None
            assert (worth[0][place], worth[1][place]) == (of_record.minor, of_record.basis == "expected")
    return int((~np.isnan(scores.rank)).sum()), int(worth[1].sum())


def test_drivers_are_those_of_who_was_scored_at_this_boundary() -> None:
    closing = Closing(BASIS, crowded(2))
    explained = 0
    for boundary, scoring, _ in closing.scored(Learning(), FIRST_DAY + 60, VERSION):
        rows = at_risk(closing, Learning())
        for row in range(closing.customers.size):
            drivers = scoring.explain(row)
            is_due = np.isin(row, rows) and scoring._weekdays[row] == boundary % 7
            assert (drivers is not None) == is_due
            if drivers is not None:
                alone = features(closing.customers, np.array([row], np.int32), boundary)[0].tolist()
                assert drivers == VERSION.drivers(alone)
                explained += 1
    assert explained > 100


# -- late events


Known = dict[tuple[str, str, int], bool]


def labels_of(lessons: Sequence[LessonV1]) -> Known:
    """Labels by customer, snapshot and part."""
    return {
        (lesson.customer_id, snapshot.at, label.part): label.is_true
        for lesson in lessons
        for snapshot in lesson.snapshots
        for label in snapshot.labels
    }


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_late_is_as_if_in_time_from_the_next_boundary_on(seed: int) -> None:
    dice, learning, settled = random.Random(seed), Learning(Question(28, 60)), FIRST_DAY + 80
    events = rich_history(seed, customers=25, days=130)
    late = [event for event in events if CALENDAR.day_of(event.time_ms) < settled - 8 and dice.random() < 0.1]
    ids = {event.id for event in late}
    punctual = [event for event in events if event.id not in ids]
    pairs = [(event, dice.randrange(1, 8)) for event in late]
    truth, found = Closing(BASIS, events), Closing(BASIS, punctual, pairs)
    first = min(truth.first, found.first)
    truth.first = found.first = first
    runs = zip(
        truth.scored(learning, FIRST_DAY + 140, VERSION), found.scored(learning, FIRST_DAY + 140, VERSION), strict=True
    )
    same = 0
    for (boundary, scoring, expected), (_, later, lessons) in runs:
        if boundary < settled:
            continue
        ours, theirs = (
            [closing.customers.roster.ids[row] for row in at_risk(closing, learning)] for closing in (truth, found)
        )
        assert sorted(ours) == sorted(theirs)
        table = [
            np.array([closing.customers.roster.rows[customer] for customer in sorted(ours)], np.int32)
            for closing in (truth, found)
        ]
        assert np.array_equal(
            features(truth.customers, table[0], boundary), features(found.customers, table[1], boundary)
        )
        worths = [worth_of(closing.as_of(), rows, None) for closing, rows in zip((truth, found), table, strict=True)]
        assert worths[0] is not None
        assert worths[1] is not None
        assert worths[0][0].tolist() == worths[1][0].tolist()
        known, known_later = labels_of(expected), labels_of(lessons)
        both = {key: value for key, value in known.items() if key in known_later}
        assert both == {key: value for key, value in known_later.items() if key in known}
        same += len(both)
        new = CALENDAR.text_of(settled)
        assert {key for key in known if key[1] >= new} == {key for key in known_later if key[1] >= new}
        if boundary >= settled + 7:
            risks = [one.scores().risk[rows] for one, rows in zip((scoring, later), table, strict=True)]
            assert np.array_equal(risks[0], risks[1], equal_nan=True)
    assert same > 100


def test_late_purchases_decide_labels_that_are_still_to_come() -> None:
    learning = Learning(Question(28, 60), anchor=FIRST_DAY + 1)
    bought = make_event(0, "c1", CALENDAR.start_of(FIRST_DAY), 1, 1)
    again = make_event(0, "c1", CALENDAR.start_of(FIRST_DAY + 9), 2, 1)
    found: list[LabelV1] = []
    for _, _, lessons in Closing(BASIS, [bought], [(again, 5)]).scored(learning, FIRST_DAY + 40, None):
        for lesson in lessons:
            assert decode_lesson(encode_lesson(lesson)) == lesson
            first = [one for one in lesson.snapshots if one.at == CALENDAR.text_of(FIRST_DAY + 1)]
            found += [label for one in first for label in one.labels]
    assert [(label.part, label.is_true) for label in found] == [(1, False), (2, True), (0, False)]


# -- snapshots of the partition


@pytest.mark.parametrize("stop", [FIRST_DAY + 1, FIRST_DAY + 50, FIRST_DAY + 90])
def test_a_partition_that_was_put_away_goes_on_as_if_it_had_not(stop: int) -> None:
    learning, events = Learning(Question(30, 60)), crowded(4, days=110)
    whole = {
        b: (lessons, scoring.scores())
        for b, scoring, lessons in Closing(BASIS, events).scored(learning, FIRST_DAY + 120, VERSION)
    }
    closing = Closing(BASIS, events)
    scoring = Scoring(closing.customers, learning)
    for boundary in closing.until(FIRST_DAY + 120):
        lessons = scoring.review(VERSION)
        assert lessons == whole[boundary][0]
        for ours, theirs in zip(scoring.scores(), whole[boundary][1], strict=True):
            assert np.array_equal(ours, theirs, equal_nan=True)
        if boundary == stop:
            arrays, names = scoring.to_arrays(), list(scoring.versions)
            scoring = Scoring(closing.customers, learning)
            scoring.set_arrays(arrays, names)
            assert {n: a.tobytes() for n, a in scoring.to_arrays().items()} == {
                n: a.tobytes() for n, a in arrays.items()
            }


def test_answers_to_another_question_are_dropped_and_risks_are_kept() -> None:
    closing = Closing(BASIS, crowded(4, days=60))
    *_, (_, scoring, _) = closing.scored(Learning(), FIRST_DAY + 60, VERSION)
    arrays = scoring.to_arrays()
    other = Scoring(closing.customers, Learning(Question(30, 90)))
    other.set_arrays(arrays, list(scoring.versions))
    assert len(scoring.pending) > 100
    assert len(other.pending) == 0
    assert np.array_equal(other.scores().risk, scoring.scores().risk, equal_nan=True)
    slower = Scoring(closing.customers, Learning(step_days=14))
    slower.set_arrays(arrays, list(scoring.versions))
    assert len(slower.pending) == len(scoring.pending)
    assert np.isnan(slower.scores().risk).all()
