"""Scores do not depend on company, and drivers are what they claim."""

from __future__ import annotations

import numpy as np
import pytest

from models.scoring.scorer import EXPERTS, Floats, Scorer
from support.examples import FEATURES, examples, scorer_of

SCORER = scorer_of(6)
ROWS = np.array([example.features for example in examples(77, 40)])


def with_weights(*weights: float) -> Scorer:
    return Scorer(
        SCORER.features, SCORER.boundary, SCORER.is_cold, weights, SCORER.means, SCORER.vectors, SCORER.offsets,
        SCORER.base_rate,
    )  # fmt: skip


def log_odds(scorer: Scorer, row: Floats) -> float:
    chance = float(scorer.score(row[None])[0])
    return float(np.log(chance / (1 - chance)))


def test_a_row_is_scored_alike_alone_and_among_others() -> None:
    together = SCORER.score(ROWS)
    for size in (1, 3, 7, 16):
        for first in range(0, len(ROWS) - size, size):
            assert (SCORER.score(ROWS[first : first + size]) == together[first : first + size]).all()


def test_the_committee_is_the_weighted_mean_of_its_experts() -> None:
    experts = SCORER.experts(ROWS)
    assert SCORER.score(ROWS) == pytest.approx(experts @ np.array(SCORER.weights))
    for place in range(len(EXPERTS)):
        alone = with_weights(*(float(place == at) for at in range(len(EXPERTS))))
        assert (alone.score(ROWS) == experts[:, place]).all()


def test_nobody_scored_is_no_error() -> None:
    assert SCORER.score(np.empty((0, len(FEATURES)))).shape == (0,)


@pytest.mark.parametrize("expert", [0, 2])
def test_drivers_of_an_expert_for_the_whole_horizon_add_up_to_its_log_odds(expert: int) -> None:
    scorer = with_weights(*(float(place == expert) for place in range(len(EXPERTS))))
    for row in ROWS[:10]:
        total = sum(value for _, value in scorer.drivers(row.tolist()))
        assert total == pytest.approx(log_odds(scorer, row) - log_odds(scorer, scorer.means), abs=1e-9)


def test_drivers_are_the_committee_s_slope_times_the_distance_from_the_mean() -> None:
    for row in ROWS[:10]:
        drivers = dict(SCORER.drivers(row.tolist()))
        for place, name in enumerate(FEATURES):
            step = np.zeros(len(FEATURES))
            step[place] = 1e-5
            slope = (log_odds(SCORER, row + step) - log_odds(SCORER, row - step)) / 2e-5
            assert drivers[name] == pytest.approx(slope * (row[place] - SCORER.means[place]), rel=1e-4, abs=1e-7)


def test_drivers_come_largest_first() -> None:
    sizes = [abs(value) for _, value in SCORER.drivers(ROWS[0].tolist())]
    assert sizes == sorted(sizes, reverse=True)
