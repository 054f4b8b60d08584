"""The model over columns says what a recount of the events says, whoever stands beside and whatever comes late."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from math import isnan

import numpy as np
import pytest

from models.config import Learning
from models.customers.arrays import Rows
from models.customers.stages import LOST
from models.engine.replay import Replay
from models.labels import PARTS, Question, label, matures_after
from models.scoring.features import features
from models.scoring.ranks import MIN_SCORES
from models.scoring.scoring import Scoring
from models.scoring.snapshots import is_in_risk_set, weekday_of
from models.scoring.version import Version
from models.scoring.worth import worth_of
from property.test_measures import CALENDAR
from schemas.event import PURCHASE, Event
from schemas.example import LabelV1, LessonV1, decode_lesson, encode_lesson
from support.closing import Closing
from support.examples import taught
from support.histories import Size, history
from support.troubled import FIRST_DAY, default_rules, make_event, rich_history

BASIS = default_rules().basis
VERSION = Version("2026-01-05-00000000", FIRST_DAY, taught(8, 200).scorer())


def at_risk(closing: Closing, learning: Learning) -> Rows:
    rows = np.arange(closing.customers.size, dtype=np.int32)
    return rows[is_in_risk_set(closing.customers, rows, learning.question)]


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


# -- whole runs against a recount


def crowded(seed: int, customers: int = 12, days: int = 150) -> list[Event]:
    """Some temperaments, and many who buy now and then: enough to be ranked among."""
    dice = random.Random(seed)
    events = rich_history(seed, customers, days)
    for number in range(10_000, 10_000 + 180 * customers):
        day, choice = FIRST_DAY + dice.randrange(days), dice.randrange(60)
        at_ms = CALENDAR.start_of(day) + dice.randrange(86_400_000)
        events.append(make_event(dice.choice((0, 0, 1, 2, 3)), f"m{number % (60 * customers)}", at_ms, number, choice))
    return events


Known = dict[tuple[str, str, int], bool]
"""Labels by customer, snapshot and part."""
LEARNINGS = {
    "default": Learning(),
    "anchored": Learning(anchor=FIRST_DAY + 20),
    "daily": Learning(Question(4, 30), step_days=1),
    "horizon_no_multiple": Learning(Question(30, 60), step_days=9),
    "four_weeks": Learning(Question(20, 90), step_days=28),
    "rare": Learning(Question(60, 120), step_days=45, anchor=FIRST_DAY + 10),
    "yearly": Learning(Question(14, 90), step_days=365),
}


def expected_labels(events: Sequence[Event], learning: Learning, end: int) -> Known:
    """What is known by a boundary, from the list of events: labels of every snapshot of everybody at risk."""
    found: Known = {}
    question, longest = learning.question, min(learning.question.risk_set_days, BASIS.keep_days)
    first = min(CALENDAR.day_of(event.time_ms) for event in events)
    bought: dict[str, list[int]] = {}
    for event in events:
        if event.feed == PURCHASE:
            bought.setdefault(event.customer_id, []).append(CALENDAR.day_of(event.time_ms))
    for customer, days in bought.items():
        own = weekday_of(customer, learning)
        dates = [d for d in range(max(first + 1, learning.anchor or 0), end + 1) if d % learning.step_days == own]
        for snapshot in dates:
            before = [day for day in days if day < snapshot]
            if not before or snapshot - max(before) > longest:
                continue
            for part in PARTS:
                matured = snapshot + matures_after(question, part)
                told_on = next((day for day in dates if day >= matured), None)
                if told_on is None:
                    continue
                until = min((day - snapshot for day in days if snapshot <= day < told_on), default=None)
                said = label(question, part, until)
                if said is not None:
                    found[customer, CALENDAR.text_of(snapshot), part] = said
    return found


@pytest.mark.parametrize("name", LEARNINGS)
def test_lessons_scores_and_ranks_are_those_of_a_recount(name: str) -> None:
    learning = LEARNINGS[name]
    basis = replace(BASIS, learning=learning)
    days = 60 if name == "daily" else 110
    events = crowded(11, 12, days)
    closing, end = Closing(basis, events), FIRST_DAY + days + 40
    cold = replace(VERSION, name="cold", scorer=replace(VERSION.scorer, is_cold=True))
    versions = [None, cold, VERSION, VERSION, replace(VERSION, name="other", scorer=taught(9, 200).scorer())]
    known: Known = {}
    base: dict[int, list[int]] = {}
    scoring = Scoring(closing.customers, learning)
    scored = ranked = lost = 0
    for boundary in closing.until(end):
        version = versions[min((boundary - FIRST_DAY) // 15, 4)]
        columns, size = closing.customers.columns, closing.customers.size
        told = labels_of(scoring.review(version))
        assert not known.keys() & told.keys(), "a label is told once"
        known |= told
        due: Rows = np.flatnonzero(scoring._weekdays[:size] == boundary % learning.step_days).astype(np.int32)
        rows = due[is_in_risk_set(closing.customers, due, learning.question)]
        if version is None or version.scorer.is_cold or not len(rows) or boundary < (learning.anchor or 0):
            continue
        scores, risks = scoring.scores(), version.risks(features(closing.customers, rows, boundary))
        assert scores.risk[rows].tolist() == risks.tolist()
        steps = np.minimum(199, (risks * 200).astype(int))
        lately = [one for day in range(boundary - learning.step_days, boundary) for one in base.get(day, [])]
        shares = [
            sum(one >= step for one in lately) / len(lately) if len(lately) >= MIN_SCORES else None for step in steps
        ]
        assert [None if isnan(rank) else rank for rank in scores.rank[rows].tolist()] == shares
        scored, ranked = scored + len(rows), ranked + sum(share is not None for share in shares)
        assert {scoring.scored_by(int(row)) for row in rows} == {version.name}
        base[boundary] = steps[~np.isin(columns.stage[rows], LOST)].tolist()
        lost += len(rows) - len(base[boundary])
    assert known == expected_labels(events, learning, end)
    assert scored > 100 or name == "yearly"
    assert lost > 0 or learning.question.risk_set_days <= 60 or name in ("yearly", "rare")
    assert ranked > 100 or name in ("yearly", "rare", "daily", "four_weeks")


def test_lessons_of_a_replay_are_those_of_its_days() -> None:
    events = history(Size(4_000, 300, 120), seed=3)
    replay = Replay(default_rules(), 2)
    for partition in replay.partitions:
        partition.versions = lambda _boundary: VERSION
    for event in events:
        replay.take(event)
    expected = sorted(encode_lesson(one) for one in replay.drain() if isinstance(one, LessonV1))
    learning, found = default_rules().basis.learning, []
    assert learning is not None
    for partition in replay.partitions:
        own = [event for event in events if event.customer_id in partition.customers.roster.rows]
        for _, _, lessons in Closing(BASIS, own).scored(learning, partition.boundary, VERSION):
            found += [encode_lesson(lesson) for lesson in lessons]
    assert len(expected) > 500
    assert sorted(found) == expected


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
