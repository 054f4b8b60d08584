"""Whoever had a snapshot before any version was believed has its risk at the first boundary with one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.config import Learning
from models.customers.arrays import Floats, Rows
from models.customers.stages import LOST
from models.engine.replay import Replay
from models.engine.review import Message
from models.engine.snapshot import freeze, load
from models.labels import Question
from models.scoring.features import features
from models.scoring.scoring import Scoring
from models.scoring.snapshots import is_in_risk_set, weekday_of
from schemas.alert import AlertV1
from schemas.event import Event
from schemas.example import ProgressV1
from schemas.reviewed import ReviewedV1
from support.builders import DAY_MS
from support.closing import VERSION, Closing, at_risk, crowded
from support.examples import scorer_of
from support.tries import tries
from support.troubled import FIRST_DAY, default_rules

BASIS: Final = default_rules().basis
COLD: Final = replace(VERSION, name="cold", scorer=replace(VERSION.scorer, is_cold=True))
OTHER: Final = replace(VERSION, name="other", scorer=scorer_of(9, 200))
VERSIONS: Final = (None, COLD, VERSION, OTHER)
LEARNINGS: Final = (
    Learning(),
    Learning(anchor=FIRST_DAY + 9),
    Learning(Question(12, 60), step_days=5),
    Learning(Question(40, 90), step_days=30),
)
DAYS: Final = 50


@cache
def small() -> list[Event]:
    return crowded(3, customers=3, days=DAYS)


@given(
    learning=st.sampled_from(LEARNINGS),
    changes=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3)), min_size=3, max_size=8),
    stop=st.integers(1, DAYS),
)
@settings(max_examples=tries(16))
def test_every_snapshot_of_four_weeks_has_one_risk_from_the_first_warm_version_on(
    learning: Learning, changes: Sequence[tuple[int, int]], stop: int
) -> None:
    """Recounted with versions that come and go, and with a restart in between."""
    in_force = [number for days, number in changes for _ in range(days)]
    closing = Closing(BASIS, small())
    scoring, step = Scoring(closing.customers, learning), learning.step_days
    known: dict[tuple[int, int], float] = {}
    waiting: dict[int, tuple[Rows, Floats]] = {}
    for boundary in closing.until(FIRST_DAY + min(DAYS, len(in_force))):
        version = VERSIONS[in_force[boundary - FIRST_DAY - 1]]
        scoring.review(version)
        rows = at_risk(closing, learning)
        rows = rows[scoring._weekdays[rows] == boundary % step]
        if learning.anchor is None or boundary >= learning.anchor:
            waiting[boundary] = rows, features(closing.customers, rows, boundary)
        expected = np.full(scoring.risks.values.shape, np.nan)
        for day, (asked, table) in waiting.items():
            line, newest = (boundary - day) // step, boundary - (boundary - day) % step
            if version in (VERSION, OTHER) and line < len(expected) and day > newest - learning.question.horizon_days:
                for row, risk in zip(asked.tolist(), version.risks(table).tolist(), strict=True):
                    known.setdefault((row, day), risk)
            if line < len(expected):
                expected[line, asked] = [known.get((row, day), np.nan) for row in asked.tolist()]
        assert np.array_equal(scoring.risks.values, expected, equal_nan=True)
        if boundary == FIRST_DAY + stop:
            arrays, names = scoring.frozen()(), [*scoring.versions]
            scoring = Scoring(closing.customers, learning)
            scoring.set_arrays(arrays, names)


def test_a_version_that_learned_beyond_a_boundary_says_nothing_of_it() -> None:
    """A history that is worked off once more, beside the model that was learned from it: it knows the outcomes."""
    learned = FIRST_DAY + 40
    knowing, learning = replace(VERSION, learned_until=learned), Learning(Question(12, 60))
    for boundary, scoring, lessons in Closing(BASIS, small()).scored(learning, FIRST_DAY + DAYS, knowing):
        assert np.isfinite(scoring.scores().risk).any() == (boundary >= learned)
        said = [one.risk is not None for lesson in lessons for one in lesson.snapshots]
        assert any(said) == (boundary >= learned + 7)
    (rows, *_), name = np.nonzero(np.isfinite(scoring.scores().risk)), knowing.name
    assert {scoring.scored_by(int(row)) for row in rows} == {name}


# -- through the engine

EVENTS: Final = crowded(5, customers=12, days=120)
END: Final = FIRST_DAY + 120
RULES: Final = default_rules()
"""Their model asks each customer on a weekday of its own."""
RANKING: Final = replace(VERSION, base=[100] * 175 + [30] * 25)
"""One by which 4 % of the base are at a risk of 87.5 % or more."""


def day_one(partitions: int, *, is_put_away: bool = False) -> Replay:
    """A backlog without a version, then the first boundary with one: what is decided there is still to be taken."""
    replay = Replay(RULES, partitions)
    for event in sorted(EVENTS, key=lambda event: (event.time_ms, event.feed)):
        replay.take(event)
    replay.until(END * DAY_MS)
    assert not churn_risks(replay.drain())
    if is_put_away:
        replay.partitions = [load(freeze(one).to_bytes(), RULES, number=one.number) for one in replay.partitions]
    for one in replay.partitions:
        one.versions = lambda _boundary: RANKING
    replay.until((END + 1) * DAY_MS)
    return replay


def churn_risks(messages: Sequence[Message]) -> list[AlertV1]:
    return [one for one in messages if isinstance(one, AlertV1) and one.signal == "churn_risk"]


def test_the_model_raises_alerts_on_its_first_day_and_everybody_at_risk_has_a_risk() -> None:
    (partition,) = (replay := day_one(1)).partitions
    scoring, learning, messages = partition.review.scoring, RULES.basis.learning, replay.drain()
    assert scoring is not None
    assert learning is not None
    everybody, columns = np.arange(partition.customers.size, dtype=np.int32), partition.customers.columns
    rows = everybody[is_in_risk_set(partition.customers, everybody, learning.question)]
    is_silent = columns.last_purchase[rows] < partition.boundary - learning.step_days
    assert is_silent.sum() > 300
    assert np.isfinite(scoring.risk_of(rows[is_silent])).all()
    (counts,) = [one.risks for one in messages if isinstance(one, ProgressV1) and one.risks]
    assert sum(count for _, count in counts) > 0.9 * (~np.isin(columns.stage[rows], LOST)).sum()
    alerts = churn_risks(messages)
    by_weekday = Counter(weekday_of(alert.customer_id, learning) for alert in alerts)
    assert len(by_weekday) == 7, "not only those whose snapshot day it is"
    assert all(alert.drivers and (alert.score or 0) > (alert.threshold or 0) for alert in alerts)
    assert {alert.model.version for alert in alerts if alert.model} == {RANKING.name}
    assert all(any(driver.contribution for driver in alert.drivers) for alert in alerts)


@pytest.mark.parametrize("partitions", [2, 12])
def test_the_first_day_is_the_same_for_any_number_of_partitions_and_after_a_restart(
    partitions: int,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    if partitions > 2 and not is_full:
        pytest.skip("two partitions are enough for every day: more with --full")
    assert decided_on(day_one(partitions)) == of_one_partition()
    assert decided_on(day_one(partitions, is_put_away=True)) == of_one_partition()


@cache
def of_one_partition() -> list[str]:
    return decided_on(day_one(1))


def decided_on(replay: Replay) -> list[str]:
    """All that is decided, in an order of its own."""
    return sorted(repr(one) for one in replay.drain() if not isinstance(one, ProgressV1 | ReviewedV1))
