"""Snapshots, their labels, and the order of learning."""

from __future__ import annotations

import random

import numpy as np
import pytest
from msgspec.structs import replace

from models.calendar import Calendar
from models.config import Learning
from models.labels import Question
from models.learning.lessons import Lessons
from models.scoring.features import feature_names
from models.scoring.ranks import MIN_SCORES
from models.scoring.snapshots import (
    Pending,
    is_in_risk_set,
    last_complete,
    pack_features,
    question_id,
    rows_of_day,
    weekday_of,
)
from models.scoring.version import Version
from schemas.erasure import DEFAULT_SALT, ErasureV1, erased_name
from schemas.example import LabelV1, Lesson, LessonError, LessonV1, ProgressV1, SnapshotV1, decode_lesson, encode_lesson
from support.builders import DAY_MS, login, purchase
from support.closing import Closing
from support.examples import scorer_of
from support.standing import Standing
from support.troubled import FIRST_DAY, default_rules

CALENDAR = Calendar()
RULES = default_rules()
WEEKLY = Learning(anchor=0)
FEATURES = ("recency",)


def told(
    snapshot: int, bought: list[int], learning: Learning = WEEKLY, customer: str = "c", until: int = 80
) -> list[tuple[int, int, bool]]:
    """(part, matured, is_true) of one snapshot over its later snapshot days, as they are published.

    The customer buys once before the snapshot, so that it is taken, and on the days that are given.
    """
    events = [purchase(customer, day * DAY_MS, order_id=f"{day}") for day in (snapshot - 1, *bought)]
    found = []
    for boundary, _, lessons in Closing(RULES.basis, events).scored(learning, snapshot + until, None):
        for lesson in lessons:
            assert lesson.question == question_id(learning.question, feature_names(RULES.basis.feeds))
            for taken in lesson.snapshots:
                if taken.at == CALENDAR.text_of(snapshot):
                    found += [(label, boundary) for label in taken.labels]
    matured = [(label, CALENDAR.day_of_text(label.matured_at), boundary) for label, boundary in found]
    assert all(day <= boundary < day + learning.step_days for _, day, boundary in matured)
    return [(label.part, day - snapshot, label.is_true) for label, day, _ in matured]


def test_nobody_came_back() -> None:
    expected = [(1, 15, False), (2, 30, False), (3, 45, False), (4, 60, False), (0, 60, True)]
    assert told(700, []) == expected


def test_a_purchase_ends_the_bins_and_decides_the_whole_at_its_end() -> None:
    assert told(700, [720]) == [(1, 15, False), (2, 30, True), (0, 60, False)]


def test_the_first_day_belongs_to_the_horizon_and_the_day_after_the_last_does_not() -> None:
    assert told(700, [700]) == [(1, 15, True), (0, 60, False)]
    assert (0, 60, True) in told(700, [760])


def test_each_label_is_told_exactly_once_whatever_the_weekday() -> None:
    for shift in range(7):
        learning = Learning(anchor=700 + shift)
        assert sorted(part for part, _, _ in told(700 + shift, [], learning)) == [0, 1, 2, 3, 4]


def test_all_that_matured_until_the_complete_day_was_told() -> None:
    for anchor in (None, 3):
        learning = Learning(anchor=anchor)
        weekdays = np.array([weekday_of(f"c{number}", learning) for number in range(40)])
        for boundary in range(700, 730):
            last = np.array([max(day for day in range(boundary - 6, boundary + 1) if row in rows_of_day(
                weekdays, day, learning)) for row in range(40)])  # fmt: skip
            assert (last >= last_complete(boundary, learning)).all()


def test_who_bought_too_long_ago_or_never_is_not_asked_about() -> None:
    def is_asked(boundary: int, *bought: int) -> bool:
        events = [purchase("c", day * DAY_MS, order_id=f"{day}") for day in bought]
        customers = Standing(RULES.basis, [*events, login("c", 0)], boundary, customer="c").closing.customers
        return bool(is_in_risk_set(customers, np.array([0], np.int32), WEEKLY.question)[0])

    assert is_asked(100, 10)
    assert not is_asked(100, 9)
    assert not is_asked(100, 100)
    assert not is_asked(100)


def test_snapshots_are_kept_bit_by_bit() -> None:
    features = np.array([[0.5, 1e-3]])
    pending = Pending("two", 2)
    pending.add(700, np.array([0], np.int32), np.array([np.nan]), features)
    pending.add(707, np.array([0], np.int32), np.array([0.1234567890123]), features)
    again = Pending("two", 2)
    again.set_arrays(pending.to_arrays())
    assert repr(list(again.newest_first())) == repr(list(pending.newest_first()))
    assert len(again) == 2
    again.set_arrays(Pending("two", 2).to_arrays())
    assert len(again) == 0


def test_snapshots_taken_for_another_question_are_dropped() -> None:
    pending = Pending("two", 2)
    pending.add(700, np.array([0], np.int32), np.array([np.nan]), np.array([[0.5, 1e-3]]))
    other = Pending("other", 2)
    other.set_arrays(pending.to_arrays())
    assert len(other) == 0


# -- the order of learning


def example(number: int, matured: int, customer: str = "c") -> LessonV1:
    text_of = CALENDAR.text_of
    label = LabelV1(1, text_of(matured), number % 2 == 0)
    snapshot = SnapshotV1(text_of(matured - 15), pack_features([float(number)]), None, (label,))
    return LessonV1(customer, question_id(WEEKLY.question, FEATURES), (snapshot,))


def progress(partition: int, complete: int) -> ProgressV1:
    return ProgressV1(partition, CALENDAR.text_of(complete + 3), CALENDAR.text_of(complete), None)


def learned(lessons: list[Lesson], partitions: int = 2) -> list[tuple[int, list[float]]]:
    held = Lessons(partitions, WEEKLY, FEATURES)
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


def test_what_waits_of_who_is_erased_is_not_learned() -> None:
    lessons: list[Lesson] = [example(1, 703, "c1"), example(2, 703, "c2"), example(3, 710, "c1")]
    news = ErasureV1(erased_name(DEFAULT_SALT, "c1"), CALENDAR.text_of(704), "")
    assert learned([*lessons, news, progress(0, 720), progress(1, 720)]) == [(707, [2.0])]
    held = Lessons(1, WEEKLY, FEATURES)
    for offset, lesson in enumerate([lessons[0], news]):
        held.take(lesson, offset)
    assert list(held.weeks()) == []
    assert held.resume_at(2) == 2, "nothing that waits is to be read again"


def test_what_comes_after_its_week_was_learned_is_left_out() -> None:
    held = Lessons(1, WEEKLY, FEATURES)
    lessons: list[Lesson] = [example(1, 703), progress(0, 707)]
    for offset, lesson in enumerate(lessons):
        held.take(lesson, offset)
    assert [week.until for week in held.weeks()] == [707]
    held.take(example(2, 705, "late"), 2)
    assert held.left_out == 1
    assert held.resume_at(3) == 3


def refusal(snapshot: SnapshotV1, question: str = question_id(WEEKLY.question, FEATURES)) -> str:
    held = Lessons(1, WEEKLY, FEATURES)
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
        Lessons(1, WEEKLY, FEATURES).take(progress(partition, 707), 0)


@pytest.mark.parametrize("value", [b"", b"{", b'{"type":"labels"}', b'{"type":"progress","partition":"x"}', b"\xff"])
def test_a_record_that_is_no_lesson_is_refused(value: bytes) -> None:
    with pytest.raises(LessonError, match="not_a_lesson"):
        decode_lesson(value)


def test_a_learner_resumes_at_the_first_lesson_it_has_not_learned() -> None:
    held = Lessons(1, WEEKLY, FEATURES)
    lessons: list[Lesson] = [example(1, 703), example(2, 709), progress(0, 707), example(3, 712)]
    for offset, lesson in enumerate(lessons):
        held.take(lesson, offset)
    assert len(list(held.weeks())) == 1
    assert held.resume_at(4) == 1


def test_lessons_come_back_bit_by_bit() -> None:
    for lesson in (example(1, 703), progress(3, 800)):
        assert decode_lesson(encode_lesson(lesson)) == lesson


# -- the risks of the base


def marker(partition: int, boundary: int, risks: tuple[tuple[int, int], ...]) -> ProgressV1:
    return replace(progress(partition, boundary), risks=risks)


def test_the_risks_of_a_week_are_those_of_all_partitions_and_read_again_after_a_restart() -> None:
    held = Lessons(2, WEEKLY, FEATURES)
    held.take(marker(0, 707, ((3, 5),)), 10)  # of the boundary 710
    assert held.risks.reviewed == -1
    held.take(marker(1, 708, ((3, 1), (199, 2))), 11)
    held.take(marker(1, 716, ((0, 9),)), 12)
    assert (held.risks.reviewed, held.resume_at(20)) == (710, 10)
    counts = held.risks.as_of(716)
    assert (counts[3], counts[199], sum(counts)) == (6, 2, 8)
    assert sum(held.risks.as_of(717)) == 3
    held.risks.forget(717)
    assert held.resume_at(20) == 11
    assert held.risks.as_of(709) == []


@pytest.mark.parametrize("risks", [((200, 1),), ((-1, 1),), ((0, 0),), ((0, -5),), ((0, 1 << 60),)])
def test_counts_of_risks_that_are_none_are_refused(risks: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(LessonError, match="counts of risks"):
        Lessons(1, WEEKLY, FEATURES).take(marker(0, 707, risks), 1)


def test_who_was_lost_already_is_not_of_the_base() -> None:
    """Of half as many again who are dormant the scores are given and not counted."""
    basis, boundary = RULES.basis, FIRST_DAY + 100
    days = {"base": boundary - 20, "lost": boundary - 80}
    events = [
        purchase(f"{name}{number}", day * DAY_MS, order_id="o")
        for name, day in days.items()
        for number in range(MIN_SCORES)
    ]
    version = Version("v", FIRST_DAY, scorer_of(8, 200))
    learning = Learning(anchor=boundary)
    *_, (_, scoring, _) = Closing(basis, events).scored(learning, boundary, version)
    assert scoring.scores().risk.shape == (2 * MIN_SCORES,)
    assert not np.isnan(scoring.scores().risk).any()
    assert sum(count for _, count in scoring.given) == MIN_SCORES


@pytest.mark.parametrize("boundary", ["9999-12-31T00:00:00Z", "2101-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_day_on_which_no_boundary_lies_is_refused(boundary: str) -> None:
    with pytest.raises(LessonError) as caught:
        Lessons(1, WEEKLY, FEATURES).take(ProgressV1(0, boundary, boundary, None), 0)
    assert caught.value.reason == "shape"
