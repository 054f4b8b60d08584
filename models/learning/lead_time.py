"""How early lapses are announced when a budget of alerts is spent on the highest risks.

A customer lapses when the silence since the last purchase reaches the risk set's end. At every snapshot the budget's
share of the customers scored, those of the highest risk, are on the list; the first time on it since the last purchase
is an alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Final, NamedTuple

import numpy as np

from models.customers.day_history import NOT_YET
from models.learning.backtest import Backtest, Frame

BUDGETS: Final = (0.01, 0.02, 0.05, 0.1, 0.2)


class Budget(NamedTuple):
    """What a share of the base on the list bought.

    `precision`: of the alerts whose outcome is known, the share without a purchase within the horizon. `announced`: the
    share of the lapses that had an alert before; `lead_days`: the median time from that alert to the lapse.
    """

    share: float
    alerts: int
    alerts_a_day: float
    precision: float | None
    lapses: int
    announced: float | None
    lead_days: float | None


def lead_times(run: Backtest) -> list[Budget]:
    """Every budget over the snapshots from the first that is judged to the end of the data."""
    frames = [frame for frame in run.frames.values() if frame.snapshot >= run.plan.evaluate_from]
    if not frames:
        return []
    lapses = _lapses(run, frames[0].snapshot)
    return [_spend(run, frames, share, lapses) for share in BUDGETS]


def _spend(run: Backtest, frames: Sequence[Frame], share: float, lapses: dict[tuple[int, int], int]) -> Budget:
    alerts: dict[tuple[int, int], int] = {}
    hits: list[bool] = []
    for frame in frames:
        for place in _listed(frame, share):
            last = frame.snapshot - int(frame.silent[place])
            key = (int(frame.customers[place]), last)
            if key not in alerts:
                alerts[key] = frame.snapshot
                if frame.churned is not None:
                    hits.append(bool(frame.churned[place]))
    leads = [day - alerts[key] for key, day in lapses.items() if key in alerts]
    days = run.plan.last_day + 1 - frames[0].snapshot
    return Budget(
        share=share,
        alerts=len(alerts),
        alerts_a_day=len(alerts) / days,
        precision=sum(hits) / len(hits) if hits else None,
        lapses=len(lapses),
        announced=len(leads) / len(lapses) if lapses else None,
        lead_days=float(median(leads)) if leads else None,
    )


def _listed(frame: Frame, share: float) -> list[int]:
    """Places of the highest risks; of equal ones the first by id."""
    order = np.argsort(-frame.chance, kind="stable")
    return [int(place) for place in order[: ceil(share * len(order))]]


def _lapses(run: Backtest, first: int) -> dict[tuple[int, int], int]:
    """Day of the lapse by (customer, day of the last purchase), of those that some snapshot looked at before it."""
    limit = run.plan.question.risk_set_days
    found: dict[tuple[int, int], int] = {}
    for frame in run.frames.values():
        if frame.snapshot < first:
            continue
        lapses = frame.snapshot - frame.silent + limit
        untils = run.purchases.days_until(frame.customers, frame.snapshot, lapses)
        lapsed = (lapses <= run.plan.last_day) & (untils == NOT_YET)
        for customer, lapse in zip(frame.customers[lapsed].tolist(), lapses[lapsed].tolist(), strict=True):
            found[customer, lapse - limit] = lapse
    return found
