"""A history that nobody scored while it happened is judged by what a model would have known then."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Callable
from functools import cache
from typing import Final, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from models.config import Learning, Lifecycle
from models.engine.learning_replay import LearningReplay
from models.engine.replay import Replay
from models.labels import BINS, MAX_HORIZON_DAYS, WHOLE, Question, is_cold
from models.learning.hindsight import MAX_SCORERS, Hindsight
from models.learning.learner import Learner
from models.learning.risk_counts import ranked_among
from models.scoring.ranks import MIN_SCORES
from schemas.example import Lesson, LessonV1, ProgressV1
from schemas.model import MAX_MODEL_BYTES, ModelStateError
from schemas.model_version import (
    MODEL_NAME,
    ModelVersionV1,
    ScorerV1,
    decode_model_version,
    encode_model_version,
    sealed,
)
from streams.agents.models import version_of
from streams.files.catalogue_file import rules_of
from streams.settings import Settings
from support.examples import FEATURES, examples, scorer_of
from support.lessons import FIRST_WEEK, RULES, WEEKLY, lessons
from support.shop import shop
from support.tries import tries
from support.troubled import FIRST_DAY, default_rules

ANCHOR: Final = default_rules().basis.calendar.text_of(FIRST_DAY + 21)[:10]
MODELS: Final = {
    "anchored": f"{{horizon_days: 28, risk_set_days: 60, anchor: {ANCHOR}}}",
    "weekdays": "{horizon_days: 28, risk_set_days: 60}",
    "short": "{horizon_days: 6, risk_set_days: 60}",
}


def taught_by(replay: Replay) -> list[Lesson]:
    for event in shop():
        replay.take(event)
    return [message for message in replay.drain() if isinstance(message, LessonV1 | ProgressV1)]


def learned(rules: str, given: list[Lesson]) -> Learner:
    found = rules_of(rules, Settings())
    assert found.basis.learning is not None
    learner = Learner(found, found.basis.learning, 2)
    for offset, lesson in enumerate(given):
        learner.take(lesson, offset)
    assert len(list(learner.versions())) > 20
    return learner


@pytest.mark.parametrize("name", MODELS)
def test_quality_after_a_backlog_is_that_of_a_model_that_was_there_all_the_time(
    name: str,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    if name != "short" and not is_full:
        pytest.skip("longer horizons are like the short one: --full")
    text = f"{{base: default, feeds: [purchase], model: {MODELS[name]}}}"
    rules = rules_of(text, Settings())
    scored, unscored = taught_by(LearningReplay(rules, 2)), taught_by(Replay(rules, 2))
    assert all(one.risk is None for lesson in unscored if isinstance(lesson, LessonV1) for one in lesson.snapshots)
    told, worked_out = learned(text, scored), learned(text, unscored)
    assert worked_out.judged is not None
    assert told.judged is not None
    assert (worked_out.judged.given, told.judged.worked_out) == (0, 0)
    assert worked_out.judged.worked_out == told.judged.given > 1_000
    assert worked_out.judged.since == told.judged.since
    assert worked_out.quality() == told.quality()
    assert worked_out.calibration() == told.calibration()
    assert {of: one.to_state() for of, one in worked_out.drift.items()} == {
        of: one.to_state() for of, one in told.drift.items()
    }


# -- made-up lessons

WEEKS: Final = 30
CUSTOMERS: Final = 220
WARM: Final = 15
"""Weeks after which the model is surely warm."""
DAY_OF: Final = RULES.basis.calendar.day_of_text


@cache
def untold() -> tuple[Lesson, ...]:
    """Lessons of which no snapshot was told a risk."""
    return tuple(
        replace(lesson, snapshots=tuple(replace(one, risk=None) for one in lesson.snapshots))
        if isinstance(lesson, LessonV1)
        else lesson
        for lesson in lessons(WEEKS, CUSTOMERS)
    )


def versions_of(given: tuple[Lesson, ...], known: ModelVersionV1 | None = None) -> list[ModelVersionV1]:
    learner = Learner(RULES, WEEKLY, 1, known)
    for offset, lesson in enumerate(given):
        if known is None or offset >= known.resume_offset:
            learner.take(lesson, offset)
    return list(learner.versions())


@cache
def truth() -> list[ModelVersionV1]:
    return versions_of(untold())


def test_a_learner_that_is_restarted_anywhere_works_out_the_same_risks() -> None:
    names = [model.version for model in truth()]
    for place in (0, 7, WARM, len(names) - 2):
        known = decode_model_version(encode_model_version(truth()[place], 1))
        assert [model.version for model in versions_of(untold(), known)] == names[place + 1 :]


def test_a_model_is_judged_by_its_first_day() -> None:
    last = truth()[-1]
    quality = last.quality[MODEL_NAME]
    assert quality.losses / quality.rows < 0.9 * math.log(2)
    check_judged(last, truth()[0])


def check_judged(last: ModelVersionV1, first: ModelVersionV1) -> None:
    """Everybody was judged from the first snapshot on that a version could score."""
    assert last.judged
    assert DAY_OF(last.judged.since) == DAY_OF(first.learned_until) + 7
    weeks = (DAY_OF(last.learned_until) - 60 - DAY_OF(last.judged.since)) // 7 + 1
    assert (last.judged.given, last.judged.worked_out) == (0, CUSTOMERS * weeks)


def flipped(lesson: Lesson, day: int, dice: random.Random) -> Lesson:
    """Most of the labels that matured after a day say the opposite."""
    if not isinstance(lesson, LessonV1):
        return lesson
    found = []
    for one in lesson.snapshots:
        is_flipped = [DAY_OF(label.matured_at) > day and dice.random() < 0.7 for label in one.labels]
        labels = zip(one.labels, is_flipped, strict=True)
        found.append(replace(one, labels=tuple(replace(label, is_true=label.is_true != is_) for label, is_ in labels)))
    return replace(lesson, snapshots=tuple(found))


@given(cut=st.integers(WARM + 1, WEEKS - 6), seed=st.integers(0, 999))
@settings(max_examples=tries(8))
def test_what_matures_later_changes_no_risk_that_is_worked_out(cut: int, seed: int) -> None:
    """Versions until a day score the snapshots of a week after it; that is seen when their first bins are over."""

    def watched(versions: list[ModelVersionV1], until: int) -> list[tuple[int, int, float, float]]:
        (found,) = [model.drift for model in versions if DAY_OF(model.learned_until) == until]
        assert isinstance(found, dict)
        return found["mean_prediction"].buckets

    day = 7 * (FIRST_WEEK + cut)
    dice = random.Random(seed)
    other = versions_of(tuple(flipped(lesson, day, dice) for lesson in untold()))
    known = watched(truth(), day + 28)
    assert known[-1][:2] == (day + 28, CUSTOMERS)
    assert watched(other, day + 28) == known
    assert watched(other, day + 35) != watched(truth(), day + 35)


# -- what a version keeps


def scorers(learning: Learning, weeks: int) -> Hindsight:
    found, scorer = Hindsight(learning, FEATURES), scorer_of(2)
    for week in range(weeks):
        found.keep(learning.step_days * (3_000 + week), dataclasses.replace(scorer, base_rate=week / weeks))
    return found


@given(
    horizon=st.integers(BINS, MAX_HORIZON_DAYS), step=st.integers(1, 60), weeks=st.integers(1, 400), ago=st.floats(0, 1)
)
@settings(max_examples=tries(60))
def test_every_snapshot_that_waits_has_a_scorer_of_its_time_and_they_stay_few(
    horizon: int, step: int, weeks: int, ago: float
) -> None:
    learning = Learning(Question(horizon, 90), step_days=step)
    kept = scorers(learning, weeks)
    assert 0 < len(kept.to_state()) <= MAX_SCORERS or horizon // step > MAX_SCORERS
    assert Hindsight(learning, FEATURES, kept.to_state()).to_state() == kept.to_state()
    until = step * (3_000 + weeks - 1)
    snapshot = until - int(ago * (horizon - 1))
    one = examples(snapshot + horizon, 1)[-1]._replace(snapshot=snapshot, part=WHOLE)
    (base_rate,) = kept.said([one]).baselines[:, 0].tolist()
    newest = (snapshot - step) // step - 3_000
    thinned = -(-(horizon // step + 4) // (MAX_SCORERS - 2))
    if newest >= thinned:
        week = round(base_rate * weeks)
        assert newest - thinned < week <= newest
    assert (newest < 0) <= math.isnan(base_rate)


@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_version_of_the_longest_horizon_is_small_enough(step: int) -> None:
    kept = scorers(Learning(Question(MAX_HORIZON_DAYS, 90), step_days=step), 800).to_state()
    last = sealed(replace(truth()[-1], earlier=kept))
    value = encode_model_version(last, 1)
    assert len(value) < MAX_MODEL_BYTES * 2 / 3
    assert decode_model_version(value) == last


def test_a_version_of_an_earlier_program_is_gone_on_from() -> None:
    old = sealed(replace(truth()[9], earlier=UNSET, judged=UNSET))
    assert b'"earlier"' not in encode_model_version(old, 1)
    check_judged(versions_of(untold(), old)[-1], old)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("shape", lambda earlier: [*earlier, *earlier]),
        ("shape", lambda earlier: earlier[::-1]),
        ("shape", lambda earlier: [replace(earlier[0], numbers=earlier[0].numbers[:-8])]),
        ("not_finite", lambda earlier: [replace(earlier[0], numbers=b"\xff" * len(earlier[0].numbers))]),
    ],
)
def test_foreign_scorers_are_refused_by_name(reason: str, change: Callable[[list[ScorerV1]], list[ScorerV1]]) -> None:
    earlier = truth()[-1].earlier
    assert earlier
    with pytest.raises(ModelStateError) as refused:
        Learner(RULES, WEEKLY, 1, replace(truth()[-1], earlier=change(earlier)))
    assert refused.value.reason == reason


# -- the base


@pytest.mark.parametrize("silence", ["purchase", "activity"])
def test_risks_are_ranked_from_the_first_warm_version_on(silence: Literal["purchase", "activity"]) -> None:
    """No partition gave any: the base are those whose first bin is over, by what the version says of them."""
    first = next(place for place, model in enumerate(truth()) if not is_cold(*model.committee.labels))
    assert not truth()[first - 1].risks
    for model in truth()[first:]:
        version = version_of(model, RULES)
        assert version.base is not None
        assert sum(version.base) == CUSTOMERS
        assert version.ranks(np.array([0.0, 1.0])).tolist()[0] == 1.0
    limits, scorer = Lifecycle(silence=silence), scorer_of(8, 200)
    recency, engagement = FEATURES.index("recency"), FEATURES.index("engagement")
    week = []
    for number, (days, points) in enumerate(itertools.product((1, 60, 61, 62, 80), (0.0, 2.0))):
        for one in examples(700, 100, seed=number):
            values = list(one.features)
            values[recency], values[engagement] = float(np.float32(np.log1p(days))), points
            week.append(one._replace(features=tuple(values)))
    base = ranked_among([], week, scorer, limits)
    assert sum(base) == 100 * (6 if silence == "purchase" else 8)
    assert ranked_among([MIN_SCORES], week, scorer, limits) == [MIN_SCORES]
    assert ranked_among([MIN_SCORES - 1], week, scorer, limits) == base
    assert ranked_among([], week, dataclasses.replace(scorer, is_cold=True), limits) == []
    assert ranked_among([3], [], scorer, limits) == [3]


def test_a_version_of_a_week_carries_the_same_base_whenever_it_was_learned() -> None:
    """Partitions report every day: versions between the weeks take nothing of the week's from the one that follows."""
    end = 7 * (FIRST_WEEK + WEEKS)
    text_of = RULES.basis.calendar.text_of
    markers = [
        ProgressV1(0, text_of(day), text_of(day - 6), None, risks=((day % 7, MIN_SCORES),))
        for day in range(end - 60, end + 1)
    ]
    given: list[Lesson] = [*(lesson for lesson in untold() if isinstance(lesson, LessonV1)), *markers]
    daily, found = Learner(RULES, WEEKLY, 1), list[str]()
    for offset, lesson in enumerate(given):
        daily.take(lesson, offset)
        if isinstance(lesson, ProgressV1):
            found += [model.version for model in daily.versions()]
    at_once = [model.version for model in versions_of(tuple(given))]
    assert len(found) > len(at_once) > 15
    assert set(at_once) <= set(found)
