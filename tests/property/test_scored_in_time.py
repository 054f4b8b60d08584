"""The model over columns in the course of time: late events, who is new, and a partition that was put away."""

from __future__ import annotations

import random

import numpy as np
import pytest

from models.config import Learning
from models.customers.arrays import Rows
from models.labels import Question
from models.scoring.features import features
from models.scoring.scoring import Scoring
from models.scoring.worth import worth_of
from property.test_measures import BASIS, CALENDAR
from schemas.example import LabelV1, decode_lesson, encode_lesson
from support.closing import VERSION, Closing, at_risk, crowded, labels_of
from support.tries import tries
from support.troubled import FIRST_DAY, make_event, rich_history


class Twins:
    """The same events in time and late, side by side, from a day on from which nothing more comes late."""

    def __init__(self, seed: int, settled: int) -> None:
        dice = random.Random(seed)
        events = rich_history(seed, customers=25, days=130)
        late = [event for event in events if CALENDAR.day_of(event.time_ms) < settled - 8 and dice.random() < 0.1]
        ids = {event.id for event in late}
        pairs = [(event, dice.randrange(1, 8)) for event in late]
        self.both = Closing(BASIS, events), Closing(BASIS, [one for one in events if one.id not in ids], pairs)
        self.both[1].first = self.both[0].first

    def rows(self, learning: Learning) -> list[Rows]:
        """Those in the risk set, the same in both, in the order of ids."""
        ids = [one.customers.roster.ids_of(at_risk(one, learning)) for one in self.both]
        assert sorted(ids[0]) == sorted(ids[1])
        return [one.customers.roster.rows_of(sorted(ids[0])) for one in self.both]


@pytest.mark.parametrize("seed", range(tries(8)))
def test_what_comes_late_is_as_if_in_time_from_the_next_boundary_on(seed: int) -> None:
    learning, settled = Learning(Question(28, 60)), FIRST_DAY + 80
    twins = Twins(seed, settled)
    new, same = CALENDAR.text_of(settled), 0
    runs = [one.scored(learning, FIRST_DAY + 140, VERSION) for one in twins.both]
    for (boundary, scoring, lessons), (_, later, lessons_later) in zip(*runs, strict=True):
        if boundary < settled:
            continue
        tables = twins.rows(learning)
        found = [features(one.customers, rows, boundary) for one, rows in zip(twins.both, tables, strict=True)]
        assert np.array_equal(found[0], found[1])
        worths = [worth_of(one.as_of(), rows, None) for one, rows in zip(twins.both, tables, strict=True)]
        assert worths[0] is not None
        assert worths[1] is not None
        assert worths[0][0].tolist() == worths[1][0].tolist()
        known, known_later = labels_of(lessons), labels_of(lessons_later)
        assert {key for key in known if key[1] >= new} == {key for key in known_later if key[1] >= new}
        assert all(known[key] == known_later[key] for key in known.keys() & known_later.keys())
        same += len(known.keys() & known_later.keys())
        if boundary >= settled + 7:
            risks = [one.risk_of(rows) for one, rows in zip((scoring, later), tables, strict=True)]
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


@pytest.mark.parametrize("risk_set_days", [60, 90])
@pytest.mark.parametrize("stop", [FIRST_DAY + 1, FIRST_DAY + 50, FIRST_DAY + 90])
def test_a_partition_that_was_put_away_goes_on_as_if_it_had_not(stop: int, risk_set_days: int) -> None:
    learning, events = Learning(Question(30, risk_set_days)), crowded(4, days=110)
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
            arrays, names = scoring.frozen()(), list(scoring.versions)
            scoring = Scoring(closing.customers, learning)
            scoring.set_arrays(arrays, names)
            assert {n: a.tobytes() for n, a in scoring.frozen()().items()} == {
                n: a.tobytes() for n, a in arrays.items()
            }


def test_answers_to_another_question_are_dropped_and_risks_are_kept() -> None:
    closing = Closing(BASIS, crowded(4, days=60))
    *_, (_, scoring, _) = closing.scored(Learning(), FIRST_DAY + 60, VERSION)
    arrays = scoring.frozen()()
    other = Scoring(closing.customers, Learning(Question(30, 90)))
    other.set_arrays(arrays, list(scoring.versions))
    assert len(scoring.pending) > 100
    assert len(other.pending) == 0
    assert np.array_equal(other.scores().risk, scoring.scores().risk, equal_nan=True)
    slower = Scoring(closing.customers, Learning(step_days=14))
    slower.set_arrays(arrays, list(scoring.versions))
    assert len(slower.pending) == len(scoring.pending)
    assert np.isnan(slower.scores().risk).all()


def test_who_came_since_the_boundary_has_no_score_yet() -> None:
    closing = Closing(BASIS, crowded(2, days=30))
    *_, (_, scoring, _) = closing.scored(Learning(), FIRST_DAY + 30, VERSION)
    known = scoring.scores()
    for number in range(2_000):
        closing.customers.enrol([f"new{number}"])
    rows = np.arange(closing.customers.size, dtype=np.int32)
    assert np.array_equal(scoring.scores().risk, scoring.risk_of(rows), equal_nan=True)
    assert np.array_equal(scoring.risk_of(rows)[: len(known.risk)], known.risk, equal_nan=True)
    assert np.isnan(scoring.risk_of(rows)[len(known.risk) :]).all()
    assert (scoring.scored_by(int(rows[-1])), scoring.explain(int(rows[-1]))) == ("", None)
