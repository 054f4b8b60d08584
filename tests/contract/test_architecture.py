"""The walls between the packages stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0


def test_root_holds_only_what_is_named() -> None:
    named = {"pyproject.toml", "README.md", "Makefile", "LICENSE", "requirements.lock"}
    folders = {"streams", "models", "schemas", "deploy", "tests"}
    made = {"build", "dist", "churn_signals.egg-info"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - made == named | folders
