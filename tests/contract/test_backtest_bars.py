"""What was promised of the model on two public histories, with the defaults. They are not part of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from support.program import ROOT, run

DATA: Final = ROOT.parent / "shared/data"
UCI: Final = DATA / "uci_online_retail_events.jsonl.gz"
CDNOW: Final = DATA / "cdnow_quarter_events.jsonl.gz"


def models_of(file: Path, *options: str) -> dict[str, dict[str, Any]]:
    if not file.exists():
        pytest.skip(f"the model's promises not tested: {file} is missing (a public history; not part of the project)")
    done = run("backtest", str(file), *options, "--json")
    assert done.code == 0, done.err
    models = {each["model"]: each for each in orjson.loads(done.out)["models"]}
    print(
        {name: {key: round(value, 4) for key, value in each.items() if key != "model"} for name, each in models.items()}
    )
    return models


@pytest.mark.full("a minute")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_uci_online_retail() -> None:
    found = models_of(
        UCI, "--horizon-days", "60", "--risk-set-days", "90",
        "--first-snapshot", "2011-01-03", "--evaluate-from", "2011-04-04",
        "--compare", "lightgbm,bgnbd",
    )  # fmt: skip
    ours = found["committee"]
    assert ours["rows"] == 55_046
    assert ours["auc"] >= 0.742
    assert ours["log_loss"] <= 0.5905
    assert ours["ece"] <= 0.025
    assert ours["log_loss"] < found["lightgbm"]["log_loss"]
    assert found["lightgbm"]["log_loss"] < 0.6  # an opponent worth the name
    assert found["bgnbd"]["log_loss"] == pytest.approx(0.6025, abs=0.002)


@pytest.mark.full("a minute")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cdnow_quarter() -> None:
    found = models_of(
        CDNOW, "--horizon-days", "90", "--risk-set-days", "180",
        "--first-snapshot", "1997-01-13", "--evaluate-from", "1997-07-07",
    )  # fmt: skip
    assert found["committee"]["log_loss"] <= 0.523
    assert found["committee"]["auc"] >= 0.749
