"""Snapshots, their labels, and the order of learning."""

from __future__ import annotations

import random

import pytest
from models.customer import Customer, Risk
from models.learning.crowd import MIN_SCORES, Crowd
from models.learning.features import Past
from models.learning.snapshots import Pack, Pending, is_in_risk_set, known_labels, next_snapshot_day

from models.calendar import Calendar
from models.config import Learning
from models.labels import Question
from models.learning.lessons import Lessons
from models.scoring.snapshots import due_parts, last_complete, pack_features, question_id
from schemas.example import LabelV1, Lesson, LessonError, LessonV1, ProgressV1, SnapshotV1, decode_lesson, encode_lesson
from support.troubled import default_rules

CALENDAR = Calendar()
RULES = default_rules()
WEEKLY = Learning(anchor=0)
FEATURES = ("recency",)


def past(bought: list[int]) -> Past:
    customer = Customer(purchases={day: [1, 100, 1] for day in bought}, totals=[len(bought), 100 * len(bought), 0])
    return Past(customer, RULES.basis)


def told(snapshot: int, bought: list[int], boundaries: range) -> list[tuple[int, int, bool]]:
    """(part, matured, is_true) of one snapshot over its later snapshot days."""
    pending = Pending(snapshot, None, b"")
    return [
        (known.part, known.matured - snapshot, known.is_true)
        for boundary in boundaries
        for known in known_labels(pending, past(bought), boundary, WEEKLY.question, due_parts(WEEKLY))
    ]


def test_nobody_came_back() -> None:
    weeks = range(707, 707 + 77, 7)
    expected = [(1, 15, False), (2, 30, False), (3, 45, False), (4, 60, False), (0, 60, True)]
    assert told(700, [], weeks) == expected


def test_a_purchase_ends_the_bins_and_decides_the_whole_at_its_end() -> None:
    weeks = range(707, 707 + 77, 7)
    assert told(700, [720], weeks) == [(1, 15, False), (2, 30, True), (0, 60, False)]


def test_the_first_day_belongs_to_the_horizon_and_the_day_after_the_last_does_not() -> None:
    weeks = range(707, 707 + 77, 7)
    assert told(700, [700], weeks) == [(1, 15, True), (0, 60, False)]
    assert (0, 60, True) in told(700, [760], weeks)


def test_each_label_is_told_exactly_once_whatever_the_weekday() -> None:
    for shift in range(7):
        learning = Learning(anchor=shift)
        first = next_snapshot_day("c", 699, learning)
        pending = Pending(first, 0.5, b"")
        found = [
            known.part
            for boundary in range(first + 7, first + 77, 7)
            for known in known_labels(pending, past([]), boundary, learning.question, due_parts(learning))
        ]
        assert sorted(found) == [0, 1, 2, 3, 4]


def test_all_that_matured_until_the_complete_day_was_told() -> None:
    for anchor in (None, 3):
        learning = Learning(anchor=anchor)
        for boundary in range(700, 730):
            for number in range(40):
                told_by = {
                    day for day in range(600, boundary + 1) if next_snapshot_day(f"c{number}", day - 1, learning) == day
                }
                assert max(told_by) >= last_complete(boundary, learning)


def test_who_bought_too_long_ago_or_never_is_not_asked_about() -> None:
    assert is_in_risk_set(past([10]), 100, WEEKLY)
    assert not is_in_risk_set(past([9]), 100, WEEKLY)
    assert not is_in_risk_set(past([100]), 100, WEEKLY)
    assert not is_in_risk_set(past([]), 100, WEEKLY)


def test_snapshots_are_kept_bit_by_bit() -> None:
    features = pack_features([0.5, 1e-3])
    pending = [Pending(700, None, features), Pending(707, 0.1234567890123, features)]
    pack = Pack("two", 2)
    assert pack.from_bytes(pack.to_bytes(pending)) == pending
    assert pack.to_bytes([]) == b""
    assert pack.from_bytes(b"") == []


def test_snapshots_taken_for_another_question_are_dropped() -> None:
    pending = [Pending(700, None, pack_features([0.5, 1e-3]))]
    assert Pack("other", 2).from_bytes(Pack("two", 2).to_bytes(pending)) == []


# -- the order of learning


def example(number: int, matured: int, customer: str = "c") -> LessonV1:
    text_of = CALENDAR.text_of
    label = LabelV1(1, text_of(matured), number % 2 == 0)
    snapshot = SnapshotV1(text_of(matured - 15), pack_features([float(number)]), None, (label,))
    return LessonV1(customer, question_id(WEEKLY.question, FEATURES), (snapshot,))


def progress(partition: int, complete: int) -> ProgressV1:
    return ProgressV1(partition, CALENDAR.text_of(complete + 3), CALENDAR.text_of(complete), None)


def learned(lessons: list[Lesson], partitions: int = 2) -> list[tuple[int, list[float]]]:
    held = Lessons(partitions, WEEKLY, CALENDAR, FEATURES)
    found = []
    for offset, lesson in enumerate(lessons):
        held.take(lesson, offset)
        found += [(week.until, [one.features[0] for one in week.examples]) for week in held.weeks()]
    return found


def test_nothing_is_learned_before_every_partition_has_told_everything() -> None:
    lessons: list[Lesson] = [example(1, 703), progress(0, 720)]
    assert learned(lessons) == []
    assert learned([*lessons, progress(1, 706)]) == []
    assert learned([*lessons, progress(1, 707)]) == [(707, [1.0])]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_arrival_leaves_no_trace(seed: int) -> None:
    dice = random.Random(seed)
    numbers = range(200)
    examples: list[Lesson] = [example(n, 700 + n % 50, f"c{n}") for n in numbers]
    end: list[Lesson] = [progress(0, 760), progress(1, 760)]
    truth = learned(examples + end)
    twice = examples + dice.sample(examples, 50)
    dice.shuffle(twice)
    assert learned(twice + end) == truth
    assert sum(len(found) for _, found in truth) == len(numbers)


def test_what_comes_after_its_week_was_learned_is_left_out() -> None:
    held = Lessons(1, WEEKLY, CALENDAR, FEATURES)
    lessons: list[Lesson] = [example(1, 703), progress(0, 707)]
    for offset, lesson in enumerate(lessons):
        held.take(lesson, offset)
    assert [week.until for week in held.weeks()] == [707]
    held.take(example(2, 705, "late"), 2)
    assert held.left_out == 1
    assert held.resume_at(3) == 3


def refusal(snapshot: SnapshotV1, question: str = question_id(WEEKLY.question, FEATURES)) -> str:
    held = Lessons(1, WEEKLY, CALENDAR, FEATURES)
    with pytest.raises(LessonError) as refused:
        held.take(LessonV1("c", question, (snapshot,)), 0)
    assert held.resume_at(1) == 1
    return refused.value.reason


def test_lessons_that_would_teach_something_else_are_refused() -> None:
    at, label = CALENDAR.text_of(700), LabelV1(1, CALENDAR.text_of(715), is_true=True)
    good = SnapshotV1(at, pack_features([1.0]), None, (label,))
    assert refusal(good, question_id(WEEKLY.question, ("tenure",))) == "other_question"
    assert refusal(good, question_id(Question(30, 90), FEATURES)) == "other_question"
    assert refusal(SnapshotV1(at, pack_features([1.0, 2.0]), None, (label,))) == "shape"
    assert refusal(SnapshotV1(at, good.features, None, (LabelV1(5, label.matured_at, is_true=True),))) == "shape"
    assert refusal(SnapshotV1("yesterday", good.features, None, (label,))) == "shape"
    assert refusal(SnapshotV1(at, pack_features([float("nan")]), None, (label,))) == "not_finite"
    assert refusal(SnapshotV1(at, good.features, float("inf"), (label,))) == "not_finite"
    for risk in (-0.01, 1.01):
        assert refusal(SnapshotV1(at, good.features, risk, (label,))) == "shape"


@pytest.mark.parametrize("partition", [-1, 1])
def test_progress_of_a_partition_that_is_not_there_is_refused(partition: int) -> None:
    with pytest.raises(LessonError, match="shape"):
        Lessons(1, WEEKLY, CALENDAR, FEATURES).take(progress(partition, 707), 0)


@pytest.mark.parametrize("value", [b"", b"{", b'{"type":"labels"}', b'{"type":"progress","partition":"x"}', b"\xff"])
def test_a_record_that_is_no_lesson_is_refused(value: bytes) -> None:
    with pytest.raises(LessonError, match="not_a_lesson"):
        decode_lesson(value)


def test_a_learner_resumes_at_the_first_lesson_it_has_not_learned() -> None:
    held = Lessons(1, WEEKLY, CALENDAR, FEATURES)
    lessons: list[Lesson] = [example(1, 703), example(2, 709), progress(0, 707), example(3, 712)]
    for offset, lesson in enumerate(lessons):
        held.take(lesson, offset)
    assert len(list(held.weeks())) == 1
    assert held.resume_at(4) == 1


def test_lessons_come_back_bit_by_bit() -> None:
    for lesson in (example(1, 703), progress(3, 800)):
        assert decode_lesson(encode_lesson(lesson)) == lesson


# -- the crowd


def test_the_rank_is_the_share_of_the_base_with_at_least_this_risk() -> None:
    crowd = Crowd(7)
    for number in range(400):
        crowd.add(Risk(100 + number % 7, number / 400, None))
    assert crowd.rank(107, 0.95) == pytest.approx(0.05)
    assert crowd.rank(107, 0.0) == 1.0


def test_scores_of_the_boundary_itself_and_old_ones_do_not_count() -> None:
    crowd = Crowd(7)
    for number in range(MIN_SCORES):
        crowd.add(Risk(100, number / MIN_SCORES, None))
    assert crowd.rank(100, 0.5) is None
    assert crowd.rank(101, 0.5) == pytest.approx(0.5)
    assert crowd.rank(107, 0.5) == pytest.approx(0.5)
    assert crowd.rank(108, 0.5) is None


def test_who_was_lost_already_is_not_of_the_base() -> None:
    crowd = Crowd(7)
    for number in range(MIN_SCORES):
        crowd.add(Risk(100, 0.2, None))
        crowd.add(Risk(100, 0.9, None, is_of_base=number % 2 == 0))
    assert crowd.rank(101, 0.5) == pytest.approx(1 / 3)
