"""The table of stages, edges included."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.config import Lifecycle
from models.customers.columns import STAGE_NAMES
from models.customers.customers import Customers
from models.customers.stages import stages
from support.builders import DAY_MS, login, purchase
from support.standing import Standing
from support.troubled import default_rules

LIMITS = Lifecycle()
TODAY = 1_000
"""The last closed day."""


def past(
    silent: int, *, age: int = 500, days: tuple[int, ...] = (), gap: float | None = None, older: bool = False
) -> Customers:
    """Somebody whose clock shows `silent` days; `days`: further days, as days ago, that restarted the clock.

    `older`: of purchases that are not kept any more, the last was a long silence before.
    """
    bought = [purchase(at_ms=(TODAY - ago) * DAY_MS, currency="USD", order_id=f"{ago}") for ago in {silent, *days}]
    basis = replace(default_rules().basis, lifecycle=LIMITS)
    customers = Standing(basis, bought, TODAY + 1).closing.customers
    columns = customers.columns
    columns.first_day[0] = TODAY - age
    if gap is not None:
        columns.gap[0] = gap
    if older:
        columns.restart[0] = TODAY - silent
    return customers


def stage_of(given: Customers, boundary: int = TODAY + 1, limits: Lifecycle = LIMITS) -> str:
    """The stage as of a boundary, with silence from today on."""
    return STAGE_NAMES[stages(given.columns, 1, boundary, limits)[0]]


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
def test_first_match_of_the_table_wins(given: Customers, stage: str) -> None:
    assert stage_of(given) == stage


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
def test_silence_leaves_a_stage_on_its_day_and_not_before(given: Customers, days_left: int) -> None:
    now = stage_of(given)
    assert {stage_of(given, TODAY + 1 + days) for days in range(days_left)} == {now}
    assert stage_of(given, TODAY + 1 + days_left) != now


def test_churned_lasts_until_something_happens() -> None:
    assert {stage_of(past(121), TODAY + 1 + days) for days in range(0, 5_000, 50)} == {"churned"}


@pytest.mark.parametrize(
    ("days", "gap"), [([1, 5, 9], None), ([1, 5, 9, 20], 4.0), ([0, 2, 6, 16, 30], 7.0), ([0, 0, 2, 2, 6, 16], 4.0)]
)
def test_a_rhythm_needs_three_gaps(days: list[int], gap: float | None) -> None:
    bought = [purchase(at_ms=(900 + day) * DAY_MS, order_id=str(number)) for number, day in enumerate(days)]
    assert Standing(default_rules().basis, bought, TODAY + 1).value("median_gap") == gap


def test_nobody_has_a_stage_before_the_first_activity() -> None:
    customers = Standing(default_rules().basis, [login(at_ms=(TODAY + 1) * DAY_MS)], TODAY + 1).closing.customers
    assert stage_of(customers) == "none"


def test_thresholds_are_values() -> None:
    strict = Lifecycle(dormant_days=10, churned_days=20, active_days=5)
    assert [stage_of(past(silent), limits=strict) for silent in (5, 6, 10, 20, 21)] == [
        "active",
        "lapsed",
        "dormant",
        "dormant",
        "churned",
    ]
