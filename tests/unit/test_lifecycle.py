"""The table of stages, edges included."""

from __future__ import annotations

import pytest
from models.lifecycle import Past, own_gap, standing

from models.config import Lifecycle
from models.customers.columns import NEVER

LIMITS = Lifecycle()
TODAY = 1_000


def past(
    silent: int, *, age: int = 500, days: tuple[int, ...] = (), gap: float | None = None, older: bool = False
) -> Past:
    """Somebody whose clock shows `silent` days; `days`: further days, as days ago, that restarted the clock."""
    clock_days = sorted({TODAY - silent, *(TODAY - ago for ago in days)})
    return Past(TODAY, TODAY - age, clock_days, TODAY - silent, older, gap)


@pytest.mark.parametrize(
    ("given", "stage"),
    [
        (past(121), "churned"),
        (past(121, age=5), "churned"),
        (past(120), "dormant"),
        (past(60), "dormant"),
        (past(60, age=20), "dormant"),
        (past(59), "lapsed"),
        (past(31), "lapsed"),
        (past(30), "active"),
        (past(0), "active"),
        (past(5, age=29), "new"),
        (past(5, age=30), "active"),
        (past(5, days=(65,)), "reactivated"),
        (past(5, days=(64,)), "active"),
        (past(29, days=(89,)), "reactivated"),
        (past(30, days=(90,)), "active"),
        (past(2, days=(10, 80)), "reactivated"),
        (past(2, days=(30, 100)), "active"),
        (past(5, age=29, days=(65,)), "reactivated"),
        (past(5, older=True), "reactivated"),
        (past(31, gap=15.0), "lapsed"),
        (past(31, gap=15.5), "active"),
        (past(40, gap=20.0), "active"),
        (past(41, gap=20.0), "lapsed"),
        (past(59, gap=300.0), "active"),
        (past(60, gap=300.0), "dormant"),
        (past(20, gap=2.0), "active"),
    ],
)
def test_first_match_of_the_table_wins(given: Past, stage: str) -> None:
    assert standing(given, LIMITS).stage == stage


@pytest.mark.parametrize(
    ("given", "days_left"),
    [
        (past(0), 31),
        (past(31), 29),
        (past(60), 61),
        (past(120), 1),
        (past(5, days=(65,)), 25),
        (past(5, age=10), 20),
        (past(0, gap=20.0), 41),
    ],
)
def test_a_stage_says_until_when_silence_leaves_it(given: Past, days_left: int) -> None:
    assert standing(given, LIMITS).until == TODAY + 1 + days_left


def test_churned_lasts_until_something_happens() -> None:
    assert standing(past(121), LIMITS).until == NEVER


def test_a_rhythm_needs_three_gaps() -> None:
    assert own_gap([1, 5, 9]) is None
    assert own_gap([1, 5, 9, 20]) == 4.0
    assert own_gap([0, 2, 6, 16, 30]) == 7.0


def test_thresholds_are_values() -> None:
    strict = Lifecycle(dormant_days=10, churned_days=20, active_days=5)
    assert [standing(past(silent), strict).stage for silent in (5, 6, 10, 20, 21)] == [
        "active",
        "lapsed",
        "dormant",
        "dormant",
        "churned",
    ]
