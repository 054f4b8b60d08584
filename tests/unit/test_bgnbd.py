"""BG/NBD against customers drawn from it, and against the figures published for CDNOW."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from models.calendar import DAY_MS
from models.learning.quality import Flags
from schemas.instant import from_rfc3339
from streams.comparison.bgnbd import BgNbd, RepeatPurchases, fit
from streams.files.history import read_history
from support.cdnow import CDNOW

TRUTH = BgNbd(0.5, 20.0, 0.8, 2.5)
AGE, HORIZON = 200.0, 60.0


def drawn(customers: int) -> tuple[RepeatPurchases, Flags]:
    """Customers who live as the model says, and which of them buy nothing in the horizon after their age."""
    dice = np.random.default_rng(5)
    rows, is_silent = [], []
    for _ in range(customers):
        rate, drop = dice.gamma(TRUTH.r, 1 / TRUTH.alpha), dice.beta(TRUTH.a, TRUTH.b)
        repeats, last, at = 0, 0.0, dice.exponential(1 / rate)
        is_alive = True
        while is_alive and at <= AGE:
            repeats, last = repeats + 1, at
            is_alive = dice.random() >= drop
            at += dice.exponential(1 / rate)
        rows.append((repeats, last, AGE))
        is_silent.append(not (is_alive and at <= AGE + HORIZON))
    return RepeatPurchases(*np.array(rows, dtype=np.float64).T), np.array(is_silent)


def test_the_parameters_of_drawn_customers_are_found_again() -> None:
    found = fit(drawn(20_000)[0])
    assert found.r == pytest.approx(TRUTH.r, rel=0.1)
    assert found.alpha == pytest.approx(TRUTH.alpha, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(TRUTH.a / (TRUTH.a + TRUTH.b), rel=0.1)


def test_the_chance_of_silence_is_kept() -> None:
    customers, is_silent = drawn(20_000)
    chance = TRUTH.churned(customers, HORIZON)
    for low, high in ((0.0, 0.5), (0.5, 0.75), (0.75, 0.9), (0.9, 1.0)):
        inside = (chance >= low) & (chance < high)
        assert inside.sum() > 300
        error = float(np.sqrt(chance[inside].var() + 0.25) / np.sqrt(inside.sum()))
        assert chance[inside].mean() == pytest.approx(is_silent[inside].mean(), abs=3 * error)


def test_cdnow_has_the_published_parameters() -> None:
    """Fader, Hardie and Lee 2005: r .243, alpha 4.414, a .793, b 2.426 (weeks) for a tenth of these customers."""
    end = from_rfc3339("1997-10-01T00:00:00Z") // DAY_MS
    days: dict[bytes, set[int]] = defaultdict(set)
    for event in read_history([CDNOW]).events:
        if event.time_ms // DAY_MS < end:
            days[event.key].add(event.time_ms // DAY_MS)
    rows = [(len(of) - 1, (max(of) - min(of)) / 7, (end - 1 - min(of)) / 7) for of in days.values()]
    found = fit(RepeatPurchases(*np.array(rows, dtype=np.float64).T))
    assert found.r == pytest.approx(0.243, rel=0.05)
    assert found.alpha == pytest.approx(4.414, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(0.793 / (0.793 + 2.426), rel=0.05)
