"""Lessons of made-up customers for a learner, with risks that are right until a day and wrong from then on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import exp
from typing import Final

from models.config import Learning
from models.labels import PARTS, WHOLE, matures_after
from models.learning.learner import Learner
from models.scoring.features import feature_names
from models.scoring.snapshots import pack_features, question_id
from schemas.example import LabelV1, Lesson, LessonV1, ProgressV1, SnapshotV1
from schemas.model_version import ModelVersionV1
from support.troubled import default_rules

RULES: Final = default_rules()
WEEKLY: Final = Learning(anchor=0)
FIRST_WEEK: Final = 2_900
"""Weeks since 1970; a customer has a snapshot in each."""
NAMES: Final = feature_names(RULES.basis.feeds)


def lessons(weeks: int, customers: int = 80, wrong_from: int | None = None) -> Iterator[Lesson]:
    """The labels of so many weekly snapshots, then how far the one partition is.

    From the week `wrong_from` on those leave who were told to stay.
    """
    dice, text_of = random.Random(7), RULES.basis.calendar.text_of
    for week in range(weeks):
        at = 7 * (FIRST_WEEK + week)
        for number in range(customers):
            features = [dice.gauss(0, 1) for _ in NAMES]
            risk = 1 / (1 + exp(-2 * features[0]))
            leaves = dice.random() < (risk if wrong_from is None or week < wrong_from else 1 - risk)
            labels = tuple(
                LabelV1(
                    part, text_of(at + matures_after(WEEKLY.question, part)), leaves if part == WHOLE else not leaves
                )
                for part in PARTS
            )
            snapshot = SnapshotV1(text_of(at), pack_features(features), risk, labels)
            yield LessonV1(f"c{number:04}", question_id(WEEKLY.question, NAMES), (snapshot,))
    end = 7 * (FIRST_WEEK + weeks)
    yield ProgressV1(0, text_of(end), text_of(end), None)


def taught(given: Iterator[Lesson]) -> tuple[Learner, list[ModelVersionV1]]:
    """A learner that has taken these, and its versions."""
    learner = Learner(RULES, WEEKLY, 1)
    for offset, lesson in enumerate(given):
        learner.take(lesson, offset)
    return learner, list(learner.versions())
