"""Models refitted as time goes by, on everything known at each refit, judged on the same rows as the committee."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from models.learning.backtest import Backtest, Frame
from models.scoring.scorer import Floats
from streams.errors import SetupError

NEEDED: Final[Mapping[str, str]] = {"lightgbm": "lightgbm", "bgnbd": "scipy"}
"""The package that a comparison needs, by the name of the comparison."""

BOOSTED_EVERY: Final = 2
"""Snapshots from one fit of LightGBM to the next."""

BOOSTED: Final = {
    "objective": "binary", "num_leaves": 7, "learning_rate": 0.05, "min_data_in_leaf": 200,
    "deterministic": True, "force_row_wise": True, "num_threads": 1, "seed": 0, "verbosity": -1,
}  # fmt: skip
"""100 small trees: rows of one customer are alike, and LightGBM's own 31 leaves learn them by heart (log loss .631 on
UCI Online Retail where these have .595). The same trees each time."""

BGNBD_DAYS: Final = 28
"""Days from one fit of BG/NBD to the next."""

Tick = Callable[[], None]


def check(names: list[str]) -> None:
    """Raise SetupError for a comparison that is not known, or whose package is not installed."""
    for name in names:
        if name not in NEEDED:
            raise SetupError("--compare", name, f"Known are {', '.join(NEEDED)}.")
        if find_spec(NEEDED[name]) is None:
            package = NEEDED[name]
            raise SetupError("--compare", f"{package} is not installed", f"Install it: pip install {package}.")


def refit(name: str, run: Backtest, tick: Tick) -> Floats:
    """Probabilities of a comparison for the rows of `run.judged()`, in turn; `tick` after each snapshot."""
    frames = run.judged()
    said = _boosted(run, frames, tick) if name == "lightgbm" else _bgnbd(run, frames, tick)
    return np.concatenate(said) if said else np.empty(0)


def _boosted(run: Backtest, frames: list[Frame], tick: Tick) -> list[Floats]:
    """LightGBM as it comes, on the committee's features and every label known at the snapshot."""
    horizon, model, said = run.plan.question.horizon_days, None, []
    for number, frame in enumerate(frames):
        if number % BOOSTED_EVERY == 0:
            known = [old for old in run.frames.values() if old.snapshot + horizon <= frame.snapshot and len(old.rows)]
            model = _fit_boosted(known) or model
        said.append(np.full(len(frame.rows), run.plan.prior) if model is None else _chance(model, frame))
        tick()
    return said


def _fit_boosted(known: list[Frame]) -> Any:
    import lightgbm

    labelled = [(frame.rows, frame.churned) for frame in known if frame.churned is not None]
    if not labelled or len(np.unique(np.concatenate([churned for _, churned in labelled]))) < 2:
        return None
    rows, churned = zip(*labelled, strict=True)
    known_rows = lightgbm.Dataset(np.concatenate(rows), np.concatenate(churned).astype(np.float64))
    return lightgbm.train(BOOSTED, known_rows)


def _chance(model: Any, frame: Frame) -> Floats:
    found: Floats = model.predict(frame.rows)
    return found


def _bgnbd(run: Backtest, frames: list[Frame], tick: Tick) -> list[Floats]:
    from streams.comparison.bgnbd import RepeatPurchases, fit

    horizon, said, model, fitted = run.plan.question.horizon_days, [], None, 0
    for frame in frames:
        everybody = run.purchases.buying(len(run.customers), frame.snapshot).astype(np.float64)
        if model is None or frame.snapshot - fitted >= BGNBD_DAYS:
            model, fitted = fit(RepeatPurchases(*everybody[everybody[:, 0] >= 0].T)), frame.snapshot
        said.append(model.churned(RepeatPurchases(*everybody[frame.customers].T), float(horizon)))
        tick()
    return said
