"""A finished backtest as one report: plain values for JSON, from which pages and tables are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

import numpy as np

from models.calendar import date_of
from models.learning.backtest import Backtest, Frame, stacked
from models.learning.lead_time import lead_times
from models.learning.quality import Flags, auc, reliability, score
from models.learning.value import at_own_rhythm, expected, prior_of, sums_of
from models.scoring.features import MEANINGS
from models.scoring.scorer import BASELINES, EXPERTS, Floats, log_loss
from models.scoring.worth import YEAR

COMMITTEE: Final = "committee"
VALUE_DAYS: Final = (YEAR, 182, 91)
"""Days over which the expected spend is held against what was spent: the longest that enough snapshots allow."""

VALUE_SNAPSHOTS: Final = 4
LIFT_PARTS: Final = 20
ROC_POINTS: Final = 200


def report(run: Backtest, others: Mapping[str, Floats] | None = None) -> dict[str, Any]:
    """Everything there is to say. `others`: probabilities of further models, for the rows of `run.judged()` in turn."""
    frames = run.judged()
    result: dict[str, Any] = {"question": _question(run), "data": _data(run, frames), "models": []}
    if frames:
        chance, experts, baselines, churned = stacked(frames)
        said = {
            COMMITTEE: chance,
            **dict(zip(EXPERTS, experts.T, strict=True)),
            **dict(zip(BASELINES, baselines.T, strict=True)),
            **(others or {}),
        }
        result["models"] = [
            {"model": name, **_plain(score(values, churned)._asdict())} for name, values in said.items()
        ]
        result["reliability"] = [_plain(each._asdict()) for each in reliability(chance, churned)]
        result["roc"] = {name: _roc(said[name], churned) for name in (COMMITTEE, "recency_frequency_value")}
        result["lift"] = _lift(chance, churned)
        result["snapshots"] = _snapshots(frames, others or {})
    result["running"] = [_plain(_running(each)) for each in run.watched.running]
    result["weights"] = [{"snapshot": date_of(frame.snapshot), **_by_expert(frame)} for frame in run.frames.values()]
    result["budgets"] = [_plain(budget._asdict()) for budget in lead_times(run)]
    result["value"] = value_report(run)
    result["drivers"] = _drivers(frames, run)
    result["drift"] = {
        "loss": [date_of(alarm.boundary) for alarm in run.watched.loss.alarms],
        "mean_prediction": [date_of(alarm.boundary) for alarm in run.watched.mean.alarms],
    }
    return result


def _question(run: Backtest) -> dict[str, Any]:
    plan = run.plan
    return {
        "horizon_days": plan.question.horizon_days,
        "risk_set_days": plan.question.risk_set_days,
        "step_days": plan.step_days,
        "first_snapshot": date_of(plan.first_snapshot),
        "evaluate_from": date_of(plan.evaluate_from),
        "last_day": date_of(plan.last_day),
        "prior": plan.prior,
        "features": list(run.features),
    }


def _data(run: Backtest, frames: Sequence[Frame]) -> dict[str, Any]:
    rows = sum(len(frame.customers) for frame in run.frames.values())
    settled = sum(len(frame.customers) for frame in run.frames.values() if frame.churned is not None)
    judged = sum(len(frame.customers) for frame in frames)
    churned = sum(int(frame.churned.sum()) for frame in frames if frame.churned is not None)
    warm = [frame.snapshot for frame in run.frames.values() if not frame.is_cold]
    return {
        "customers": len(run.customers),
        "snapshots": len(run.frames),
        "rows": rows,
        "judged_snapshots": len(frames),
        "judged_rows": judged,
        "churned": churned / judged if judged else None,
        "censored": 1 - settled / rows if rows else None,
        "cold_until": date_of(warm[0]) if warm else None,
    }


def _snapshots(frames: Sequence[Frame], others: Mapping[str, Floats]) -> list[dict[str, Any]]:
    found, first = [], 0
    for frame in frames:
        assert frame.churned is not None
        end = first + len(frame.customers)
        said = {COMMITTEE: frame.chance, **dict(zip(BASELINES, frame.baselines.T, strict=True))}
        said |= {name: values[first:end] for name, values in others.items()}
        losses = {name: float(log_loss(values, frame.churned).mean()) for name, values in said.items()}
        found.append(
            {
                "snapshot": date_of(frame.snapshot),
                "rows": len(frame.customers),
                "churned": float(frame.churned.mean()),
                "given": float(frame.chance.mean()),
                "log_loss": losses,
                "auc": _number(auc(frame.chance, frame.churned)),
            }
        )
        first = end
    return found


def _running(each: Any) -> dict[str, Any]:
    names = {"": COMMITTEE}
    return {
        "snapshot": date_of(each.boundary),
        "log_loss": {names.get(name, name): value for name, value in each.log_loss.items()},
        "ece": each.ece,
    }


def _by_expert(frame: Frame) -> dict[str, float]:
    return dict(zip(EXPERTS, frame.weights, strict=True))


def _roc(chance: Floats, churned: Flags) -> list[list[float]]:
    """Points (share of returners listed, share of churners listed), the highest risks first."""
    order = np.argsort(-chance, kind="stable")
    lost = np.cumsum(churned[order]) / max(1, int(churned.sum()))
    kept = np.cumsum(~churned[order]) / max(1, int((~churned).sum()))
    places = np.unique(np.linspace(0, len(order) - 1, min(ROC_POINTS, len(order))).astype(np.int64))
    return [[0.0, 0.0], *[[round(float(kept[at]), 5), round(float(lost[at]), 5)] for at in places]]


def _lift(chance: Floats, churned: Flags) -> list[dict[str, float]]:
    """Share that churned among the highest risks, by the share of the base that is looked at."""
    order = np.argsort(-chance, kind="stable")
    base = float(churned.mean())
    found = []
    for part in range(1, LIFT_PARTS + 1):
        top = churned[order[: max(1, round(len(order) * part / LIFT_PARTS))]]
        rate = float(top.mean())
        found.append({"share": part / LIFT_PARTS, "churned": rate, "lift": rate / base if base else 0.0})
    return found


def _drivers(frames: Sequence[Frame], run: Backtest) -> list[dict[str, Any]]:
    """Mean size of every feature's contribution, by the weights at the end over the rows of the last snapshot."""
    last = [frame for frame in frames or run.frames.values() if len(frame.customers)][-1:]
    if not last:
        return []
    scorer = run.committee.scorer()
    sizes = dict.fromkeys(run.features, 0.0)
    signs = dict.fromkeys(run.features, 0.0)
    for row in last[0].rows:
        ordered = dict(zip(run.features, (row - scorer.means).tolist(), strict=True))
        for name, term in scorer.drivers(row.tolist()):
            sizes[name] += abs(term) / len(last[0].rows)
            signs[name] += term * (1 if ordered[name] > 0 else -1)
    names = sorted(sizes, key=lambda name: -sizes[name])
    return [
        {"feature": name, "meaning": MEANINGS[name], "size": sizes[name], "raises_risk": signs[name] > 0}
        for name in names
    ]


def value_report(run: Backtest) -> dict[str, Any] | None:
    """Expected spend against what was spent, beside carrying the last 90 days and the last year forward."""
    plan = run.plan
    for days in VALUE_DAYS:
        frames = [
            frame
            for frame in run.frames.values()
            if plan.is_judged(frame.snapshot) and frame.snapshot + days <= plan.last_day and len(frame.customers)
        ]
        if len(frames) >= VALUE_SNAPSHOTS:
            return _value(run, frames, days)
    return None


def _value(run: Backtest, frames: Sequence[Frame], days: int) -> dict[str, Any]:
    spent: list[Floats] = []
    said: dict[str, list[Floats]] = {name: [] for name in ("expected", "own_rhythm", "last_90_days", "last_year")}
    minor = run.minor_units
    for frame in frames:
        prior = prior_of(sums_of(frame.own))
        spent.append(run.purchases.bought(frame.customers, frame.snapshot, frame.snapshot + days)[1] / minor)
        horizon = run.plan.question.horizon_days
        said["expected"].append(expected(frame.own, prior, days, frame.chance, horizon) / minor)
        said["own_rhythm"].append(at_own_rhythm(frame.own, prior, days) / minor)
        said["last_90_days"].append(frame.own[:, 4] * days / 90 / minor)
        said["last_year"].append(frame.own[:, 3] * days / YEAR / minor)
    actual = np.concatenate(spent)
    return {
        "days": days,
        "rows": len(actual),
        "spent": float(actual.mean()),
        "estimates": [{"estimate": name, **_error(np.concatenate(each), actual)} for name, each in said.items()],
    }


def _error(estimate: Floats, actual: Floats) -> dict[str, float | None]:
    top = np.argsort(-estimate, kind="stable")[: max(1, len(estimate) // 5)]
    total = float(actual.sum())
    return {
        "mean_absolute_error": float(np.abs(estimate - actual).mean()),
        "root_mean_square_error": float(np.sqrt(((estimate - actual) ** 2).mean())),
        "total_ratio": float(estimate.sum()) / total if total else None,
        "spend_of_top_fifth": float(actual[top].sum()) / total if total else None,
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that JSON has no word for become null."""
    return {name: _number(value) if isinstance(value, float) else value for name, value in values.items()}
