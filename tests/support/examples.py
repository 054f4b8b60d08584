"""Made-up training examples, and committees that learned some."""

from __future__ import annotations

import random
from functools import cache
from math import exp

from models.labels import PARTS, Example, Question, matures_after
from models.learning.churn import Committee, new_committee
from models.scoring.features import feature_names
from models.scoring.scorer import Scorer

QUESTION = Question(60, 90)
FEATURES = feature_names((0, 1, 2, 3))


def examples(boundary: int, number: int = 60, seed: int = 1) -> list[Example]:
    """Labels that mature at a boundary, in their order; the first feature says most of what happens."""
    dice = random.Random(f"{seed}/{boundary}")
    found = []
    for part in PARTS:
        snapshot = boundary - matures_after(QUESTION, part)
        for place in range(number):
            features = tuple(dice.gauss(place % 3, 1 + column / 9) for column in range(len(FEATURES)))
            chance = 1 / (1 + exp(-features[0]))
            is_true = dice.random() < (chance if part == 0 else 0.6 * (1 - chance))
            found.append(Example(boundary, snapshot, f"c{place:05}", part, is_true, features))
    return sorted(found, key=lambda example: (example.snapshot, example.customer_id))


def taught(boundaries: int = 5, number: int = 60) -> Committee:
    """A committee that learned this many boundaries, a week apart."""
    committee = new_committee(QUESTION, FEATURES)
    for step in range(boundaries):
        committee.learn(20_000 + 7 * step, examples(20_000 + 7 * step, number))
    return committee


@cache
def scorer_of(boundaries: int, number: int = 60) -> Scorer:
    """What a committee that learned so much scores with; made once, as it is never changed."""
    return taught(boundaries, number).scorer()
