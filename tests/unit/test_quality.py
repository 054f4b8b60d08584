"""Quality measures against their definitions, and drift against River's own detector."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, log
from typing import Any

import numpy as np
import pytest
from river import drift

from models.learning.drift import MAX_BOUNDARIES, BoundarySums, DriftWindow
from models.learning.quality import HALF_LIFE_DAYS, Flags, auc, new_quality, reliability, score
from models.scoring.scorer import Floats, log_loss


def drawn(rows: int, seed: int = 1) -> tuple[Floats, Flags]:
    """Probabilities, and outcomes that follow them."""
    dice = np.random.default_rng(seed)
    chance = dice.beta(2, 2, rows)
    return chance, dice.random(rows) < chance


def test_scores_equal_their_definitions() -> None:
    chance, churned = np.array([0.1, 0.4, 0.35, 0.8, 0.4]), np.array([False, False, True, True, True])
    found = score(chance, churned)
    assert found.rows == 5
    losses = [-log(0.9), -log(0.6), -log(0.35), -log(0.8), -log(0.4)]
    assert found.log_loss == pytest.approx(sum(losses) / 5)
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.65**2 + 0.04 + 0.36) / 5)
    pairs = [(0.5 if lost == kept else lost > kept) for lost in (0.35, 0.8, 0.4) for kept in (0.1, 0.4)]
    assert found.auc == pytest.approx(sum(pairs) / 6)
    assert found.bias == pytest.approx(0.41 - 0.6)
    assert found.ece == pytest.approx((0.1 + abs(0.35 - 1) + 0.2 + 2 * 0.1) / 5)
    assert [round(each.given, 3) for each in reliability(chance, churned)] == [0.1, 0.35, 0.4, 0.8]


def test_a_stream_without_fading_equals_the_rows() -> None:
    chance, churned = drawn(5_000)
    quality = new_quality()
    for first in range(0, 5_000, 500):
        quality.add(100, chance[first : first + 500], churned[first : first + 500])
    exact, found = score(chance, churned), quality.score()
    assert found._replace(auc=0) == pytest.approx(exact._replace(auc=0))
    assert found.auc == pytest.approx(exact.auc, abs=0.002)


def test_what_is_old_fades_by_half() -> None:
    quality = new_quality()
    quality.add(100, np.full(400, 0.5), np.arange(400) % 2 == 0)
    quality.add(100 + HALF_LIFE_DAYS, np.full(200, 0.9), np.ones(200, dtype=np.bool_))
    assert quality.score().rows == pytest.approx(400)
    assert quality.score().log_loss == pytest.approx((-log(0.5) - log(0.9)) / 2)


def test_nothing_judged_is_unknown_and_not_zero() -> None:
    assert isnan(new_quality().score().log_loss)
    assert isnan(score(np.empty(0), np.empty(0, dtype=bool)).auc)
    assert isnan(auc(np.array([0.2, 0.3]), np.array([True, True])))


def test_a_certainty_that_failed_has_a_finite_loss() -> None:
    assert log_loss(np.array([0.0, 1.0]), np.array([True, False])).tolist() == [36.0, 36.0]


def fed(means: list[float], number: int = 500, seed: int = 3) -> tuple[list[int], list[int]]:
    """Boundaries with an alarm, of our window and of River's ADWIN fed value by value."""
    adwin: Callable[[], Any] = drift.ADWIN
    dice, window, witness = np.random.default_rng(seed), DriftWindow(), adwin()
    ours: list[int] = []
    theirs: list[int] = []
    for boundary, mean in enumerate(means):
        values = np.clip(dice.normal(mean, 0.2, number), 0, 1)
        if window.add(BoundarySums(boundary, number, float(values.sum()), float((values**2).sum()))):
            ours.append(boundary)
        cuts = 0
        for value in values.tolist():
            witness.update(value)
            cuts += witness.drift_detected
        if cuts:
            theirs.append(boundary)
    return ours, theirs


def test_a_change_of_the_mean_is_seen_when_river_s_adwin_sees_it() -> None:
    ours, theirs = fed([0.4] * 15 + [0.5] * 15)
    assert ours[0] == theirs[0] == 15
    assert ours == [15]


def test_no_change_is_no_alarm() -> None:
    assert fed([0.4] * 40) == ([], [])


def test_a_window_is_bounded_and_continues_from_its_buckets() -> None:
    window = DriftWindow()
    for boundary in range(MAX_BOUNDARIES + 50):
        window.add(BoundarySums(boundary, 10, 5.0, 2.6))
    assert len(window.buckets) == MAX_BOUNDARIES
    again = DriftWindow(window.buckets, window.alarms)
    change = BoundarySums(999, 1000, 900.0, 820.0)
    assert window.add(change)
    assert again.add(change)
    assert (again.buckets, again.alarms) == (window.buckets, window.alarms)
    assert not window.add(BoundarySums(1000, 0, 0.0, 0.0))
