"""A small shop whose customers can be told apart: enough to learn from in a second."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

from models.labels import Question
from models.learning.backtest import Backtest, Plan
from models.learning.histories import fold_history
from schemas.event import Event
from support.builders import DAY_MS, purchase
from support.troubled import FIRST_DAY, default_rules

BASIS: Final = default_rules().basis
QUESTION: Final = Question(28, 60)
DAYS: Final = 240


@cache
def shop() -> list[Event]:
    """120 customers of three tempers, some of whom leave, over eight months; in the order of time."""
    found = []
    for number in range(120):
        dice = random.Random(f"shop/{number}")
        gap, day = dice.choice((6, 15, 40)), dice.uniform(0, 60)
        until = dice.uniform(60, 400)
        while day < min(DAYS, until):
            at_ms = int((FIRST_DAY + day) * DAY_MS)
            amount = round(dice.lognormvariate(3, 0.6), 2)
            name = f"{number}-{day:.3f}"
            found.append(purchase(f"c{number:03}", at_ms, amount=amount, currency="USD", id=name, order_id=name))
            day += dice.expovariate(1 / gap)
    return sorted(found, key=lambda event: event.time_ms)


def run_of(events: list[Event], *, step_days: int = 5, made: type[Backtest] = Backtest) -> Backtest:
    """A whole backtest over these events."""
    folded = fold_history(events, BASIS)
    plan = Plan(QUESTION, FIRST_DAY + 21, FIRST_DAY + 70, folded.last_day, step_days)
    run = made(folded, plan)
    boundaries = list(run.run())
    assert boundaries == list(range(plan.first_snapshot, plan.last_day + 2))
    return run


@cache
def whole() -> Backtest:
    """That of the whole history."""
    return run_of(shop())
